"""FreeLB that searches further."""

from dataclasses import dataclass, field
from typing import ClassVar

from robustness.objectives.ascent import AscentObjective


@dataclass(frozen=True, kw_only=True)
class FreeLBPlusPlus(AscentObjective):
    """FreeLB with many steps and no bound on the perturbation (FreeLB++).

    Li et al. 2021, "Searching for an effective defender: Benchmarking defense against adversarial word
    substitution": the bound on the norm goes, and the number of steps rises. Their published code
    (TextDefender) takes steps of absolute size 0.03 from a start of magnitude 0.05 in an unlimited norm; its
    own default is 5 steps, and users of it who reproduce the paper give it 30 on short texts (AG News,
    SST-2) and 10 on long ones (IMDB). The defaults are 10 steps, which already cost 10 times standard
    training, and the lengths of that code on a model whose word embeddings have a mean norm of 1.4, as those
    of BERT-base: 0.03 / 1.4 and 0.05 / 1.4.

    All else is as in ``freelb``, special tokens included.
    """

    name: ClassVar[str] = "freelb++"

    steps: int = field(default=10, metadata={"help": "ascent steps, one forward and one backward pass each"})
    step_size: float = field(
        default=0.021, metadata={"help": "length of a step, relative to the model's embedding norm"}
    )
    start: float = field(
        default=0.036,
        metadata={"help": "greatest length of the random start, relative to the model's embedding norm"},
    )

    @property
    def bound(self) -> None:
        return None
