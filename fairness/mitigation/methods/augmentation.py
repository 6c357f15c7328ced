"""Training texts that are about somebody else, beside those that there are."""

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from attacks.errors import AssayError
from attacks.parameters import require_positive
from fairness.counterfactual.swapping import Swap, Swapper
from fairness.counterfactual.terms import load_terms
from fairness.mitigation.base import NOUN, DataMitigation, MitigatedData, require_axes, require_share
from fairness.mitigation.examples import with_copies
from robustness.dataset import TextDataset


@dataclass(frozen=True, kw_only=True)
class Augmentation(DataMitigation):
    """Adds copies of training texts with identity terms and names swapped, with the label unchanged.

    Counterfactual data augmentation: Lu et al. 2020, "Gender bias in neural natural language processing", and
    Zhao et al. 2018, "Gender bias in coreference resolution", there for gender; here along every axis of
    ``fairness.counterfactual``. A copy exchanges all mentions of one group for those of another one. Which of
    a text's swaps are taken is drawn evenly.

    It takes for granted that the label does not depend on who is spoken of. The group columns of a copy are
    those of its original, although it is about another group: an objective that trains on groups cannot be
    combined with it.
    """

    name: ClassVar[str] = "augmentation"
    keeps_groups: ClassVar[bool] = False

    axes: list[str] | None = field(
        default=None, metadata={"help": "what to swap, for example gender and religion; all by default"}
    )
    copies: int = field(default=1, metadata={"help": "most copies that one text gets"})
    share: float = field(
        default=1.0, metadata={"help": "share of the texts that name somebody which get copies"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_axes(self.name, self.axes)
        require_positive(self.name, "copies", self.copies, kind=NOUN)
        require_share(self.name, "share", self.share)

    def check(self, dataset: TextDataset) -> None:
        """Refuses an unknown axis, and training texts that name nobody."""
        swapper = self._swapper()
        if not any(swapper.mentions(text) for text in dataset.split("train").inputs):
            raise self._nobody()

    def apply(self, training: TextDataset, seed: int) -> MitigatedData:
        swapper, rng = self._swapper(), np.random.default_rng(seed)
        swaps = {row: found for row, text in enumerate(training.inputs) if (found := swapper.swaps(text))}
        if not swaps:
            raise self._nobody()
        rows = sorted(rng.permutation(list(swaps))[: max(1, round(self.share * len(swaps)))].tolist())
        chosen = [(row, swap) for row in rows for swap in self._some(swaps[row], rng)]
        axes = Counter(swap.axis for _, swap in chosen)
        note = (
            f"{len(swaps):,} of {len(training):,} training texts name somebody; {len(chosen):,} copies about "
            f"somebody else were added ({', '.join(f'{axis}: {n:,}' for axis, n in sorted(axes.items()))})."
        )
        return MitigatedData(with_copies(training, [(row, swap.text) for row, swap in chosen]), notes=[note])

    def _some(self, swaps: list[Swap], rng: np.random.Generator) -> list[Swap]:
        chosen = rng.choice(len(swaps), size=min(self.copies, len(swaps)), replace=False)
        return [swaps[number] for number in sorted(chosen.tolist())]

    def _swapper(self) -> Swapper:
        return Swapper(load_terms(self.axes))

    def _nobody(self) -> AssayError:
        along = "" if self.axes is None else f" along {', '.join(self.axes)}"
        return AssayError(
            f'mitigation "{self.name}": no training text has a term that could be swapped{along}. Name other '
            "axes, or use another mitigation."
        )
