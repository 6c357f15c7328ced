"""What every model that only answers has in common, and what an answer must be."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from attacks.errors import AssayError, nearest
from attacks.victims import TextInput

Advance = Callable[[int], None]
"""Called with the number of texts answered since the last call."""

SUM_TOLERANCE = 1e-3
"""How far the scores of one text may be from adding up to 1: room for rounding to 4 digits, no more."""


def ignore_progress(count: int) -> None:
    """An ``Advance`` that shows nothing."""


class AnsweringModel(Protocol):
    """A model that can be asked and nothing else: enough for black-box attacks and for fairness."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """k names; column j of every answer is label_names[j]."""
        ...

    @property
    def source(self) -> str:
        """Where the model came from, as the user named it, without credentials."""
        ...

    @property
    def scores(self) -> bool:
        """Whether it gives class scores; where it gives labels only, its answers are one-hot."""
        ...

    @property
    def num_parameters(self) -> int | None: ...

    def fingerprint(self) -> str:
        """SHA-256 (hex) of what decides an answer, as far as it can be known from here."""
        ...

    def predict_proba(self, texts: Sequence[TextInput], advance: Advance = ignore_progress) -> np.ndarray:
        """Class probabilities (n, k), float64; raises AssayError where an answer is none."""
        ...


@dataclass(frozen=True)
class Reordered:
    """A model whose columns are taken in another order. ``model`` is the model itself.

    columns: the model's own column for each of ``label_names``.
    """

    model: AnsweringModel
    label_names: tuple[str, ...]
    columns: tuple[int, ...]

    @property
    def source(self) -> str:
        return self.model.source

    @property
    def scores(self) -> bool:
        return self.model.scores

    @property
    def num_parameters(self) -> int | None:
        return self.model.num_parameters

    def fingerprint(self) -> str:
        return sha256(self.model.fingerprint(), self.label_names, self.columns)

    def predict_proba(self, texts: Sequence[TextInput], advance: Advance = ignore_progress) -> np.ndarray:
        return self.model.predict_proba(texts, advance)[:, list(self.columns)]


def with_labels(model: AnsweringModel, label_names: Sequence[str]) -> AnsweringModel:
    """The same model speaking of its labels in the order of the data's ``label_names``.

    Names are matched exactly. Raises AssayError for a data label that the model does not know, and for a
    model label that the data's names leave out.
    """
    own, wanted = model.label_names, tuple(label_names)
    for name in wanted:
        if name not in own:
            raise AssayError(
                f'{model.source}: the data has the label "{name}", which the model does not know; its labels '
                f"are {list(own)}.{nearest(name, own)} Map the data's labels to the model's with label_map "
                "in [data], or give the model's labels as the data has them."
            )
    if len(wanted) != len(own):
        raise AssayError(
            f"{model.source}: expected {len(wanted)} classes {list(wanted)}, got a model of {len(own)} "
            f"classes {list(own)}. If the data simply lacks a class, name all of them with labels = [...] in "
            "[data]."
        )
    if wanted == own:
        return model
    return Reordered(model, wanted, tuple(own.index(name) for name in wanted))


def check_label_names(names: Sequence[str], source: str) -> tuple[str, ...]:
    """``names`` as a tuple; raises AssayError unless they are two or more different texts."""
    if (
        isinstance(names, str)
        or len(names) < 2
        or len(set(names)) != len(names)
        or not all(isinstance(name, str) and name for name in names)
    ):
        raise AssayError(f"{source}: expected labels to be two or more different names, got {names!r:.200}.")
    return tuple(names)


def check_texts(texts: Sequence[TextInput], source: str) -> None:
    """Raises AssayError for anything that is neither a text nor a pair of texts, and for a single text."""
    if isinstance(texts, str):
        raise AssayError(f"{source}: expected a list of texts, got one text. Put it into a list.")
    for row, text in enumerate(texts):
        pair = isinstance(text, tuple) and len(text) == 2 and all(isinstance(part, str) for part in text)
        if not (isinstance(text, str) or pair):
            raise AssayError(
                f"{source}: expected text {row + 1} of {len(texts)} to be a text or a pair of texts, "
                f"got {text!r:.100}."
            )


def sha256(*parts: Any) -> str:
    """SHA-256 (hex) of JSON-able values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
