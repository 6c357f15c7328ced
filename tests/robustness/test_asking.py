"""Black-box attacks over many examples: their waves and budgets, what is judged, and what is kept."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pytest

from attacks.black_box import Ending, Proposal, QueryAttack
from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.threat_model import Access, Space, ThreatModel
from attacks.victims import TextInput, TextVictim
from robustness import asking, evaluate
from robustness.asking import Budget, Forecast
from robustness.batched import Advance, ignore_progress
from robustness.dataset import TextDataset
from robustness.estimate import wilson
from robustness.judge import example_seed
from robustness.outcomes import MemoryStore, Outcome
from robustness.summarize import attack_result
from tests.robustness.judging import untimed

SECONDS = 2.0
"""What each example says it took, so that budgets of time can be worked by hand."""


class Keyword:
    """Positive at 0.75 where a text has the word good, else negative at 0.75."""

    label_names = ("negative", "positive")
    source = "keyword"
    scores = True
    num_parameters = None

    def fingerprint(self) -> str:
        return "keyword"

    def predict_proba(self, texts: Sequence[TextInput], advance: Advance = ignore_progress) -> np.ndarray:
        good = np.array(["good" in (text if isinstance(text, str) else " ".join(text)) for text in texts])
        return np.where(good[:, None], [0.25, 0.75], [0.75, 0.25])


@dataclass(frozen=True, kw_only=True)
class Spoil(QueryAttack):
    """Puts ``word`` for "good"; costs ``cost`` queries, or by default one a word, and SECONDS."""

    name: ClassVar[str] = "spoil"
    access: ClassVar[Access] = "score"
    space: ClassVar[Space] = "word"
    attacked: ClassVar[Counter[TextInput]] = Counter()

    word: str = "bad"
    cost: int | None = None

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(self.access, self.space, None, None, self.target)

    def perturb(
        self, victim: TextVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> Iterator[Proposal]:
        for row, text in enumerate(texts):
            assert isinstance(text, str)
            self.attacked[text] += 1
            queries = len(text.split()) if self.cost is None else self.cost
            yield Proposal(row, text.replace("good", self.word), queries, "succeeded", SECONDS)


@dataclass(frozen=True, kw_only=True)
class Fixed(QueryAttack):
    """Proposes what it was told, and claims that it failed; at most ``most`` changed words, counted so."""

    name: ClassVar[str] = "fixed"
    access: ClassVar[Access] = "score"
    space: ClassVar[Space] = "word"
    proposals: ClassVar[list[Any]] = []
    counted: ClassVar[float | None] = 1.0
    ending: ClassVar[Ending] = "failed"

    most: float | None = None

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(self.access, self.space, None, self.most, self.target)

    def distance(self, original: TextInput, proposal: TextInput) -> float | None:
        return self.counted

    def perturb(
        self, victim: TextVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> Iterator[Proposal]:
        for row, text in enumerate(self.proposals):
            yield Proposal(row, text, 1, self.ending)


@dataclass(frozen=True, kw_only=True)
class TakenApart(Fixed):
    """Wants the answer to stay."""

    name: ClassVar[str] = "taken-apart"
    keeps_prediction: ClassVar[bool] = True


@pytest.fixture(autouse=True)
def nothing_attacked() -> None:
    Spoil.attacked.clear()


def positive(n: int, wrong: Sequence[int] = ()) -> TextDataset:
    """``n`` texts of 2 to 5 words that the model finds positive; those in ``wrong`` are labelled negative."""
    texts = tuple(f"good film{' indeed' * (row % 4)} {row}" for row in range(n))
    return TextDataset(
        name="films",
        ids=tuple(f"film:{row}" for row in range(n)),
        texts=texts,
        text_pairs=None,
        labels=np.array([0 if row in wrong else 1 for row in range(n)], dtype=np.int64),
        label_names=Keyword.label_names,
        groups={"half": np.array(["first" if row < n // 2 else "second" for row in range(n)])},
        splits=np.full(n, "test"),
    )


def run(
    dataset: TextDataset, attack: QueryAttack, store: MemoryStore | None = None, **options: Any
) -> list[Outcome]:
    model = Keyword()
    clean = evaluate.predict(model, dataset, MemoryStore())
    kept = MemoryStore() if store is None else store
    return evaluate.attack(model, dataset, clean, attack, kept, **{"seed": 0, **options})


def waves(n: int, attack: QueryAttack, budget: Budget) -> list[int]:
    """How many examples the engine is given at a time."""
    dataset, sizes = positive(n), []
    here = partial(asking.attacked_here, Keyword(), dataset, 0)

    def engine(attack: QueryAttack, rows: Sequence[int]) -> Iterator[list[Outcome]]:
        sizes.append(len(rows))
        yield from here(attack, rows)

    run(dataset, attack, budget=budget, engine=engine)
    return sizes


# Waves and forecasts.


@pytest.mark.parametrize(("n", "expected"), [(3, [3]), (8, [8]), (9, [8, 1]), (100, [8, 92])])
def test_without_a_budget_a_pilot_goes_before_all_the_rest(n: int, expected: list[int]) -> None:
    assert waves(n, Spoil(), Budget()) == expected


def test_within_a_budget_the_waves_double_up_to_a_limit() -> None:
    assert waves(200, Spoil(cost=1), Budget(queries=10_000)) == [1, 2, 4, 8, 16, 32, 64, 64, 9]


def test_an_attack_that_costs_nothing_is_not_ended_by_a_budget() -> None:
    assert sum(waves(30, Spoil(cost=0), Budget(queries=1))) == 30


def test_the_pilot_foretells_what_the_rest_costs() -> None:
    dataset, told = positive(20), []
    run(dataset, Spoil(), foresee=told.append)
    first = sorted(range(20), key=lambda row: example_seed(0, dataset.ids[row]))[:8]
    words = [len(dataset.texts[row].split()) for row in first]
    assert told == [Forecast(8, 12, sum(words) / 8, min(words), max(words), seconds=12 * SECONDS)]
    assert told[0].queries == pytest.approx(sum(words) / 8 * 12)


def test_after_the_last_example_and_where_all_is_known_nothing_is_foretold() -> None:
    told: list[Forecast] = []
    store = MemoryStore()
    run(positive(8), Spoil(), store, foresee=told.append)
    run(positive(8), Spoil(), store, foresee=told.append)
    assert told == []


# Budgets for all examples together.


@pytest.mark.parametrize(
    ("budget", "reached"),
    [
        (Budget(queries=1), 1),
        (Budget(queries=19), 1),
        (Budget(queries=20), 2),
        (Budget(queries=69), 6),
        (Budget(queries=70), 7),
        (Budget(queries=299), 29),
        (Budget(queries=300), 30),
        (Budget(seconds=0.5), 1),
        (Budget(seconds=10.0), 5),
        (Budget(seconds=11.9), 5),
        (Budget(queries=80, seconds=6.0), 3),
        (Budget(queries=40, seconds=60.0), 4),
    ],
)
def test_a_budget_is_used_up_and_not_exceeded(budget: Budget, reached: int) -> None:
    outcomes = run(positive(30), Spoil(cost=10), budget=budget)
    assert sum(outcome.reached for outcome in outcomes) == reached
    assert Spoil.attacked.total() == reached


def test_what_a_budget_does_not_reach_is_left_as_it_was() -> None:
    dataset = positive(10, wrong=[2, 7])
    clean = evaluate.predict(Keyword(), dataset, MemoryStore())
    outcomes = run(dataset, Spoil(cost=10), budget=Budget(queries=30))
    order = sorted(range(10), key=lambda row: example_seed(0, dataset.ids[row]))
    last = [row for row in order if row not in (2, 7)][2]
    here = order[: order.index(last) + 1]
    # What was wrong before it needs no attack, but is reached only in its turn: else the sample would lean.
    beyond = [row for row in order if row not in here and row not in (2, 7)]
    first_missed = order.index(beyond[0])
    expected = [row in order[:first_missed] for row in range(10)]
    assert [outcome.reached for outcome in outcomes] == expected
    for row, outcome in enumerate(outcomes):
        if not outcome.reached:
            assert outcome == replace(clean[row], seconds=0.0, reached=False)
        elif row in (2, 7):
            assert outcome.skipped
        else:
            assert (outcome.success, outcome.prediction, outcome.queries) == (True, 0, 10)


def test_the_reached_ones_are_the_first_of_an_order_that_the_seed_draws() -> None:
    dataset = positive(40)

    def reached(queries: int, seed: int) -> list[str]:
        outcomes = run(dataset, Spoil(cost=1), budget=Budget(queries=queries), seed=seed)
        return [outcome.example_id for outcome in outcomes if outcome.reached]

    drawn = sorted(dataset.ids, key=lambda id_: example_seed(3, id_))
    for n in (1, 5, 20):
        assert sorted(reached(n, seed=3)) == sorted(drawn[:n])
    assert reached(20, seed=3) != list(dataset.ids[:20])
    assert set(reached(20, seed=3)) != set(reached(20, seed=4))


def test_no_rate_counts_what_was_not_reached() -> None:
    dataset = positive(40, wrong=range(0, 40, 8))
    clean = evaluate.predict(Keyword(), dataset, MemoryStore())
    outcomes = run(dataset, Spoil(cost=10), budget=Budget(queries=120))
    result = attack_result(Spoil(), dataset, clean, outcomes, scale=None, confidence=0.95)
    here = [outcome for outcome in outcomes if outcome.reached]
    skipped = sum(outcome.skipped for outcome in here)
    assert (len(here), skipped) == (12 + skipped, result.skipped)
    assert (result.n, result.unreached) == (len(here), 40 - len(here))
    assert result.attack_success_rate == wilson(12, 12, 0.95)
    assert result.accuracy_under_attack == wilson(0, len(here), 0.95)
    assert (result.mean_queries.value, result.mean_queries.n) == (10.0, 12)
    assert result.seconds == 12 * SECONDS
    assert not result.comparable
    assert sum(group.n for group in result.by_group["half"].values()) == len(here)


def test_a_raised_budget_goes_on_from_where_the_lower_one_ended() -> None:
    dataset, store = positive(30), MemoryStore()
    run(dataset, Spoil(cost=10), store, budget=Budget(queries=70))
    assert Spoil.attacked.total() == 7
    whole = run(dataset, Spoil(cost=10), store)
    assert Spoil.attacked == Counter(dataset.texts)
    assert untimed(whole) == untimed(run(dataset, Spoil(cost=10)))


def test_a_lowered_budget_counts_what_is_known_and_asks_nothing() -> None:
    dataset, store = positive(30), MemoryStore()
    run(dataset, Spoil(cost=10), store)
    Spoil.attacked.clear()
    outcomes = run(dataset, Spoil(cost=10), store, budget=Budget(queries=70))
    assert sum(outcome.reached for outcome in outcomes) == 7
    assert not Spoil.attacked


# Stopped and gone on with.


def test_a_budget_of_nothing_takes_what_is_known_and_asks_nothing() -> None:
    dataset, store = positive(9), MemoryStore()
    assert not any(each.reached for each in run(dataset, Spoil(cost=10), store, budget=Budget(queries=0)))
    run(dataset, Spoil(cost=10), store, budget=Budget(queries=35))
    Spoil.attacked.clear()
    outcomes = run(dataset, Spoil(cost=10), store, budget=Budget(queries=0))
    assert sum(each.reached for each in outcomes) == 3
    assert not Spoil.attacked


class StoppedError(Exception):
    pass


class Stopping(MemoryStore):
    """Ends the process, as it were, when it is to keep something for the ``last``-th time."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.left = last
        self.sizes: list[int] = []

    def add(self, outcomes: Sequence[Outcome]) -> None:
        if self.left == 0:
            raise StoppedError
        self.left -= 1
        self.sizes.append(len(outcomes))
        super().add(outcomes)


