from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reports.diffs import CONTEXT, Span, word_diff

words = st.lists(st.sampled_from(["a", "b", "c", "film", "שלום", "🙂"]), max_size=15).map(" ".join)


def test_a_changed_word_is_taken_out_and_put_in() -> None:
    assert word_diff("a fine film", "a drab film") == [
        Span("same", "a"),
        Span("del", "fine"),
        Span("ins", "drab"),
        Span("same", "film"),
    ]


def test_words_are_added_and_left_out() -> None:
    assert word_diff("a film", "zoning tapping a film") == [
        Span("ins", "zoning tapping"),
        Span("same", "a film"),
    ]
    assert word_diff("a very good film", "a film") == [
        Span("same", "a"),
        Span("del", "very good"),
        Span("same", "film"),
    ]


def test_case_and_punctuation_are_changes_of_a_word() -> None:
    assert word_diff("Good, film", "good film") == [
        Span("del", "Good,"),
        Span("ins", "good"),
        Span("same", "film"),
    ]


def test_white_space_is_one_space_whatever_it_is() -> None:
    assert word_diff("a\tfine\n\nfilm ", " a fine film") == [Span("same", "a fine film")]
    assert word_diff("", "  ") == []
    assert word_diff("", "new") == [Span("ins", "new")]
    assert word_diff("old", "") == [Span("del", "old")]


def test_a_repeated_word_is_changed_where_it_stands() -> None:
    assert word_diff("good good good", "good bad good") == [
        Span("same", "good"),
        Span("del", "good"),
        Span("ins", "bad"),
        Span("same", "good"),
    ]


def test_what_is_far_from_a_change_is_left_out_with_its_number() -> None:
    before = [f"w{i}" for i in range(200)]
    after = [*before[:50], "NEW", *before[51:150], "NEW", *before[151:]]
    spans = word_diff(" ".join(before), " ".join(after))
    assert [span.change for span in spans] == [
        *("gap", "same", "del", "ins", "same", "gap", "same", "del", "ins", "same", "gap")
    ]
    # Of 50 words before, 99 between and 49 behind the changes, 20 beside each are kept.
    assert [span.text for span in spans if span.change == "gap"] == ["30 words", "59 words", "29 words"]
    assert spans[1].text == " ".join(before[30:50])
    assert spans[6].text == " ".join(before[130:150])


def test_a_gap_of_a_few_words_is_not_worth_a_note() -> None:
    before = " ".join(["w"] * (2 * CONTEXT))
    assert word_diff(before, before + " new") == [Span("same", before), Span("ins", "new")]


def test_long_texts_that_differ_in_one_word_take_no_time() -> None:
    before = ["the"] * 20_000
    spans = word_diff(" ".join(before), " ".join([*before[:10_000], "a", *before[10_001:]]))
    assert [span.text for span in spans if span.change in ("del", "ins")] == ["the", "a"]


@given(words, words)
def test_both_texts_can_be_read_off(before: str, after: str) -> None:
    spans = word_diff(before, after)
    for text, changes in ((before, ("same", "del")), (after, ("same", "ins"))):
        assert " ".join(span.text for span in spans if span.change in changes) == text


@given(words, words)
def test_no_two_spans_of_a_kind_touch(before: str, after: str) -> None:
    changes = [span.change for span in word_diff(before, after)]
    assert all(one != other for one, other in pairwise(changes))
