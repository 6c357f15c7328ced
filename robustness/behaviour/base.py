"""What a behavioural test is: variants of texts, and what a model should answer to them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from attacks.errors import AssayError
from attacks.parameters import check_types, require_not_negative, wrong

if TYPE_CHECKING:  # attacks.victims imports torch, which changing texts does not need
    from attacks.victims import TextInput

NOUN = "behavioural test"

Expectation = Literal["invariance", "directional", "minimum functionality"]
"""CheckList's kinds of test: the prediction stays; a probability moves one way; labelled cases are right."""

Nature = Literal["natural noise", "meaning kept", "meaning changed"]
"""What a test does to a text: what happens to texts anyway, another wording, or another statement."""


@dataclass(frozen=True, kw_only=True)
class BehaviouralTest(ABC):
    """Base of all tests that change texts: a frozen dataclass with a ``name``; its fields are its parameters.

    After CheckList (Ribeiro et al. 2020, "Beyond accuracy: behavioral testing of NLP models with CheckList").
    A subclass is an ``InvarianceTest`` or a ``DirectionalTest``.

    Raises AssayError when a parameter has the wrong type or is out of range.
    """

    name: ClassVar[str]
    kind: ClassVar[Expectation]
    nature: ClassVar[Nature]

    part: Literal["first", "second"] = field(
        default="first", metadata={"help": "which text of a pair is changed"}
    )

    def __post_init__(self) -> None:
        check_types(self, kind=NOUN)

    @abstractmethod
    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        """Variants of one text; none where the test does not apply.

        What equals the text or was given before may come; it is left out by ``variants``.
        """

    @abstractmethod
    def failed(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Which of the answers ``after`` (v, k) are not as expected, given ``before`` (k,); (v,) bool."""

    @abstractmethod
    def badness(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """How far each of the answers ``after`` (v, k) is from what is expected; (v,), higher is worse."""

    def variants(self, texts: "Sequence[TextInput]", seeds: Sequence[int]) -> "list[list[TextInput]]":
        """For each of n texts or pairs its distinct variants, without the text itself; [] where none apply.

        seeds: one per text. What is drawn for a text depends on its own seed only.
        Raises AssayError where the second text of a single text is to be changed.
        """
        return [self._variants(text, seed) for text, seed in zip(texts, seeds, strict=True)]

    def params(self) -> dict[str, Any]:
        """All parameters as JSON-able values, in the order of declaration."""
        return asdict(self)

    def _variants(self, given: "TextInput", seed: int) -> "list[TextInput]":
        rng = np.random.default_rng(seed)
        if isinstance(given, str):
            if self.part == "second":
                raise AssayError(
                    f'{NOUN.capitalize()} "{self.name}": part = "second" needs pairs of texts, and these are '
                    "single texts. Leave out `part`, or name the column of the second text."
                )
            return [variant for variant in dict.fromkeys(self.variants_of(given, rng)) if variant != given]
        first, second = given
        changed = self.variants_of(first if self.part == "first" else second, rng)
        pairs = [(each, second) if self.part == "first" else (first, each) for each in changed]
        return [pair for pair in dict.fromkeys(pairs) if pair != given]


@dataclass(frozen=True, kw_only=True)
class InvarianceTest(BehaviouralTest):
    """A test of changes to which the predicted label should stay as it is."""

    kind: ClassVar[Expectation] = "invariance"

    def failed(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Where another label is predicted."""
        return np.asarray(after.argmax(axis=1) != before.argmax())

    def badness(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The lead of the best other class over the label predicted before, in probability."""
        label = int(before.argmax())
        others = np.delete(after, label, axis=1)
        return np.asarray(others.max(axis=1, initial=0.0) - after[:, label])


@dataclass(frozen=True, kw_only=True)
class DirectionalTest(BehaviouralTest):
    """A test of changes after which the predicted label should be less (or more) probable.

    direction: the way in which the probability of the label predicted before should go.
    """

    kind: ClassVar[Expectation] = "directional"
    direction: ClassVar[Literal["down", "up"]]

    tolerance: float = field(
        default=0.01, metadata={"help": "a change of probability up to this counts as none"}
    )
    strict: bool = field(
        default=True, metadata={"help": "whether it is a failure, too, when the probability does not change"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_not_negative(self.name, "tolerance", self.tolerance, kind=NOUN)
        if self.tolerance >= 1:
            raise wrong(self.name, "tolerance", "a probability below 1", self.tolerance, kind=NOUN)

    def failed(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Where the probability moves the wrong way by more than ``tolerance``.

        ``strict``: also where it moves the right way by no more than that.
        """
        astray = self.badness(before, after)
        return np.asarray(astray >= -self.tolerance if self.strict else astray > self.tolerance)

    def badness(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """How far the probability of the label predicted before moves the wrong way."""
        label = int(before.argmax())
        moved = after[:, label] - before[label]
        return np.asarray(moved if self.direction == "down" else -moved)