@pytest.mark.parametrize("budget", [Budget(), Budget(queries=500)])
@pytest.mark.parametrize("stopped_after", [1, 2, 3, 4])
def test_a_stopped_attack_goes_on_without_attacking_twice(stopped_after: int, budget: Budget) -> None:
    dataset = positive(60, wrong=[5])
    undisturbed = run(dataset, Spoil(cost=10), budget=budget)
    Spoil.attacked.clear()
    store = Stopping(stopped_after)
    with pytest.raises(StoppedError):
        run(dataset, Spoil(cost=10), store, budget=budget)
    kept = {id_ for id_, outcome in store.load().items() if not outcome.skipped}
    assert (len(kept) > 0) == (stopped_after > 1)
    store.left = -1
    Spoil.attacked.clear()
    assert run(dataset, Spoil(cost=10), store, budget=budget) == undisturbed
    again = {dataset.ids[dataset.texts.index(str(text))] for text in Spoil.attacked}
    assert not again & kept
    assert max(Spoil.attacked.values()) == 1
    assert len(again | kept) == sum(outcome.reached and not outcome.skipped for outcome in undisturbed)


def test_what_was_judged_is_kept_before_the_wave_has_ended() -> None:
    store = Stopping(-1)
    run(positive(asking.PILOT + 3 * asking.JUDGED_TOGETHER + 1), Spoil(), store)
    # The first thing that is kept are the skipped ones, of which there are none.
    assert store.sizes == [0, asking.PILOT, *[asking.JUDGED_TOGETHER] * 3, 1]


