from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reports.diffs import CONTEXT, Span, visible_diff, word_diff

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


# What cannot be seen.

ZWSP, CYRILLIC_A = "\u200b", "\u0430"
DOCTOR = "\U0001f469\u200d\u2695\ufe0f"


def test_plain_changes_are_shown_as_they_are() -> None:
    for before, after in [
        ("a fine film", "a drab film"),
        ("caf\u00e9", "cafe"),
        ("good", "g00d"),
        ("g0od", "good"),
        ("", "new"),
    ]:
        assert visible_diff(before, after) == word_diff(before, after)


def test_invisible_characters_are_written_out() -> None:
    assert visible_diff("a film", f"a fi{ZWSP}lm") == [
        Span("same", "a"),
        Span("del", "film"),
        Span("ins", "fi\\u200blm"),
    ]
    assert visible_diff("a film", f"a {ZWSP} film")[1] == Span("ins", "\\u200b")
    assert visible_diff(f"fi{ZWSP}lm", "film") == [Span("del", "fi\\u200blm"), Span("ins", "film")]
    assert visible_diff("film", "\u202efilm\u3164")[1] == Span("ins", "\\u202efilm\\u3164")


def test_an_emoji_that_stays_keeps_its_joiners() -> None:
    assert visible_diff(f"good {DOCTOR}!", f"good {DOCTOR}?")[1:] == [
        Span("del", f"{DOCTOR}!"),
        Span("ins", f"{DOCTOR}?"),
    ]
    assert visible_diff(f"{DOCTOR} a", f"{DOCTOR}{ZWSP} a")[1].text == (
        "\U0001f469\\u200d\u2695\\ufe0f\\u200b"
    )


def test_lookalikes_are_followed_by_their_code_points() -> None:
    def put_in(before: str, after: str) -> list[str]:
        return [span.text for span in visible_diff(before, after) if span.change == "ins"]

    word = f"p{CYRILLIC_A}yp{CYRILLIC_A}l"
    assert put_in("a paypal b", f"a {word} b") == [f"{word} [U+0430 Cyrillic]"]
    # A whole word, a Greek letter beside a Cyrillic one, and a mark for which a letter stands.
    assert put_in("a", CYRILLIC_A) == [f"{CYRILLIC_A} [U+0430 Cyrillic]"]
    assert put_in("COp", "\u0421\u039fp") == ["\u0421\u039fp [U+0421 Cyrillic, U+039F Greek]"]
    assert put_in("no!", "no\u01c3") == ["no\u01c3 [U+01C3 Latin]"]
    assert put_in(CYRILLIC_A, "a") == ["a [U+0061 Latin]"]
    # Two words in a row, of which one has none.
    assert put_in("a fine film", f"{CYRILLIC_A} fime film") == [f"{CYRILLIC_A} [U+0430 Cyrillic] fime"]


def test_words_of_another_number_or_length_have_no_code_points() -> None:
    assert visible_diff("pal", f"p{CYRILLIC_A} l")[1] == Span("ins", f"p{CYRILLIC_A} l")
    assert visible_diff("good", "\u05e8\u05e2")[1] == Span("ins", "\u05e8\u05e2")
    assert visible_diff("Odd", "0dd")[1] == Span("ins", "0dd")


def test_white_space_that_alone_changed_is_drawn() -> None:
    assert visible_diff("a fine film", "a  fine\n\tfilm") == [
        Span("same", "a"),
        Span("ins", "␣␣"),
        Span("same", "fine"),
        Span("ins", "⏎⇥"),
        Span("same", "film"),
    ]
    assert visible_diff("a film", " a film ") == [Span("ins", "␣"), Span("same", "a film"), Span("ins", "␣")]
    assert visible_diff(" a film", "a film") == [Span("del", "␣"), Span("same", "a film")]
    assert visible_diff("a film", "a\u00a0film")[1] == Span("ins", "[U+00A0]")
    assert visible_diff("", " ") == [Span("ins", "␣")]
    assert visible_diff("a film", "a film") == [Span("same", "a film")]


def test_of_a_long_text_only_the_white_space_that_changed_is_near() -> None:
    words = ["w"] * 200
    before, after = " ".join(words), " ".join(words[:100]) + "  " + " ".join(words[100:])
    assert [span.change for span in visible_diff(before, after)] == ["gap", "same", "ins", "same", "gap"]


@given(
    st.text(st.sampled_from(f"ab {ZWSP}{CYRILLIC_A}\n"), max_size=12),
    st.text(st.sampled_from(f"ab {ZWSP}{CYRILLIC_A}\n"), max_size=12),
)
def test_no_two_different_texts_look_the_same(before: str, after: str) -> None:
    spans = visible_diff(before, after)
    changes = {span.change for span in spans}
    assert (before == after) == (not changes & {"del", "ins"})
    old, new = (
        " ".join(span.text for span in spans if span.change in ("same", change)) for change in ("del", "ins")
    )
    # As a reader sees them: the Cyrillic letter as the Latin one, nothing of no width.
    seen = str.maketrans({CYRILLIC_A: "a", ZWSP: None})
    if before != after and len(before.split()) == len(after.split()):
        assert old.translate(seen) != new.translate(seen)
