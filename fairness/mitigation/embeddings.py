"""Embeddings of a data set, computed once however many mitigations start from the same classifier."""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from robustness import heads
from robustness.classifier import Classifier
from robustness.dataset import TextDataset

_KNOWN: WeakKeyDictionary[Any, dict[tuple[str, str], np.ndarray]] = WeakKeyDictionary()
"""{model: {(fingerprint of the classifier, of the data): embeddings}}, for as long as the model is there."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """n examples as a head sees them. x: (n, h) embeddings. y: (n,) labels. groups: (n,) str."""

    x: np.ndarray
    y: np.ndarray
    groups: np.ndarray


def embedded(classifier: Classifier, dataset: TextDataset, groups: np.ndarray) -> Embedded:
    """The examples of ``dataset``; raises AssayError where the head of ``classifier`` is no linear layer."""
    return Embedded(embeddings_of(classifier, dataset), dataset.labels, groups)


def embeddings_of(classifier: Classifier, dataset: TextDataset) -> np.ndarray:
    """(n, h), read-only. A forward pass over thousands of texts takes longer than what is done with it, so
    what is known of the same weights and the same data is not computed again."""
    known = _KNOWN.setdefault(classifier.model, {})
    key = classifier.fingerprint(), dataset.fingerprint
    if key not in known:
        found = heads.embeddings(classifier, dataset.inputs)
        found.flags.writeable = False
        known[key] = found
    return known[key]