@pytest.mark.parametrize("budget", [Budget(), Budget(queries=70)])
def test_progress_counts_every_example_that_is_done_or_known(budget: Budget) -> None:
    dataset, store = positive(30, wrong=[1, 2]), MemoryStore()
    for _ in range(2):
        told: list[int] = []
        run(dataset, Spoil(cost=10), store, advance=told.append, budget=budget)
        assert sum(told) == (30 if budget == Budget() else 2 + 7)


# Judged: what counts is what the model says.


def judged(attack: Fixed, dataset: TextDataset, *proposals: Any) -> list[Outcome]:
    return asking.judge_proposals(
        Keyword(),
        dataset,
        attack,
        range(len(proposals)),
        [Proposal(row, text, 1, attack.ending) for row, text in enumerate(proposals)],
    )


def test_a_success_is_what_the_model_says_and_not_what_the_attack_says() -> None:
    dataset = positive(3)
    spoilt, same, harmless = judged(Fixed(), dataset, "bad film", dataset.texts[1], "good movie")
    assert (spoilt.success, spoilt.prediction, spoilt.text) == (True, 0, "bad film")
    assert spoilt.probabilities == (0.75, 0.25)
    assert (same.success, same.text) == (False, None)
    assert (harmless.success, harmless.text) == (False, "good movie")


