"""Black-box attacks in Ray's processes end as in one, also where a process is killed or an attack fails."""

import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from attacks import registry
from attacks.black_box import Proposal, QueryAttack
from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.textattack import resources
from attacks.threat_model import Access, Space, ThreatModel
from attacks.victims import TextInput, TextVictim
from robustness import evaluate, ray_engine
from robustness.asking import PILOT, Budget, Engine
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.judge import example_seed
from robustness.loading import load_classifier
from robustness.outcomes import MemoryStore, Outcome
from robustness.ray_engine import Cluster, Worker, cluster
from tests.robustness.judging import half_right, undecided
from tests.robustness.tiny import tiny_dataset

NLTK_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "nltk_data"
SEED = 4

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")


@dataclass(frozen=True, kw_only=True)
class Drop(QueryAttack):
    """Drops the words of a text one after the other, in an order that the example's seed draws.

    trouble: a folder; a process that is given an example with ``at`` in its text leaves a mark there and
        ends or fails, as ``how`` says: with "kill" only the first one.
    """

    name: ClassVar[str] = "drop"
    access: ClassVar[Access] = "score"
    space: ClassVar[Space] = "word"

    trouble: str | None = None
    at: str = ""
    how: str = "kill"

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(self.access, self.space, None, None, self.target)

    def perturb(
        self, victim: TextVictim, texts: Sequence[TextInput], goal: Goal, seeds: Sequence[int]
    ) -> Iterator[Proposal]:
        for row, (text, seed) in enumerate(zip(texts, seeds, strict=True)):
            assert isinstance(text, str)
            if self.trouble is not None and self.at in text:
                _end(Path(self.trouble), self.how)
            words = text.split()
            order = torch.randperm(len(words), generator=torch.Generator().manual_seed(seed)).tolist()
            queries, ending, found = 0, "failed", text
            for place in order:
                changed = " ".join(words[:place] + words[place + 1 :])
                queries += 1
                if victim.predict_proba([changed])[0].argmax() != int(goal.y[row]):
                    ending, found = "succeeded", changed
                    break
            yield Proposal(row, found, queries, ending)  # type: ignore[arg-type]


