"""Judges one batch: asks an attack for its proposals, checks that they are within its budget, and decides."""

import hashlib
import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor

from attacks.base import Attack
from attacks.embedding.base import EmbeddingAttack
from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.norms import delta_norm
from attacks.token.base import TokenAttack
from attacks.victims import EmbeddingScale, Encoding, TextInput
from robustness.classifier import Classifier, probabilities
from robustness.dataset import TextDataset
from robustness.outcomes import Outcome
from robustness.tokens import Tokens

TOLERANCE = 1e-4
"""Relative excess of a perturbation's norm over its budget that rounding may cause."""

Part = Sequence[tuple[int, Tokens]]
"""Examples of a batch: their rows in the data and their tokens."""


class CountingVictim:
    """A classifier that counts what it is asked (``rows``: examples times forward passes).

    Whatever way an attack asks, by texts or by embeddings, is counted; the rest is passed through.
    """

    def __init__(self, victim: Any) -> None:
        self._victim = victim
        self.rows = 0

    @cached_property
    def embedding_scale(self) -> EmbeddingScale:
        scale: EmbeddingScale = self._victim.embedding_scale
        return scale

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        self.rows += len(encoding)
        logits: Tensor = self._victim.logits(encoding, embeddings)
        return logits

    def text_logits(self, texts: Sequence[TextInput]) -> Tensor:
        self.rows += len(texts)
        logits: Tensor = self._victim.text_logits(texts)
        return logits

    def predict_proba(self, texts: Sequence[TextInput]) -> np.ndarray:
        self.rows += len(texts)
        answers: np.ndarray = self._victim.predict_proba(texts)
        return answers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._victim, name)


def judge_embeddings(
    classifier: Classifier,
    victim: CountingVictim,
    dataset: TextDataset,
    attack: EmbeddingAttack,
    seed: int,
    part: Part,
) -> list[Outcome]:
    """Outcomes of the examples ``part`` under an attack on their embeddings.

    victim: ``classifier``, or what stands for it, as the attack sees it.
    Raises AssayError when the attack leaves its budget or touches a token that it may not.
    """
    started = time.perf_counter()
    encoding = classifier.collate([tokens for _, tokens in part])
    goal = _goal(classifier, dataset, attack, part)
    with torch.no_grad():
        embeddings = classifier.embed(encoding)
    before = victim.rows
    proposal = attack.perturb(victim, encoding, embeddings, goal, _seeds(seed, dataset, part)).detach()
    distances = verify(proposal, embeddings, encoding, attack, attack.radius(victim.embedding_scale))
    queries = (victim.rows - before) / len(part)
    with torch.inference_mode():
        logits = classifier.logits(encoding, proposal)
    return _outcomes(dataset, part, goal, logits, queries, started, distances, [None] * len(part))


def judge_texts(
    classifier: Classifier,
    victim: CountingVictim,
    dataset: TextDataset,
    attack: TokenAttack,
    seed: int,
    part: Part,
) -> list[Outcome]:
    """Outcomes of the examples ``part`` under an attack that proposes texts.

    Each proposal is tokenised again and classified: what does not survive that does not count.
    Raises AssayError when a proposal differs from its original in more tokens than the attack may change.
    """
    started = time.perf_counter()
    goal = _goal(classifier, dataset, attack, part)
    texts = [dataset.inputs[row] for row, _ in part]
    before = victim.rows
    proposals = attack.perturb(victim, texts, goal, _seeds(seed, dataset, part))
    queries = (victim.rows - before) / len(part)
    distances = _verify_texts(classifier, attack, texts, proposals)
    with torch.inference_mode():
        logits = classifier.text_logits(proposals)
    changed = [
        None if proposal == text else proposal for text, proposal in zip(texts, proposals, strict=True)
    ]
    return _outcomes(dataset, part, goal, logits, queries, started, distances, changed)


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


def _verify_texts(
    classifier: Classifier,
    attack: TokenAttack,
    texts: Sequence[TextInput],
    proposals: Sequence[TextInput],
) -> list[float]:
    """Tokens that were replaced, inserted or deleted in each text (edit distance), before any truncation.

    Raises AssayError where there are more than the attack may change, or where a proposal is no text (or
    pair, where the original is one).
    """
    if [shape_of(proposal) for proposal in proposals] != [shape_of(text) for text in texts]:
        raise AssayError(
            f"attack {attack.name}: expected a text, or a pair where it was given one, for each of "
            f"{len(texts)} examples, got {len(proposals)} proposals or others than these."
        )
    distances = [
        Levenshtein.distance(before, after)
        for before, after in zip(classifier.token_ids(texts), classifier.token_ids(proposals), strict=True)
    ]
    worst = max(distances, default=0)
    if worst > attack.max_tokens:
        raise AssayError(
            f"attack {attack.name}: expected at most {attack.max_tokens} changed tokens, got {worst}."
        )
    return [float(distance) for distance in distances]


def shape_of(text: object) -> str:
    """``text``, ``(text, text)``, or ``no text``: two that are alike are both texts, or both pairs."""
    if isinstance(text, tuple):
        return f"({', '.join(map(shape_of, text))})"
    return "text" if isinstance(text, str) else "no text"


def _goal(classifier: Classifier, dataset: TextDataset, attack: Attack, part: Part) -> Goal:
    y = torch.tensor([int(dataset.labels[row]) for row, _ in part], device=classifier.device)
    return attack.goal(y, dataset.label_names)


def _seeds(seed: int, dataset: TextDataset, part: Part) -> list[int]:
    return [example_seed(seed, dataset.ids[row]) for row, _ in part]


def _outcomes(
    dataset: TextDataset,
    part: Part,
    goal: Goal,
    logits: Tensor,
    queries: float,
    started: float,
    distances: Sequence[float],
    texts: Sequence[TextInput | None],
) -> list[Outcome]:
    answers: np.ndarray = probabilities(logits)
    reached = goal.reached(logits).tolist()
    seconds = (time.perf_counter() - started) / len(part)
    return [
        Outcome(
            example_id=dataset.ids[row],
            label=int(dataset.labels[row]),
            prediction=int(answers[i].argmax()),
            probabilities=tuple(answers[i].tolist()),
            success=reached[i],
            queries=queries,
            distance=distances[i],
            seconds=seconds,
            truncated=tokens.truncated,
            text=texts[i],
        )
        for i, (row, tokens) in enumerate(part)
    ]
