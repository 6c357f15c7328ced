"""What is asked of a model, how often, and how its answers are judged."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
import pytest

from attacks.errors import AssayError
from attacks.victims import TextVictim
from robustness.behaviour.base import BehaviouralTest, DirectionalTest, InvarianceTest, Nature
from robustness.behaviour.outcomes import BehaviouralOutcome, judge
from robustness.behaviour.run import iter_outcomes, run
from robustness.behaviour.summarize import LABELS_ONLY
from robustness.behaviour.transformations.casing import Casing
from robustness.behaviour.transformations.negation import Negation
from robustness.behaviour.transformations.typos import Typos
from robustness.dataset import TextDataset
from tests.robustness.behaviour.victims import BrokenVictim, KeywordVictim, LabelVictim, dataset

TEXTS = ["a good film", "a dull film", "this is good", "a Dull film", "😀"]
DATA = dataset(TEXTS, [1, 0, 1, 1, 0])


@dataclass(frozen=True, kw_only=True)
class Fixed(InvarianceTest):
    """The variants "x" and "y"."""

    name: ClassVar[str] = "fixed"
    nature: ClassVar[Nature] = "meaning kept"

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        yield from ("x", "y")


@dataclass(frozen=True, kw_only=True)
class Upwards(DirectionalTest):
    """Praise added, after which the predicted label should be more probable."""

    name: ClassVar[str] = "upwards"
    nature: ClassVar[Nature] = "meaning changed"
    direction: ClassVar = "up"

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        yield f"{text} good"


def outcomes(
    victim: TextVictim, test: BehaviouralTest, data: TextDataset = DATA, **settings: object
) -> list[BehaviouralOutcome]:
    clean = victim.predict_proba(data.inputs)
    return list(iter_outcomes(victim, data, clean, test, seed=0, **settings))  # type: ignore[arg-type]


def test_all_distinct_variants_of_a_chunk_are_asked_at_once() -> None:
    victim = KeywordVictim()
    found = outcomes(victim, Casing(), chunk=4)
    _, first = victim.calls
    # "A DULL FILM" and "a dull film" are made of two texts and asked once; the emoji has no variants.
    assert first == [
        "A GOOD FILM", "A Good Film", "A DULL FILM", "A Dull Film", "THIS IS GOOD", "This Is Good",
        "a dull film",
    ]  # fmt: skip
    assert [(each.example_id, each.variants, each.failed) for each in found] == [
        ("e1", 2, 2), ("e2", 2, 0), ("e3", 2, 2), ("e4", 3, 0), ("e5", 0, 0),
    ]  # fmt: skip


def test_an_outcome_by_hand() -> None:
    victim = KeywordVictim()
    good, dull, _, _, emoji = outcomes(victim, Casing())
    # "good" in capitals is not known: 0.9 falls to 0.2 in both variants.
    assert good == BehaviouralOutcome(
        example_id="e1", label=1, before=(pytest.approx(0.1), 0.9), variants=2, failed=2, right=0,
        change=pytest.approx(0.7), worst="A GOOD FILM", after=(0.8, 0.2),
    )  # fmt: skip
    assert (dull.failed, dull.right, dull.change) == (0, 2, 0)
    assert emoji == BehaviouralOutcome("e5", 0, (0.8, 0.2))


def test_the_worst_variant_fails_where_any_does_and_is_the_worst_of_those() -> None:
    before = np.array([0.5, 0.3, 0.2])
    # The second still answers with the first class, by little; the third fails by more than the first.
    answers = np.array([[0.44, 0.46, 0.10], [0.35, 0.33, 0.32], [0.40, 0.10, 0.50]])
    found = judge(Fixed(), "e", 0, before, ["a", "b", "c"], answers)
    assert (found.failed, found.right, found.worst) == (2, 1, "c")
    assert found.change == pytest.approx((0.06 + 0.15 + 0.10) / 3)
    calm = judge(Fixed(), "e", 0, before, ["a", "b"], np.array([[0.9, 0.1, 0.0], [0.5, 0.4, 0.1]]))
    assert (calm.failed, calm.worst) == (0, "b")


@pytest.mark.parametrize(
    ("tolerance", "strict", "after", "failed"),
    [
        (0.1, False, 0.75, False),
        (0.1, False, 0.85, True),
        (0.1, False, 0.70, False),
        (0.1, True, 0.70, True),
        (0.1, True, 0.65, True),
        (0.1, True, 0.55, False),
        (0.0, True, 0.70, True),
        (0.0, False, 0.70, False),
        (0.0, True, 0.69, False),
        (0.0, False, 0.71, True),
    ],
)
def test_a_negation_fails_by_the_way_the_probability_moves(
    tolerance: float, strict: bool, after: float, failed: bool
) -> None:
    test = Negation(tolerance=tolerance, strict=strict)
    before, answers = np.array([0.3, 0.7]), np.array([[1 - after, after]])
    assert test.failed(before, answers).tolist() == [failed]
    # It is the label predicted before that counts, whichever it is.
    assert test.failed(before[::-1], answers[:, ::-1]).tolist() == [failed]


def test_an_upward_expectation_fails_where_the_probability_falls() -> None:
    before = np.array([0.3, 0.7])
    answers = np.array([[0.1, 0.9], [0.3, 0.7], [0.5, 0.5]])
    assert Upwards().failed(before, answers).tolist() == [False, True, True]
    assert Upwards(strict=False).failed(before, answers).tolist() == [False, False, True]
    assert Upwards().badness(before, answers).tolist() == pytest.approx([-0.2, 0, 0.2])


def test_what_is_known_is_not_asked_again_and_chunks_stay_the_same() -> None:
    whole, part = KeywordVictim(), KeywordVictim()
    everything = outcomes(whole, Casing(), chunk=2)
    rest = outcomes(part, Casing(), chunk=2, known={"e1", "e2", "e3"})
    assert rest == everything[3:]
    assert part.calls[1:] == whole.calls[2:]
    done = KeywordVictim()
    assert outcomes(done, Casing(), known=set(DATA.ids)) == []
    assert len(done.calls) == 1


def test_progress_is_told_chunk_by_chunk_and_adds_up() -> None:
    told: list[int] = []
    outcomes(KeywordVictim(), Casing(), chunk=2, known={"e1", "e2"}, advance=told.append)
    assert told == [2, 2, 1]


def test_what_is_drawn_depends_on_the_id_and_the_seed_and_not_on_the_other_texts() -> None:
    data = dataset(["a film with long words"] * 4, [1, 1, 0, 0])
    victim = KeywordVictim()
    clean = victim.predict_proba(data.inputs)
    found = list(iter_outcomes(victim, data, clean, Typos(), seed=1))
    assert len({each.worst for each in found}) > 1
    rows = [3, 1]
    again = list(iter_outcomes(victim, data.take(rows), clean[rows], Typos(), seed=1, chunk=1))
    assert again == [found[3], found[1]]
    other = list(iter_outcomes(victim, data, clean, Typos(), seed=2))
    assert [each.worst for each in other] != [each.worst for each in found]


def test_pairs_are_asked_as_pairs() -> None:
    data = dataset(["a good film", "so so"], [1, 0], pairs=["it is", "it was"])
    victim = KeywordVictim()
    (one, two) = outcomes(victim, Casing(to="upper", part="second"), data)
    assert (one.worst, two.worst) == (("a good film", "IT IS"), ("so so", "IT WAS"))
    assert (one.failed, two.failed) == (0, 0)
    assert victim.calls[1] == [("a good film", "IT IS"), ("so so", "IT WAS")]
    (one, two) = outcomes(victim, Casing(to="upper"), data)
    assert (one.worst, one.failed) == (("A GOOD FILM", "it is"), 1)


def test_a_model_without_probabilities_is_not_asked_what_goes_by_them() -> None:
    victim = LabelVictim()
    result = run(victim, DATA, victim.predict_proba(DATA.inputs), Negation(), seed=0)
    assert len(victim.calls) == 1
    assert result.failure_rate.reason == LABELS_ONLY
    assert (result.n, result.failures, result.examples) == (0, 0, [])


def test_an_invariance_needs_no_probabilities() -> None:
    victim = LabelVictim()
    result = run(victim, DATA, victim.predict_proba(DATA.inputs), Casing(), seed=0)
    assert result.failure_rate.value == 2 / 4
    assert result.mean_change.reason == LABELS_ONLY


def test_a_model_that_answers_nan_is_refused() -> None:
    clean = KeywordVictim().predict_proba(DATA.inputs)
    with pytest.raises(AssayError, match=r'"casing": expected 2 finite probabilities .* not finite'):
        run(BrokenVictim(), DATA, clean, Casing(), seed=0)


def test_a_model_that_forgets_an_answer_is_refused() -> None:
    class Forgetful(KeywordVictim):
        def predict_proba(self, texts: object) -> np.ndarray:
            return np.full((1, 2), 0.5)

    clean = KeywordVictim().predict_proba(DATA.inputs)
    with pytest.raises(AssayError, match=r"for each of 7 texts, got an array of shape \(1, 2\)\. Check"):
        run(Forgetful(), DATA, clean, Casing(), seed=0)


def test_clean_answers_and_labels_must_be_those_of_the_data() -> None:
    victim = KeywordVictim()
    clean = victim.predict_proba(DATA.inputs)
    with pytest.raises(ValueError, match=r"expected clean answers \(5, 2\), got \(4, 2\)"):
        run(victim, DATA, clean[:4], Casing(), seed=0)
    with pytest.raises(ValueError, match="expected the labels"):
        run(KeywordVictim(("positive", "negative")), DATA, clean, Casing(), seed=0)


def test_an_outcome_is_plain_data() -> None:
    (first, *_) = outcomes(KeywordVictim(), Casing())
    assert BehaviouralOutcome(**asdict(first)) == first