def _end(trouble: Path, how: str) -> None:
    """Ends the process or the attack, the first time or each time."""
    marks = list(trouble.glob("mark-*"))
    if how == "kill" and not marks:
        (trouble / f"mark-{os.getpid()}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "always":
        (trouble / f"mark-{os.getpid()}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "mistake":
        raise AssayError("the word is not to be dropped: choose another")
    if how == "defect":
        raise ZeroDivisionError("divided by nothing")


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    """A cluster of three places, one of them for the tests that need an engine of their own."""
    if find_spec("ray") is None:
        pytest.skip("ray is not installed")
    with cluster(None, 3) as found:
        assert found.workers == 3
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model that gives either class to half of the data."""
    place = tmp_path_factory.mktemp("ray")
    classifier = undecided(place)
    saved = place / "model"
    classifier.model.save_pretrained(saved, safe_serialization=True)
    classifier.tokenizer.save_pretrained(saved)
    return saved


def load(folder: Path, nltk: Path | None = None) -> Classifier:
    resources.use(nltk)
    return load_classifier(str(folder), device=torch.device("cpu"))


@dataclass(frozen=True)
class Setting:
    model: Classifier
    dataset: TextDataset
    clean: list[Outcome]

    def attacked(
        self, attack: QueryAttack, store: MemoryStore | None = None, **options: Any
    ) -> list[Outcome]:
        kept = MemoryStore() if store is None else store
        return evaluate.attack(self.model, self.dataset, self.clean, attack, kept, seed=SEED, **options)


@pytest.fixture(scope="module")
def setting(folder: Path) -> Setting:
    model = load(folder)
    dataset = half_right(model, tiny_dataset(48, seed=6))
    return Setting(model, dataset, evaluate.predict(model, dataset, MemoryStore()))


@pytest.fixture(scope="module")
def nltk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A resource folder with NLTK's stop words, where this machine has them."""
    place = tmp_path_factory.mktemp("resources")
    if NLTK_DATA.is_dir():
        (place / "nltk").symlink_to(NLTK_DATA)
    return place


@pytest.fixture(scope="module")
def engine(running: Cluster, setting: Setting, folder: Path, nltk: Path) -> Iterator[Engine]:
    """Two workers."""
    running.workers = 2
    with running.engine(partial(load, folder, nltk), setting.dataset, SEED) as found:
        running.workers = 1
        yield found


def assert_same(found: Sequence[Outcome], expected: Sequence[Outcome]) -> None:
    """But for wall times, and the last digits, which change with the batch that a text is computed in."""
    plain = [replace(outcome, seconds=0.0, probabilities=()) for outcome in found]
    assert plain == [replace(outcome, seconds=0.0, probabilities=()) for outcome in expected]
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.probabilities == pytest.approx(theirs.probabilities, abs=1e-5)


def test_the_setting_has_successes_failures_and_skipped_ones(setting: Setting) -> None:
    """Guards the other tests, which would hold of an attack that does nothing."""
    outcomes = setting.attacked(Drop())
    assert sum(outcome.skipped for outcome in outcomes) == 24
    attacked = [outcome for outcome in outcomes if not outcome.skipped]
    assert {outcome.success for outcome in attacked} == {True, False}
    assert len({outcome.queries for outcome in attacked}) > 2


def test_outcomes_are_those_of_one_process(engine: Engine, setting: Setting) -> None:
    assert_same(setting.attacked(Drop(), engine=engine), setting.attacked(Drop()))


def test_a_search_that_draws_is_the_same_too(engine: Engine, setting: Setting) -> None:
    attack = registry.build("homoglyphs", {"max_injections": 2, "population": 6, "generations": 2})
    assert isinstance(attack, QueryAttack)
    expected = setting.attacked(attack)
    assert any(outcome.success for outcome in expected)
    assert_same(setting.attacked(attack, engine=engine), expected)


def test_a_recipe_of_TextAttack_is_the_same_too(
    engine: Engine, setting: Setting, nltk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec("textattack") is None:
        pytest.skip("textattack is not installed")
    monkeypatch.setattr(resources, "_chosen", nltk)
    if resources.missing(["nltk:stopwords"]):
        pytest.skip("NLTK's stop words are not on this machine")
    attack = registry.build("textattack:deepwordbug", {})
    assert isinstance(attack, QueryAttack)
    small = Setting(setting.model, setting.dataset.take(range(16)), setting.clean[:16])
    expected = small.attacked(attack)
    assert any(outcome.success for outcome in expected)
    assert_same(small.attacked(attack, engine=engine), expected)


def test_a_budget_ends_where_it_ends_in_one_process(engine: Engine, setting: Setting) -> None:
    budget = Budget(queries=40)
    expected = setting.attacked(Drop(), budget=budget)
    assert 0 < sum(not outcome.reached for outcome in expected) < len(expected)
    assert_same(setting.attacked(Drop(), budget=budget, engine=engine), expected)


def test_the_shard_of_a_killed_worker_is_done_again(engine: Engine, setting: Setting, tmp_path: Path) -> None:
    expected = setting.attacked(Drop())
    at = next(
        text for text, outcome in zip(setting.dataset.texts, expected, strict=True) if not outcome.skipped
    )
    found = setting.attacked(Drop(trouble=str(tmp_path), at=at), engine=engine)
    assert len(list(tmp_path.glob("mark-*"))) == 1
    assert_same(found, expected)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ("mistake", AssayError, "^the word is not to be dropped: choose another$"),
        ("defect", ZeroDivisionError, "divided by nothing"),
    ],
)
def test_what_fails_in_a_worker_fails_here_with_its_own_error(
    engine: Engine, setting: Setting, tmp_path: Path, how: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        setting.attacked(Drop(trouble=str(tmp_path), how=how), engine=engine)


def test_a_worker_that_dies_too_often_ends_the_attack_and_keeps_what_was_judged(
    running: Cluster, setting: Setting, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "RESTARTS", 0)
    expected = {outcome.example_id: outcome for outcome in setting.attacked(Drop())}
    turn = [id_ for id_, outcome in expected.items() if not outcome.skipped]
    last = max(turn, key=lambda id_: example_seed(SEED, id_))
    at = setting.dataset.texts[setting.dataset.ids.index(last)]
    store = MemoryStore()
    with (
        running.engine(partial(load, folder), setting.dataset, SEED) as engine,
        pytest.raises(AssayError, match=r"^attack drop: a worker was lost 1 times \(.*\)\. What was judged"),
    ):
        setting.attacked(Drop(trouble=str(tmp_path), at=at, how="always"), store, engine=engine)
    assert len(list(tmp_path.glob("mark-*"))) == 1
    kept = [outcome for outcome in store.load().values() if not outcome.skipped]
    # The pilot was over when the worker died for the first time.
    assert len(kept) >= PILOT
    assert_same(kept, [expected[outcome.example_id] for outcome in kept])


def _no_model() -> Classifier:
    raise AssayError("the model's folder is not on this machine")


def test_a_model_that_cannot_be_loaded_fails_with_the_first_examples_and_not_before(setting: Setting) -> None:
    """Ray takes an error in an actor's constructor for the death of its process."""
    with pytest.raises(AssayError, match="the model's folder is not on this machine"):
        Worker().attack(_no_model, setting.dataset, SEED, Drop(), [0])


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_engine, "find_spec", lambda name: None)
    with pytest.raises(AssayError, match=r'"ray" is not installed.*pip install'), cluster(None, 2):
        pass


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "[::1]:{port}"])
def test_an_address_without_a_cluster_is_refused_at_once(address: str) -> None:
    with socket.socket() as bound:  # bound and not listening: nothing answers there
        bound.bind(("127.0.0.1", 0))
        where = address.format(port=bound.getsockname()[1])
        started = time.monotonic()
        with (
            pytest.raises(AssayError, match=r"Ray cannot be started on .*Check the address"),
            cluster(where, None),
        ):
            pass
        assert time.monotonic() - started < ray_engine.PATIENCE


@needs_ray
def test_what_keeps_ray_from_starting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def init(**options: Any) -> None:
        raise ValueError(f"no address: {options['address']}")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(AssayError, match=r"on nowhere: no address: nowhere"), cluster("nowhere", None):
        pass
