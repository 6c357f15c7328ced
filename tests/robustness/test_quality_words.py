"""The words of a text and how many changed, against hand-counted cases and a plain Levenshtein distance."""

import random

import pytest

from robustness.quality.words import words, words_changed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \n\t ", []),
        ("... !? -- ( )", []),
        ("good", ["good"]),
        ("A good film, a bad plot.", ["A", "good", "film", "a", "bad", "plot"]),
        ("good,bad end.Start", ["good", "bad", "end", "Start"]),
        ("I don't; you don’t", ["I", "don't", "you", "don’t"]),
        ("'quoted' the actors' well-made 'n' -", ["quoted", "the", "actors", "well-made", "n"]),
        ("3.5 of 1,000 stars in 2024.", ["3.5", "of", "1,000", "stars", "in", "2024"]),
        ("b@d a$$embly s**t AT&T snake_case", ["b@d", "a$$embly", "s**t", "AT&T", "snake_case"]),
        ("5* $5 @you plot--which **no**", ["5", "5", "you", "plot", "which", "no"]),
        ("great 😀👍🏽 film ❤️", ["great", "film"]),
        ("cafe\u0301 naïve Straße", ["cafe\u0301", "naïve", "Straße"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("好电影。 とても,良い", ["好", "电", "影", "と", "て", "も", "良", "い"]),
        ("다시 보고", ["다시", "보고"]),
        ("ab12cd x2", ["ab12cd", "x2"]),
    ],
)
def test_words_are_runs_of_letters_digits_and_their_marks(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "hidden",
    ["fi\u200blm", "\u200bfilm", "film\u200d", "fi\u202elm\u202c", "fil\x08lm", "fi\x7flm", "f\u0336ilm"],
)
def test_invisible_characters_belong_to_the_word_that_they_touch(hidden: str) -> None:
    assert words(f"a {hidden} again") == ["a", hidden, "again"]
    assert words_changed("a film again", f"a {hidden} again") == (1, 3)


@pytest.mark.parametrize(
    ("original", "perturbed", "expected"),
    [
        ("", "", (0, 0)),
        ("", "two words", (2, 0)),
        ("two words", "", (2, 2)),
        ("good", "good", (0, 1)),
        ("good", "bad", (1, 1)),
        ("a good film", "a good, film!!", (0, 3)),  # punctuation is no word
        ("a good film", "a Good film", (1, 3)),
        ("a good film", "a good old film", (1, 3)),
        ("a good film", "film", (2, 3)),
        ("a good film", "a go od film", (2, 3)),  # one replaced, one inserted
        ("one two three", "two three one", (2, 3)),
        ("good", "good one two three", (3, 1)),
        ("the same word word word", "the same word word", (1, 5)),
        ("the film", "the fi\u0430lm", (1, 2)),  # a Cyrillic letter
        (("a premise here", "a claim"), ("a premise there", "no claim"), (2, 5)),
        (("a premise", "a claim"), ("a premise", "a claim"), (0, 4)),
    ],
)
def test_changed_words_are_counted(original: object, perturbed: object, expected: tuple[int, int]) -> None:
    found = words_changed(original, perturbed)  # type: ignore[arg-type]
    assert found == expected
    assert (found.changed, found.total) == expected


def test_the_parts_of_a_pair_are_compared_each_with_its_own() -> None:
    assert words_changed(("a b", "c d"), ("a", "b c d")) == (2, 4)


def test_a_text_is_not_compared_with_a_pair() -> None:
    with pytest.raises(ValueError, match="zip"):
        words_changed("a b", ("a", "b"))


def levenshtein(one: list[str], other: list[str]) -> int:
    """The recurrence as it is written in textbooks."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def test_the_distance_is_that_of_the_textbook() -> None:
    draw = random.Random(0)
    for _ in range(300):
        one, other = ([draw.choice("abcde") * 2 for _ in range(draw.randrange(9))] for _ in range(2))
        assert words_changed(" ".join(one), " ".join(other)) == (levenshtein(one, other), len(one))


def test_a_text_flooded_with_invisible_characters_has_the_words_it_had() -> None:
    flood = "\u200b" * 5000
    assert words(flood) == []
    assert words(f"film {flood}{flood}") == ["film"]
    assert words_changed("a film", f"a {flood}film") == (1, 2)
