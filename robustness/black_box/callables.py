"""A Python function, or an object with ``predict_proba`` or ``predict``, as a model that answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.black_box.answers import BadAnswerError, are_labels, label_rows, plain, score_rows, shortened
from robustness.black_box.base import Advance, check_label_names, check_texts, ignore_progress, sha256
from robustness.black_box.imports import explained, import_object, source_files
from robustness.black_box.state import file_sha256, state_sha256, version_of

EXAMPLE = "An example."
"""Asked once, where nothing else tells what a function returns."""

WHAT = (
    "a function of a list of texts, or an object with predict_proba or predict (a scikit-learn pipeline, say)"
)


@dataclass(frozen=True)
class CallableModel:
    """A model that is a function of a list of texts, or of a list of pairs.

    ask: the function; folder: where the user's files are, to say in which line it failed.
    digest: the fingerprint, taken before the first question.
    """

    source: str
    label_names: tuple[str, ...]
    scores: bool
    digest: str
    folder: Path
    ask: Callable[[list[TextInput]], Any] = field(repr=False)
    batch_size: int = 64

    @property
    def num_parameters(self) -> int | None:
        """Not known."""
        return None

    def fingerprint(self) -> str:
        """SHA-256 of the code and of the object's state, as ``load_object`` and ``load_pipeline`` explain."""
        return self.digest

    def predict_proba(self, texts: Sequence[TextInput], advance: Advance = ignore_progress) -> np.ndarray:
        """Class probabilities (n, k), one-hot where there are labels only.

        Raises AssayError for what is no answer, and for an error inside the function, with its line.
        """
        check_texts(texts, self.source)
        rows = [np.zeros((0, len(self.label_names)))]
        for first in range(0, len(texts), self.batch_size):
            batch = list(texts[first : first + self.batch_size])
            rows.append(self._rows(_asked(self.ask, batch, self.source, self.folder), len(batch)))
            advance(len(batch))
        return np.concatenate(rows)

    def _rows(self, answers: Any, n: int) -> np.ndarray:
        read = score_rows if self.scores else label_rows
        try:
            return read(answers, n, self.label_names)
        except BadAnswerError as error:
            raise AssayError(f"{self.source}: {error}") from None


def load_object(
    source: str,
    *,
    base: Path,
    labels: Sequence[str] | None = None,
    batch_size: int = 64,
    example: TextInput = EXAMPLE,
) -> CallableModel:
    """The model that ``source``, ``package.module:name``, names.

    It may be a function that is given a list of texts (or of pairs) and returns an array or a table (n, k),
    a list of rows of scores, of ``{label: score}``, of lists of ``{"label": ..., "score": ...}``, or of
    labels; an object with ``predict_proba`` and ``classes_``, or with ``predict`` alone; or a class of these
    that needs no arguments.

    base: the folder of the config; see ``import_object``.
    labels: the names of the columns in their order, where the object has no ``classes_`` and its answers no
        names; where ``classes_`` are numbers, the names of these.
    example: asked once for its answer's form, where the object does not tell it.

    The fingerprint covers the source text of the module and of what it imports from ``base``, the object's
    state where it can be pickled, and the version of scikit-learn for its objects. It cannot know what a
    function reads elsewhere: files of weights, services, other installed packages.

    Raises AssayError as ``import_object`` does, for an object that is none of these, and where the labels
    are not known.
    """
    module, found = import_object(source, base)
    if isinstance(found, type):
        with explained(source, base):
            found = found()
    code = [file_sha256(file) for file in source_files(module)]
    # Before the first question: answering may change an object's state.
    decisive = [*code, state_sha256(found), version_of(found)]
    return model_of(found, source, base, decisive, labels=labels, batch_size=batch_size, example=example)


def model_of(
    found: Any,
    source: str,
    folder: Path,
    decisive: Sequence[str],
    *,
    labels: Sequence[str] | None,
    batch_size: int,
    example: TextInput = EXAMPLE,
) -> CallableModel:
    """``found`` as a model; ``decisive``: what its fingerprint is made of, beside its labels.

    Raises AssayError as ``load_object`` does.
    """
    if batch_size < 1:
        raise AssayError(f"{source}: expected batch_size to be 1 or more, got {batch_size}.")
    ways = [name for name in ("predict_proba", "__call__", "predict") if _has(found, name)]
    if not ways:
        raise AssayError(f"{source}: expected {WHAT}, got {found!r:.100}.")
    ask = getattr(found, ways[0])
    names = _class_names(found, labels, source)
    if names is not None and ways[0] != "__call__":
        scores = ways[0] == "predict_proba"
    else:
        answers = _asked(ask, [example], source, folder)
        scores = not (isinstance(answers, list) and are_labels(answers))
        names = names or _names_in(answers)
    if names is None:
        raise AssayError(
            f"{source}: its answers do not say which labels there are, in which order. Name them, in the "
            'order of the columns: labels = ["...", "..."].'
        )
    names = check_label_names(names, source)
    return CallableModel(source, names, scores, sha256(decisive, names, scores), folder, ask, batch_size)


def _has(found: Any, name: str) -> bool:
    return callable(getattr(found, name, None))


def _asked(ask: Callable[[list[TextInput]], Any], texts: list[TextInput], source: str, folder: Path) -> Any:
    with explained(source, folder):
        return plain(ask(texts))


def _class_names(found: Any, labels: Sequence[str] | None, source: str) -> tuple[str, ...] | None:
    """The names of the columns by ``classes_``, which ``labels`` may rename where they are numbers."""
    given = None if labels is None else check_label_names(labels, source)
    classes = plain(getattr(found, "classes_", None))
    if not isinstance(classes, list):
        return given
    own = tuple(str(each) for each in classes)
    if given is None or sorted(given) == sorted(own):
        return own
    if len(given) != len(own) or any(isinstance(each, str) for each in classes):
        raise AssayError(
            f"{source}: labels names {list(given)}, but its classes_ are {shortened(classes)}. Leave labels "
            "out, or name as many as there are, in the order of classes_."
        )
    return given


def _names_in(answers: Any) -> tuple[str, ...] | None:
    """The labels of the first answer, where it names them."""
    first = answers[0] if isinstance(answers, list) and answers else None
    if isinstance(first, dict) and first.keys() != {"label", "score"}:
        return tuple(str(name) for name in first)
    if (
        isinstance(first, list)
        and first
        and all(isinstance(each, dict) and "label" in each for each in first)
    ):
        return tuple(sorted(str(each["label"]) for each in first))
    return None
