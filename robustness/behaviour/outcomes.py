"""What a model answered to the variants of one text, judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robustness.behaviour.base import BehaviouralTest

if TYPE_CHECKING:
    from attacks.victims import TextInput


@dataclass(frozen=True)
class BehaviouralOutcome:
    """One text under one behavioural test.

    label: the true class. before: k class probabilities of the text as it is. variants: how many there were;
    0 where the test does not apply. failed, right: how many of them were answered against what is expected,
    and with the true class. change: mean absolute change of the probability of the class predicted before.
    worst: the variant with the worst answer, a failed one where there is any; after: that answer.
    ``change``, ``worst`` and ``after`` are None without variants.
    """

    example_id: str
    label: int
    before: tuple[float, ...]
    variants: int = 0
    failed: int = 0
    right: int = 0
    change: float | None = None
    worst: "TextInput | None" = None
    after: tuple[float, ...] | None = None

    @property
    def was_right(self) -> bool:
        """Whether the text as it is was classified correctly."""
        return int(np.argmax(self.before)) == self.label


def judge(
    test: BehaviouralTest,
    example_id: str,
    label: int,
    before: np.ndarray,
    variants: "Sequence[TextInput]",
    answers: np.ndarray,
) -> BehaviouralOutcome:
    """The outcome of one text. before: (k,). answers: (v, k), one for each of v variants, which may be 0."""
    clean = tuple(before.tolist())
    if not variants:
        return BehaviouralOutcome(example_id, label, clean)
    failed = test.failed(before, answers)
    # Failures first, then by how bad they are; of equals the first.
    worst = int(np.lexsort((-test.badness(before, answers), ~failed))[0])
    predicted = int(before.argmax())
    return BehaviouralOutcome(
        example_id=example_id,
        label=label,
        before=clean,
        variants=len(variants),
        failed=int(failed.sum()),
        right=int((answers.argmax(axis=1) == label).sum()),
        change=float(np.abs(answers[:, predicted] - before[predicted]).mean()),
        worst=variants[worst],
        after=tuple(answers[worst].tolist()),
    )
