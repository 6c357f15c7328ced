"""The judge: what counts as skipped, turned, broken or done before."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import foolbox
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attacks.embedding.base import AscentAttack, EmbeddingAttack
from attacks.embedding.fgm import FGM
from attacks.embedding.fgsm import FGSM
from attacks.embedding.pgd import PGD
from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.threat_model import Norm
from attacks.victims import Encoding, GradientVictim
from robustness import evaluate
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.judge import example_seed
from robustness.outcomes import MemoryStore
from tests.robustness.judging import RMS, LongHandTokenizer, by_hand, clean_of, half_right, undecided
from tests.robustness.tiny import tiny_dataset


@pytest.fixture
def classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classifier:
    monkeypatch.setattr(Classifier, "token_budget", 40)
    return undecided(tmp_path)


def test_fgsm_is_judged_as_worked_by_hand() -> None:
    # Scores 1, -2, 0.25, 1.25. The attack moves each of m letters by 0.3 against the label: m * 0.3.
    classifier, dataset = by_hand(["p", "nn", "s", "ps"], [1, 0, 1, 0])
    clean = clean_of(classifier, dataset)
    assert [outcome.prediction for outcome in clean] == [1, 0, 1, 1]
    assert [outcome.probabilities[1] for outcome in clean] == pytest.approx(
        [1 / (1 + np.exp(-score)) for score in (1, -2, 0.25, 1.25)]
    )
    attacked = evaluate.attack(classifier, dataset, clean, FGSM(epsilon=0.3 / RMS), MemoryStore(), seed=0)
    assert [outcome.example_id for outcome in attacked] == list(dataset.ids)
    assert [outcome.skipped for outcome in attacked] == [False, False, False, True]
    # 1 - 0.3 and -2 + 0.6 keep their sign, 0.25 - 0.3 does not; the last was wrong from the start.
    assert [outcome.prediction for outcome in attacked] == [1, 0, 0, 1]
    assert [outcome.probabilities[1] for outcome in attacked] == pytest.approx(
        [1 / (1 + np.exp(-score)) for score in (0.7, -1.4, -0.05, 1.25)], rel=1e-5
    )
    assert [outcome.queries for outcome in attacked] == [1, 1, 1, 0]
    assert [outcome.distance for outcome in attacked] == [pytest.approx(0.3)] * 3 + [None]
    assert attacked[3] == dataclasses.replace(clean[3], skipped=True, seconds=0.0)


def test_special_tokens_may_be_moved_by_choice() -> None:
    # With both special tokens three tokens move: 0.7 - 3 * 0.3 turns what one alone could not.
    classifier, dataset = by_hand(["p"], [1])
    clean = clean_of(classifier, dataset)
    for special, prediction in ((False, 1), (True, 0)):
        attack = FGSM(epsilon=0.34 / RMS, special_tokens=special)
        (outcome,) = evaluate.attack(classifier, dataset, clean, attack, MemoryStore(), seed=0)
        assert outcome.prediction == prediction


def test_truncation_is_in_the_outcome() -> None:
    classifier, dataset = by_hand(["p", "p"], [1, 1])
    long = dataclasses.replace(dataset, texts=("p", "p" * 200))
    classifier = dataclasses.replace(classifier, tokenizer=LongHandTokenizer())
    clean = clean_of(classifier, long)
    assert [outcome.truncated for outcome in clean] == [False, True]
    attacked = evaluate.attack(classifier, long, clean, FGSM(epsilon=0.01), MemoryStore(), seed=0)
    assert [outcome.truncated for outcome in attacked] == [False, True]


# Models that are no models.


def test_a_constant_classifier_is_right_on_one_class_and_cannot_be_turned(classifier: Classifier) -> None:
    with torch.no_grad():
        classifier.model.classifier.weight.zero_()
        classifier.model.classifier.bias.copy_(torch.tensor([0.0, 5.0]))
    dataset = tiny_dataset(20)
    clean = clean_of(classifier, dataset)
    assert evaluate.accuracy(clean) == dataset.labels.mean()
    attacked = evaluate.attack(classifier, dataset, clean, PGD(epsilon=10.0), MemoryStore(), seed=0)
    assert [outcome.prediction for outcome in attacked] == [1] * 20
    assert [outcome.skipped for outcome in attacked] == (dataset.labels == 0).tolist()


def test_a_perfect_classifier_is_attacked_everywhere(classifier: Classifier) -> None:
    dataset = tiny_dataset(20)
    dataset = dataclasses.replace(
        dataset, labels=np.array([outcome.prediction for outcome in clean_of(classifier, dataset)])
    )
    clean = clean_of(classifier, dataset)
    assert evaluate.accuracy(clean) == 1
    attacked = evaluate.attack(classifier, dataset, clean, FGM(epsilon=0.01), MemoryStore(), seed=0)
    assert not any(outcome.skipped for outcome in attacked)


def test_a_classifier_that_is_always_wrong_is_never_attacked(classifier: Classifier) -> None:
    dataset = tiny_dataset(20)
    wrong = np.array([1 - outcome.prediction for outcome in clean_of(classifier, dataset)])
    dataset = dataclasses.replace(dataset, labels=wrong)
    clean = clean_of(classifier, dataset)
    attacked = evaluate.attack(
        classifier, dataset, clean, Cheat(epsilon=0.1, cheat=never), MemoryStore(), seed=0
    )
    assert all(outcome.skipped for outcome in attacked)


# Attacks that cheat.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cheat(AscentAttack):
    """Proposes whatever ``cheat`` makes of the clean embeddings, the mask and the radius."""

    name: ClassVar[str] = "cheat"
    norm: Norm = "linf"
    cheat: Any = None

    def perturb(
        self, victim: GradientVictim, encoding: Encoding, embeddings: Tensor, goal: Goal, seeds: Sequence[int]
    ) -> Tensor:
        radius = self.radius(victim.embedding_scale)
        return cast(Tensor, self.cheat(embeddings, encoding, radius))


def moved(embeddings: Tensor, mask: Tensor, distance: float) -> Tensor:
    return embeddings + distance * mask[..., None]


def words(encoding: Encoding) -> Tensor:
    return encoding.real & ~encoding.special


def one_nan(embeddings: Tensor, encoding: Encoding, radius: float) -> Tensor:
    answer = embeddings.clone()
    answer[0, 1, 0] = float("nan")
    return answer


def never(embeddings: Tensor, encoding: Encoding, radius: float) -> Tensor:
    raise AssertionError("this attack was not to be asked")


CHEATS: dict[str, tuple[Callable[[Tensor, Encoding, float], Tensor], str]] = {
    "a hair too far": (lambda e, enc, r: moved(e, words(enc), 1.001 * r), "norm at most .* got"),
    "much too far": (lambda e, enc, r: moved(e, words(enc), 10 * r), "norm at most .* got"),
    "padding": (lambda e, enc, r: moved(e, ~enc.real, 0.5 * r), "changed padding or special"),
    "special tokens": (lambda e, enc, r: moved(e, enc.special, 0.5 * r), "changed padding or special"),
    "NaN": (one_nan, "expected finite embeddings"),
    "infinity": (lambda e, enc, r: torch.full_like(e, torch.inf), "expected finite embeddings"),
    "another shape": (lambda e, enc, r: e[:, :-1], "expected finite embeddings of shape"),
}


@pytest.mark.parametrize(("cheat", "message"), CHEATS.values(), ids=CHEATS)
def test_a_cheating_attack_is_caught(
    classifier: Classifier, cheat: Callable[[Tensor, Encoding, float], Tensor], message: str
) -> None:
    dataset = half_right(classifier, tiny_dataset(12))
    clean, store = clean_of(classifier, dataset), MemoryStore()
    with pytest.raises(AssayError, match=f"attack cheat: .*{message}"):
        evaluate.attack(classifier, dataset, clean, Cheat(epsilon=0.5, cheat=cheat), store, seed=0)
    assert all(outcome.skipped for outcome in store.load().values()), "nothing that was not judged is kept"


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_going_to_the_edge_of_the_budget_is_no_cheating(classifier: Classifier, norm: Norm) -> None:
    def to_the_edge(embeddings: Tensor, encoding: Encoding, radius: float) -> Tensor:
        count = words(encoding).sum(dim=1) * embeddings.shape[2]
        length = radius if norm == "linf" else radius / count.sqrt()[:, None, None]
        return embeddings + length * words(encoding)[..., None]

    dataset = half_right(classifier, tiny_dataset(12))
    attack = Cheat(epsilon=0.01, norm=norm, cheat=to_the_edge)
    outcomes = evaluate.attack(
        classifier, dataset, clean_of(classifier, dataset), attack, MemoryStore(), seed=0
    )
    radius = attack.radius(classifier.embedding_scale)
    assert [o.distance for o in outcomes if not o.skipped] == [pytest.approx(radius, rel=1e-3)] * 6


def test_an_attack_that_declares_padding_its_own_is_caught_too(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cheat, "perturbable", lambda self, encoding: torch.ones_like(encoding.real))
    dataset = half_right(classifier, tiny_dataset(12))
    attack = Cheat(epsilon=0.5, cheat=CHEATS["padding"][0])
    with pytest.raises(AssayError, match="changed padding"):
        evaluate.attack(classifier, dataset, clean_of(classifier, dataset), attack, MemoryStore(), seed=0)


def test_success_is_decided_by_the_model_and_not_by_the_attack(classifier: Classifier) -> None:
    dataset = half_right(classifier, tiny_dataset(12))
    clean = clean_of(classifier, dataset)
    idle = Cheat(epsilon=0.5, cheat=lambda embeddings, encoding, radius: embeddings)
    outcomes = evaluate.attack(classifier, dataset, clean, idle, MemoryStore(), seed=0)
    assert [o.prediction for o in outcomes] == [o.prediction for o in clean]
    assert [o.distance for o in outcomes if not o.skipped] == [0.0] * 6
    np.testing.assert_allclose(
        [o.probabilities for o in outcomes], [o.probabilities for o in clean], rtol=0, atol=1e-6
    )


# Queries, randomness, memory.


@pytest.mark.parametrize(
    ("attack", "queries"), [(FGSM(epsilon=0.1), 1), (FGM(epsilon=0.1), 1), (PGD(epsilon=0.1, steps=10), 10)]
)
def test_queries_are_the_attack_s_forward_passes(
    classifier: Classifier, attack: EmbeddingAttack, queries: int
) -> None:
    dataset = half_right(classifier, tiny_dataset(12))
    clean = clean_of(classifier, dataset)
    outcomes = evaluate.attack(classifier, dataset, clean, attack, MemoryStore(), seed=0)
    assert [outcome.queries for outcome in outcomes] == [queries, 0] * 6


RANDOM = PGD(epsilon=0.5, steps=2, step_size=0.1, random_start=True)


def test_a_random_start_depends_on_the_example_and_not_on_the_others(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = half_right(classifier, tiny_dataset(16))
    backwards = dataset.take(range(15, -1, -1))

    def run(data: TextDataset, seed: int = 0) -> dict[str, tuple[float, ...]]:
        clean = clean_of(classifier, data)
        outcomes = evaluate.attack(classifier, data, clean, RANDOM, MemoryStore(), seed=seed)
        return {outcome.example_id: outcome.probabilities for outcome in outcomes}

    together = run(dataset)
    monkeypatch.setattr(Classifier, "token_budget", 1)
    alone, other_seed = run(backwards), run(dataset, seed=1)
    for example_id, probabilities in together.items():
        assert alone[example_id] == pytest.approx(probabilities, rel=0, abs=1e-5)
    attacked = [dataset.ids[i] for i in range(0, 16, 2)]
    assert all(abs(other_seed[i][0] - together[i][0]) > 1e-5 for i in attacked)


def test_seeds_differ_by_run_and_by_example() -> None:
    seeds = {example_seed(seed, f"id{i}") for seed in range(10) for i in range(100)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert example_seed(0, "id0") == example_seed(0, "id0")


def test_out_of_memory_halves_the_batch_and_keeps_the_outcomes(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Classifier, "token_budget", 200)
    dataset = half_right(classifier, tiny_dataset(24))
    clean = clean_of(classifier, dataset)
    expected = evaluate.attack(classifier, dataset, clean, RANDOM, MemoryStore(), seed=0)
    logits, sizes = Classifier.logits, []

    def small_gpu(self: Classifier, encoding: Encoding, embeddings: Tensor) -> Tensor:
        sizes.append(len(encoding))
        # The second pass of a batch fails: what the first one counted must not be counted twice.
        if len(encoding) > 3 and sizes.count(len(encoding)) % 2 == 0:
            raise torch.OutOfMemoryError("out of memory")
        return logits(self, encoding, embeddings)

    monkeypatch.setattr(Classifier, "logits", small_gpu)
    outcomes = evaluate.attack(classifier, dataset, clean, RANDOM, MemoryStore(), seed=0)
    assert max(sizes) > 3
    assert [o.queries for o in outcomes] == [o.queries for o in expected]
    assert [o.prediction for o in outcomes] == [o.prediction for o in expected]
    np.testing.assert_allclose(
        [o.probabilities for o in outcomes], [o.probabilities for o in expected], rtol=0, atol=1e-5
    )


# Foolbox, which knows nothing of us, finds the same robust accuracy.


class FromEmbeddings(nn.Module):
    """The classifier as a function of embeddings, with what may not be perturbed held fast."""

    def __init__(self, classifier: Classifier, encoding: Encoding, clean: Tensor) -> None:
        super().__init__()
        self.classifier, self.encoding, self.clean = classifier, encoding, clean

    def forward(self, embeddings: Tensor) -> Tensor:
        free = torch.where(words(self.encoding)[..., None], embeddings, self.clean)
        return self.classifier.logits(self.encoding, free)


ORACLES: dict[str, tuple[EmbeddingAttack, Any]] = {
    "fgsm": (FGSM(epsilon=0.02), foolbox.attacks.LinfFastGradientAttack(random_start=False)),
    "fgm": (FGM(epsilon=0.04), foolbox.attacks.L2FastGradientAttack(random_start=False)),
    "pgd": (
        PGD(epsilon=0.02, steps=5),
        foolbox.attacks.LinfPGD(rel_stepsize=0.25, steps=5, random_start=False),
    ),
}


@pytest.mark.parametrize(("attack", "oracle"), ORACLES.values(), ids=ORACLES)
def test_accuracy_under_attack_agrees_with_foolbox(
    classifier: Classifier, attack: EmbeddingAttack, oracle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Classifier, "token_budget", 10**6)
    dataset = tiny_dataset(60)
    predictions = np.array([outcome.prediction for outcome in clean_of(classifier, dataset)])
    dataset = dataclasses.replace(dataset, labels=np.where(np.arange(60) < 50, predictions, 1 - predictions))
    ours = evaluate.attack(classifier, dataset, clean_of(classifier, dataset), attack, MemoryStore(), seed=0)
    encoding = classifier.tokenize(dataset.inputs)
    embeddings = classifier.embed(encoding).detach()
    model = foolbox.PyTorchModel(
        FromEmbeddings(classifier, encoding, embeddings).eval(), bounds=(-100, 100), device="cpu"
    )
    criterion = foolbox.criteria.Misclassification(torch.tensor(dataset.labels))
    radius = attack.radius(classifier.embedding_scale)
    _, _, success = oracle(model, embeddings, criterion, epsilons=radius)
    turned = [outcome.prediction != outcome.label for outcome in ours]
    assert turned == success.tolist()
    assert 15 < sum(turned) < 55, "an attack that turns all or nothing would agree with anything"
