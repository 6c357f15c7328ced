"""The quality of texts, the limits on it, and the share of successes within them."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pytest

from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.estimate import wilson
from robustness.outcomes import Outcome
from robustness.quality.judge import judge, judge_successes
from robustness.quality.limits import Limits, filtered_success, not_applied
from robustness.quality.measured import Quality
from robustness.summarize import attack_success_rate

FINE = Quality(similarity=0.9, words_changed=1, words=10, perplexity=60.0, perplexity_before=40.0)


def but(**changes: object) -> Quality:
    return dataclasses.replace(FINE, **changes)  # type: ignore[arg-type]


class HandEncoder:
    """The share of characters that two texts have in common; texts above 20 characters are cut there."""

    def similarity(self, a: Sequence[TextInput], b: Sequence[TextInput]) -> np.ndarray:
        both = [(set("".join(one)), set("".join(other))) for one, other in zip(a, b, strict=True)]
        return np.array([len(x & y) / len(x | y) if x | y else np.nan for x, y in both])

    def truncated(self, texts: Sequence[TextInput]) -> np.ndarray:
        return np.array([len("".join(text)) > 20 for text in texts], dtype=bool)


class HandModel:
    """The perplexity of a text is its number of characters; none of an empty one; nothing is cut below 30."""

    def __init__(self) -> None:
        self.asked: list[TextInput] = []

    def perplexity(self, texts: Sequence[TextInput]) -> np.ndarray:
        self.asked.extend(texts)
        return np.array([len("".join(text)) or np.nan for text in texts], dtype=float)

    def truncated(self, texts: Sequence[TextInput]) -> np.ndarray:
        return np.array([len("".join(text)) > 30 for text in texts], dtype=bool)


def outcome(
    success: bool, text: TextInput | None = None, *, skipped: bool = False, name: str = "x"
) -> Outcome:
    return Outcome(name, 0, int(success or skipped), (0.5, 0.5), skipped=skipped, success=success, text=text)


def test_every_measure_is_that_of_its_own_text() -> None:
    found = judge(["ab cd", "", ("p", "q")], ["ab ce", "", ("p", "qq")], HandEncoder(), HandModel())  # type: ignore[arg-type]
    assert found == [
        Quality(4 / 6, 1, 2, 5.0, 5.0),
        Quality(None, 0, 0, None, None),
        Quality(1.0, 1, 2, 3.0, 2.0),
    ]
    assert all(type(value) in (float, int, bool) for value in dataclasses.asdict(found[0]).values())


def test_without_models_there_are_words_alone() -> None:
    assert judge(["a b c"], ["a x c d"], None, None) == [Quality(None, 2, 3, None, None)]
    assert judge([], [], None, None) == []


def test_a_text_is_truncated_where_one_of_the_two_is_for_one_of_the_models() -> None:
    originals, perturbed = ["a" * 10, "a" * 10, "a" * 25], ["b" * 10, "b" * 21, "b"]
    by_encoder = judge(originals, perturbed, HandEncoder(), None)  # type: ignore[arg-type]
    assert [quality.truncated for quality in by_encoder] == [False, True, True]
    by_lm = judge([*originals, "c" * 31], [*perturbed, "c"], None, HandModel())  # type: ignore[arg-type]
    assert [quality.truncated for quality in by_lm] == [False, False, False, True]


def test_a_text_is_asked_of_the_language_model_once() -> None:
    lm = HandModel()
    found = judge(["same", "same", "same"], ["one", "other!", "same"], None, lm)  # type: ignore[arg-type]
    assert lm.asked == ["same", "one", "other!"]
    assert [quality.perplexity for quality in found] == [3.0, 6.0, 4.0]
    assert [quality.perplexity_before for quality in found] == [4.0, 4.0, 4.0]


def test_as_many_originals_as_perturbed_texts_are_needed() -> None:
    with pytest.raises(ValueError, match="zip"):
        judge(["a", "b"], ["a"], None, None)


@pytest.mark.parametrize(
    ("quality", "share", "ratio"),
    [
        (FINE, 0.1, 1.5),
        (but(words_changed=30), 3.0, 1.5),
        (but(words=0, words_changed=0), None, 1.5),
        (but(perplexity=None), 0.1, None),
        (but(perplexity_before=None), 0.1, None),
    ],
)
def test_shares_and_ratios_are_derived(quality: Quality, share: float | None, ratio: float | None) -> None:
    assert (quality.share_changed, quality.perplexity_ratio) == (share, ratio)


@pytest.mark.parametrize(
    ("limits", "quality", "reason"),
    [
        (Limits(), FINE, None),
        (Limits(), but(similarity=0.84), None),
        (Limits(), but(similarity=0.8399), "similarity 0.839 is below 0.84"),
        (Limits(min_similarity=None), but(similarity=-1.0), None),
        (Limits(), but(similarity=None), None),
        (Limits(), but(words_changed=2), None),
        (Limits(), but(words_changed=3), "3 of 10 words changed, where 2 may"),
        (Limits(), but(words=4, words_changed=1), None),  # a fifth of 4 words, rounded up
        (Limits(), but(words=4, words_changed=2), "2 of 4 words changed, where 1 may"),
        (Limits(), but(words=1, words_changed=1), None),
        (Limits(), but(words=0, words_changed=1), "1 of 0 words changed, where 0 may"),
        (Limits(), but(words=0, words_changed=0), None),
        (Limits(max_changed=0), but(words_changed=0), None),
        (Limits(max_changed=0), FINE, "1 of 10 words changed, where 0 may"),
        (Limits(max_changed=None), but(words_changed=99), None),
        (Limits(max_changed=0.07), but(words=100, words_changed=8), "8 of 100 words changed, where 7 may"),
        (Limits(max_changed=2), but(words_changed=20), None),
        (Limits(), but(perplexity=1e9), None),
        (Limits(max_perplexity_ratio=1.5), FINE, None),
        (
            Limits(max_perplexity_ratio=1.4),
            FINE,
            "perplexity rose from 40 to 60, more than 1.4 times",
        ),
        (Limits(max_perplexity_ratio=1), but(perplexity=None), None),
        (
            Limits(max_perplexity_ratio=1),
            but(similarity=0.5, words_changed=9),
            "similarity 0.500 is below 0.84; 9 of 10 words changed, where 2 may; "
            "perplexity rose from 40 to 60, more than 1 times",
        ),
    ],
)
def test_a_text_is_kept_within_the_limits(limits: Limits, quality: Quality, reason: str | None) -> None:
    assert limits.why_not(quality) == reason
    assert limits.keeps(quality) == (reason is None)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"min_similarity": 1.2}, "min_similarity to be a number from -1 to 1, or none, got 1.2"),
        ({"min_similarity": math.nan}, "min_similarity"),
        ({"max_changed": -0.1}, "max_changed to be a number of at least 0"),
        ({"max_changed": math.inf}, "max_changed"),
        ({"max_perplexity_ratio": -1}, "max_perplexity_ratio to be a number of at least 0"),
    ],
)
def test_limits_out_of_range_are_refused(limits: dict[str, float], message: str) -> None:
    with pytest.raises(AssayError, match=message):
        Limits(**limits)


OUTCOMES = [
    outcome(True, "kept"),
    outcome(True, "far"),
    outcome(False),
    outcome(False, skipped=True),
    outcome(True, "kept too"),
]
QUALITIES = [FINE, but(similarity=0.1), None, None, but(similarity=None)]


def test_filtered_success_is_the_share_of_the_attacked_that_is_kept() -> None:
    assert filtered_success(OUTCOMES, QUALITIES, Limits(), 0.9) == wilson(2, 4, 0.9)
    assert attack_success_rate(OUTCOMES, 0.9) == wilson(3, 4, 0.9)


def test_without_limits_filtered_success_is_the_raw_one() -> None:
    none = Limits(None, None, None)
    assert filtered_success(OUTCOMES, QUALITIES, none, 0.95) == attack_success_rate(OUTCOMES, 0.95)


def test_a_failure_with_a_text_is_no_success_within_limits() -> None:
    assert filtered_success([outcome(False, "text")], [FINE], Limits(), 0.95) == wilson(0, 1, 0.95)


def test_filtered_success_is_undefined_where_nothing_was_attacked_or_no_text_changed() -> None:
    for nothing in ([], [outcome(False, skipped=True)]):
        found = filtered_success(nothing, [None] * len(nothing), Limits(), 0.95)
        assert found.value is None
        assert found == attack_success_rate(nothing, 0.95)
    embeddings = filtered_success([outcome(True)], [None], Limits(), 0.95)
    assert embeddings.value is None
    assert "embeddings" in str(embeddings.reason)


def test_a_success_that_was_not_judged_is_an_error() -> None:
    with pytest.raises(ValueError, match="the success on s7 has no quality"):
        filtered_success([outcome(True, "text", name="s7")], [None], Limits(), 0.95)
    with pytest.raises(ValueError, match="zip"):
        filtered_success([outcome(True, "text")], [], Limits(), 0.95)


def test_successes_with_a_text_are_judged() -> None:
    originals: list[TextInput] = ["a b", "c d", "e f", "g h", ("i", "j")]
    outcomes = [
        outcome(True, "a x"),
        outcome(False, "c x"),
        outcome(True),
        outcome(False, skipped=True),
        outcome(True, ("i", "x y")),
    ]
    assert judge_successes(originals, outcomes, None, None) == [
        Quality(None, 1, 2, None, None),
        None,
        None,
        None,
        Quality(None, 2, 2, None, None),
    ]


def test_what_was_not_applied_is_said() -> None:
    known = [FINE, but(similarity=None), None, but(perplexity=None, truncated=True)]
    assert not_applied(known, Limits(max_perplexity_ratio=3)) == [
        "The limit on similarity was not applied to 1 of 3 texts, for which it is not known.",
        "The limit on perplexity was not applied to 1 of 3 texts, for which it is not known.",
        "Of 1 of 3 texts only the beginning was compared: they are longer than what the sentence encoder or "
        "the language model reads.",
    ]
    assert not_applied([but(similarity=None, perplexity=None)], Limits(min_similarity=None)) == []
    assert not_applied([FINE], Limits(max_perplexity_ratio=3)) == []
    assert not_applied([], Limits()) == []
