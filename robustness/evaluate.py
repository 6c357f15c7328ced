"""The judge: re-queries the model on what an attack proposes, checks the budget, and decides."""

import hashlib
import time
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from attacks.embedding.base import EmbeddingAttack
from attacks.errors import AssayError
from attacks.norms import delta_norm
from attacks.victims import EmbeddingScale, Encoding, GradientVictim, TextInput
from robustness.batching import halving
from robustness.classifier import Classifier, probabilities
from robustness.dataset import TextDataset
from robustness.outcomes import Outcome, OutcomeStore
from robustness.tokens import Tokens

Advance = Callable[[int], None]
"""Called with the number of examples done since the last call."""

TOLERANCE = 1e-4
"""Relative excess of a perturbation's norm over its budget that rounding may cause."""


def ignore_progress(count: int) -> None:
    """An ``Advance`` that shows nothing."""


def predict(
    classifier: Classifier, dataset: TextDataset, store: OutcomeStore, advance: Advance = ignore_progress
) -> list[Outcome]:
    """Clean outcomes of every example, in the data's order; what the store has is not computed again."""

    def run(batch: list[int], tokens: list[Tokens]) -> list[Outcome]:
        started = time.perf_counter()
        answers = classifier.predict_batch(tokens)
        seconds = (time.perf_counter() - started) / len(batch)
        return [
            Outcome(
                example_id=dataset.ids[index],
                label=int(dataset.labels[index]),
                prediction=int(answer.argmax()),
                probabilities=tuple(answer.tolist()),
                seconds=seconds,
                truncated=token.truncated,
            )
            for index, token, answer in zip(batch, tokens, answers, strict=True)
        ]

    return _batched(classifier, dataset, range(len(dataset)), store, run, advance)


def attack(
    classifier: Classifier,
    dataset: TextDataset,
    clean: Sequence[Outcome],
    attack: EmbeddingAttack,
    store: OutcomeStore,
    *,
    seed: int,
    advance: Advance = ignore_progress,
) -> list[Outcome]:
    """Outcomes of every example under ``attack``, in the data's order.

    clean: the outcomes of ``predict`` on the same data. Examples that are misclassified already are
        SKIPPED: their outcome is the clean one.
    seed: with an example's id it seeds that example's random start, so an outcome does not depend on
        the other examples or on the order of work.
    Raises AssayError when the attack leaves its budget or touches a token that it may not.
    """
    victim = CountingVictim(classifier)
    radius = attack.radius(victim.embedding_scale)

    def run(batch: list[int], tokens: list[Tokens]) -> list[Outcome]:
        def judge(part: Sequence[tuple[int, Tokens]]) -> list[Outcome]:
            started = time.perf_counter()
            encoding = classifier.collate([token for _, token in part])
            y = torch.tensor([int(dataset.labels[i]) for i, _ in part], device=classifier.device)
            with torch.no_grad():
                embeddings = classifier.embed(encoding)
            victim.passes = 0
            seeds = [example_seed(seed, dataset.ids[i]) for i, _ in part]
            proposal = attack.perturb(victim, encoding, embeddings, y, seeds).detach()
            distances = verify(proposal, embeddings, encoding, attack, radius)
            with torch.inference_mode():
                answers = probabilities(classifier.logits(encoding, proposal))
            seconds = (time.perf_counter() - started) / len(part)
            return [
                Outcome(
                    example_id=dataset.ids[index],
                    label=int(dataset.labels[index]),
                    prediction=int(answer.argmax()),
                    probabilities=tuple(answer.tolist()),
                    queries=victim.passes,
                    distance=distance,
                    seconds=seconds,
                    truncated=token.truncated,
                )
                for (index, token), answer, distance in zip(part, answers, distances, strict=True)
            ]

        return halving(judge, list(zip(batch, tokens, strict=True)))

    skipped = [
        Outcome(**{**vars(outcome), "skipped": True, "seconds": 0.0})
        for outcome in clean
        if outcome.prediction != outcome.label
    ]
    known = store.load()
    store.add([outcome for outcome in skipped if outcome.example_id not in known])
    advance(len(skipped))
    attacked = [i for i, outcome in enumerate(clean) if outcome.prediction == outcome.label]
    return _batched(classifier, dataset, attacked, store, run, advance)


class CountingVictim:
    """A classifier that counts its forward passes (``passes``), for the evaluator's accounts."""

    def __init__(self, victim: GradientVictim) -> None:
        self._victim = victim
        self.passes = 0

    @cached_property
    def embedding_scale(self) -> EmbeddingScale:
        return self._victim.embedding_scale

    def tokenize(self, texts: Sequence[TextInput]) -> Encoding:
        return self._victim.tokenize(texts)

    def embed(self, encoding: Encoding) -> Tensor:
        return self._victim.embed(encoding)

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        self.passes += 1
        return self._victim.logits(encoding, embeddings)


def example_seed(seed: int, example_id: str) -> int:
    """A 63-bit seed that depends on the run's seed and the example's id only."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{example_id}".encode()).digest()[:8], "big") >> 1


def verify(
    proposal: Tensor, embeddings: Tensor, encoding: Encoding, attack: EmbeddingAttack, radius: float
) -> list[float]:
    """Norms (b,) of what an attack proposed; raises AssayError where it breaks its own declaration.

    Whatever the attack declares, padding is never touched.
    """
    if proposal.shape != embeddings.shape or not bool(torch.isfinite(proposal).all()):
        raise AssayError(
            f"attack {attack.name}: expected finite embeddings of shape {tuple(embeddings.shape)}, "
            f"got shape {tuple(proposal.shape)} or values that are not finite."
        )
    delta = proposal.float() - embeddings.float()
    if bool(delta[~(attack.perturbable(encoding) & encoding.real)].any()):
        raise AssayError(f"attack {attack.name}: it changed padding or special tokens that it may not touch.")
    distances = delta_norm(delta, attack.norm)
    # Adding a small delta to a larger embedding rounds each component in its last place.
    rounding = torch.finfo(embeddings.dtype).eps * delta_norm(embeddings, attack.norm)
    excess = distances - (radius * (1 + TOLERANCE) + rounding)
    if bool((excess > 0).any()):
        raise AssayError(
            f"attack {attack.name}: expected perturbations of norm at most {radius:g}, "
            f"got {float(distances[excess.argmax()]):g}."
        )
    return [float(distance) for distance in distances]


def _batched(
    classifier: Classifier,
    dataset: TextDataset,
    indices: Sequence[int],
    store: OutcomeStore,
    run: Callable[[list[int], list[Tokens]], list[Outcome]],
    advance: Advance,
) -> list[Outcome]:
    """Run what is not in the store, one batch at a time, and return all of the store in order.

    Batches are formed over all ``indices``, done or not: a resumed run computes the same batches as an
    undisturbed one, and so the same last digits.
    """
    known = store.load()
    inputs = dataset.inputs
    tokens = classifier.tokenize_all([inputs[i] for i in indices])
    for batch in classifier.batches(tokens):
        rows = [indices[position] for position in batch]
        if any(dataset.ids[row] not in known for row in rows):
            store.add(run(rows, [tokens[position] for position in batch]))
        advance(len(batch))
    outcomes = store.load()
    return [outcomes[example_id] for example_id in dataset.ids]


def accuracy(outcomes: Sequence[Outcome]) -> float:
    """Share of outcomes with the right prediction."""
    return float(np.mean([outcome.prediction == outcome.label for outcome in outcomes]))
