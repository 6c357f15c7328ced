"""A model that treats two groups differently, and the data it was made on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fairness.mitigation.base import ModelMitigation
from fairness.mitigation.heads import head_from
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import embeddings, with_head
from robustness.loading import load_classifier
from tests.fairness.mitigation.biased import biased
from tests.robustness.judging import CPU
from tests.robustness.tiny import tiny_folder


@pytest.fixture(scope="module")
def training() -> TextDataset:
    return biased(800, 1)


@pytest.fixture(scope="module")
def validation() -> TextDataset:
    return biased(500, 2)


@pytest.fixture(scope="module")
def test_data() -> TextDataset:
    return biased(800, 3)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory, training: TextDataset) -> Classifier:
    """A random encoder whose head was fitted to the biased data."""
    folder = tiny_folder(tmp_path_factory.mktemp("biased"), seed=5)
    random = load_classifier(str(folder), device=CPU, max_length=16)
    regression = LogisticRegression(max_iter=1000).fit(embeddings(random, training.inputs), training.labels)
    return with_head(random, head_from(regression, 2))


@pytest.fixture(scope="module")
def x(classifier: Classifier, training: TextDataset) -> np.ndarray:
    return embeddings(classifier, training.inputs)


@pytest.fixture(scope="module")
def made(
    classifier: Classifier, training: TextDataset, validation: TextDataset
) -> Callable[[ModelMitigation], Any]:
    """What a method makes of the classifier; made once."""
    known: dict[str, Any] = {}

    def make(method: ModelMitigation) -> Any:
        if method.name not in known:
            known[method.name] = method.apply(classifier, training, validation, 7)
        return known[method.name]

    return make