def test_with_a_target_only_the_target_is_a_success() -> None:
    dataset = positive(2)
    hit, missed = judged(Fixed(target="negative"), dataset, "bad film", "good movie")
    assert (hit.success, missed.success) == (True, False)


def test_an_attack_that_keeps_the_answer_succeeds_where_it_stays_though_the_text_changed() -> None:
    dataset = positive(3)
    kept, turned, same = judged(TakenApart(), dataset, "good", "film", dataset.texts[2])
    assert (kept.success, turned.success, same.success) == (True, False, False)
    assert not TakenApart().bounded
    assert Fixed().bounded


@pytest.mark.parametrize("proposal", [("good film", "0"), None, 3, ["good film"]])
def test_a_proposal_that_is_no_text_is_refused(proposal: Any) -> None:
    with pytest.raises(AssayError, match="attack fixed: expected a text, or a pair where it was given one"):
        judged(Fixed(), positive(1), proposal)


def test_a_text_in_the_place_of_a_pair_is_refused_and_a_pair_is_not() -> None:
    dataset = replace(positive(1), text_pairs=("what a film",))
    with pytest.raises(AssayError, match="or a pair where it was given one, got 'bad'"):
        judged(Fixed(), dataset, "bad")
    (outcome,) = judged(Fixed(), dataset, ("bad", "what a film"))
    assert outcome.text == ("bad", "what a film")
    assert outcome.success


@pytest.mark.parametrize("counted", [None, 2.5, 3.0])
def test_a_proposal_beyond_the_declared_budget_is_refused(
    counted: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fixed, "counted", counted)
    got = "a text that it may not make" if counted is None else f"{counted:g}"
    with pytest.raises(AssayError, match=f"expected at most 2 changed words, got {got}"):
        judged(Fixed(most=2.0), positive(1), "bad film")


@pytest.mark.parametrize(("most", "counted"), [(2.0, 2.0), (2.0, 0.0), (None, None), (None, 7.0)])
def test_a_proposal_within_the_declared_budget_is_judged_with_its_distance(
    most: float | None, counted: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fixed, "counted", counted)
    (outcome,) = judged(Fixed(most=most), positive(1), "bad film")
    assert outcome.distance == counted


def test_an_attack_that_leaves_an_example_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fixed, "proposals", ["bad film"])
    with pytest.raises(AssayError, match="fixed: expected a proposal for each of 3 examples, got none"):
        run(positive(3), Fixed())


def test_each_example_has_the_seed_of_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, given = positive(12), {}

    def perturb(self: Spoil, victim: Any, texts: Any, goal: Goal, seeds: Any) -> Iterator[Proposal]:
        for row, (text, seed) in enumerate(zip(texts, seeds, strict=True)):
            given[text] = (seed, int(goal.y[row]), goal.target)
            yield Proposal(row, text, 0, "failed")

    monkeypatch.setattr(Spoil, "perturb", perturb)
    run(dataset, Spoil(), seed=9)
    assert given == {
        text: (example_seed(9, id_), 1, None) for text, id_ in zip(dataset.texts, dataset.ids, strict=True)
    }


def test_examples_of_the_target_class_are_not_attacked() -> None:
    outcomes = run(positive(4), Spoil(target="positive"))
    assert all(outcome.skipped for outcome in outcomes)
    assert not Spoil.attacked
