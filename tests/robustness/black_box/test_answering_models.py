"""What all models that only answer share: labels in the data's order, proper texts, proper names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.black_box.base import Advance, check_label_names, ignore_progress, with_labels


@dataclass(frozen=True)
class Fixed:
    """Answers the same to everything."""

    label_names: tuple[str, ...] = ("a", "b", "neutral")
    source: str = "fixed"
    scores: bool = True
    num_parameters: int | None = 7

    def fingerprint(self) -> str:
        return "f" * 64

    def predict_proba(self, texts: Sequence[TextInput], advance: Advance = ignore_progress) -> np.ndarray:
        advance(len(texts))
        return np.tile([0.1, 0.2, 0.7], (len(texts), 1))


def test_columns_follow_the_names_of_the_data() -> None:
    model = with_labels(Fixed(), ["neutral", "a", "b"])
    told: list[int] = []
    assert model.predict_proba(["x", "y"], told.append).tolist() == [[0.7, 0.1, 0.2]] * 2
    assert model.label_names == ("neutral", "a", "b")
    assert (model.source, model.scores, model.num_parameters, told) == ("fixed", True, 7, [2])
    assert model.fingerprint() != Fixed().fingerprint()
    assert model.predict_proba([]).shape == (0, 3)


def test_a_model_in_the_right_order_stays_as_it_is() -> None:
    model = Fixed()
    assert with_labels(model, ("a", "b", "neutral")) is model


def test_order_can_be_changed_twice() -> None:
    there_and_back = with_labels(with_labels(Fixed(), ["neutral", "a", "b"]), ["a", "b", "neutral"])
    assert there_and_back.predict_proba(["x"]).tolist() == [[0.1, 0.2, 0.7]]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", "neutrl"], r'label "neutrl".*does not know.*Did you mean "neutral"'),
        (["a", "b"], r"expected 2 classes.*got a model of 3 classes.*labels = \[\.\.\.\]"),
    ],
)
def test_labels_that_do_not_fit_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(AssayError, match=message):
        with_labels(Fixed(), names)


@pytest.mark.parametrize("names", [[], ["a"], ["a", "a"], ["a", ""], "ab", ["a", 1]])
def test_label_names_are_two_or_more_different_texts(names: list[str]) -> None:
    with pytest.raises(AssayError, match="two or more different names"):
        check_label_names(names, "here")
