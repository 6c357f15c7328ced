"""The answers to all variants of all examples as columns, each against what it is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fairness.counterfactual.examples import CounterfactualOutcome, Example
from fairness.counterfactual.swapping import Swap

ARROW = " -> "


@dataclass(frozen=True)
class Changes:
    """The v variants of all examples, in the order of the examples.

    example: (v,) int, index of the example. swaps: what was done.
    before, after: (v,) int, predicted labels of the reference and of the variant. The reference is the text
        as it is, or of a template the commonest label of its fillings, of equally common ones the one with
        the higher mean probability.
    score_before, score_after: (v,) probabilities of the label that the score speaks of: the outcome, or the
        label of the reference. The reference of a template has the mean score of its fillings.
    wrong: (v,) bool, whether the label differs from that of its example; labelled: (v,) bool, whether the
        example is a template that has one.
    """

    example: np.ndarray
    swaps: tuple[Swap, ...]
    before: np.ndarray
    after: np.ndarray
    score_before: np.ndarray
    score_after: np.ndarray
    wrong: np.ndarray
    labelled: np.ndarray

    @cached_property
    def flipped(self) -> np.ndarray:
        """(v,) bool: whether the variant gets another label than the reference."""
        return np.asarray(self.before != self.after)

    @cached_property
    def change(self) -> np.ndarray:
        """(v,) signed changes of the score, from -1 to 1."""
        return np.asarray(self.score_after - self.score_before)

    def groups(self) -> list[str]:
        """(v,) "Muslim -> Christian", or of a template "Muslim"."""
        return [arrow(swap.old, swap.new) for swap in self.swaps]

    def terms(self) -> list[list[str]]:
        """(v,) the exchanges of each variant, "mosque -> church", or of a template its terms."""
        return [[arrow(old, new) for old, new in swap.terms] for swap in self.swaps]


def arrow(old: str, new: str) -> str:
    return f"{old}{ARROW}{new}" if old else new


def changes_of(
    examples: Sequence[Example],
    outcomes: Mapping[str, CounterfactualOutcome],
    label_names: Sequence[str],
    outcome: str | None,
) -> Changes:
    """The variants of ``examples``; outcomes: {example id: ...}, one for each example.

    outcome: the label whose probability is the score; None for that of the reference.
    """
    followed = None if outcome is None else list(label_names).index(outcome)
    parts = [
        (row, example, outcomes[example.id])
        for row, example in enumerate(examples)
        if outcomes[example.id].swaps
    ]
    befores, scores_before, afters, scores_after, wrong = [], [], [], [], []
    for _, example, found in parts:
        answers = np.array(found.answers)
        after = answers.argmax(axis=1)
        before = _commonest(answers, after) if found.before is None else int(np.argmax(found.before))
        score = before if followed is None else followed
        reference = answers[:, score].mean() if found.before is None else found.before[score]
        befores.append(np.full(len(after), before))
        scores_before.append(np.full(len(after), float(reference)))
        afters.append(after)
        scores_after.append(answers[:, score])
        label = list(label_names).index(example.label) if example.label is not None else -1
        wrong.append(after != label)
    counts = [len(found.swaps) for _, _, found in parts]
    return Changes(
        example=np.repeat([row for row, _, _ in parts], counts).astype(np.int64),
        swaps=tuple(swap for _, _, found in parts for swap in found.swaps),
        before=_joined(befores, np.int64),
        after=_joined(afters, np.int64),
        score_before=_joined(scores_before, np.float64),
        score_after=_joined(scores_after, np.float64),
        wrong=_joined(wrong, np.bool_),
        labelled=np.repeat(
            [example.before is None and example.label is not None for _, example, _ in parts], counts
        ).astype(np.bool_),
    )


def gives_labels_only(outcomes: Sequence[CounterfactualOutcome]) -> bool:
    """Whether all answers to variants, of which there are some, are 1 for one class and 0 for the others."""
    answers = np.array([answer for outcome in outcomes for answer in outcome.answers])
    return len(answers) > 0 and bool(np.isin(answers, (0.0, 1.0)).all())


def _commonest(answers: np.ndarray, labels: np.ndarray) -> int:
    counts = np.bincount(labels, minlength=answers.shape[1])
    # lexsort: by count, then by mean probability.
    return int(np.lexsort((answers.mean(axis=0), counts))[-1])


def _joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate(parts).astype(kind) if parts else np.zeros(0, dtype=kind)
