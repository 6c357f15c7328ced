"""Adversarial training that costs no more passes than it takes steps."""

from dataclasses import dataclass, field
from typing import ClassVar

from attacks.parameters import require_positive
from robustness.objectives.ascent import AscentObjective


@dataclass(frozen=True, kw_only=True)
class FreeLB(AscentObjective):
    """Ascent steps from a random start, each of which also trains the weights (FreeLB).

    Zhu et al. 2020, "FreeLB: Enhanced adversarial training for natural language understanding", Algorithm 1;
    the loss is the mean over the ``steps`` perturbations, with one dropout mask for all (section 3.3).

    Their launch scripts give, for SST-2, 2 steps of absolute size 0.1 from a start of magnitude 0.6 without
    a maximum norm; elsewhere 2 to 4 steps, 0.03 to 0.2, 0 to 1, and maximum norms from none to 0.7. The
    defaults are that setting for SST-2 on a model whose word embeddings have a mean norm of 1.4, as those of
    BERT-base: 0.1 / 1.4 and 0.6 / 1.4.

    Departures: [CLS] and [SEP] stay as they are unless ``special_tokens`` says otherwise (theirs move), so
    that the training matches the attacks of the audit; with an ``epsilon`` the start is projected as well,
    not only what follows, so that no perturbation is ever longer.
    """

    name: ClassVar[str] = "freelb"

    steps: int = field(default=2, metadata={"help": "ascent steps, one forward and one backward pass each"})
    step_size: float = field(
        default=0.07, metadata={"help": "length of a step, relative to the model's embedding norm"}
    )
    start: float = field(
        default=0.43,
        metadata={"help": "greatest length of the random start, relative to the model's embedding norm"},
    )
    epsilon: float | None = field(
        default=None,
        metadata={"help": "greatest norm (l2), relative to the model's embedding norm; none by default"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.epsilon is not None:
            require_positive(self.name, "epsilon", self.epsilon, kind="objective")

    @property
    def bound(self) -> float | None:
        return self.epsilon
