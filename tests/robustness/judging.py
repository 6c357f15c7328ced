"""What the tests of the judge share: a tiny classifier, and one whose answers are worked by hand."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robustness import evaluate
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.loading import load_classifier
from robustness.outcomes import MemoryStore, Outcome
from tests.robustness.tiny import tiny_dataset, tiny_folder

CPU = torch.device("cpu")


def undecided(tmp_path: Path) -> Classifier:
    """A random model whose bias is moved so that it gives either class to half of the tiny data."""
    classifier = load_classifier(str(tiny_folder(tmp_path, seed=3)), device=CPU)
    log_odds = np.log(classifier.predict_proba(tiny_dataset(64).inputs))
    with torch.no_grad():
        classifier.model.classifier.bias[1] -= float(np.median(log_odds[:, 1] - log_odds[:, 0]))
    return classifier


def clean_of(classifier: Classifier, dataset: TextDataset) -> list[Outcome]:
    return evaluate.predict(classifier, dataset, MemoryStore())


def half_right(classifier: Classifier, dataset: TextDataset) -> TextDataset:
    """The same texts, with labels that the model gets right at every other example."""
    predictions = np.array([outcome.prediction for outcome in clean_of(classifier, dataset)])
    return dataclasses.replace(
        dataset, labels=np.where(np.arange(len(dataset)) % 2 == 0, predictions, 1 - predictions)
    )


def untimed(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [dataclasses.replace(outcome, seconds=0.0) for outcome in outcomes]


# A model whose best attack is known: the logits are the sum over real tokens of a weighted first component.


class HandModel(nn.Module):
    """Word embeddings (2 components) and logits (0, s) with s the sum of the first components.

    Ids: 0 padding, 1 and 2 special, all of embedding 0; 3 is +1, 4 is -1, 5 is +0.25.
    """

    def __init__(self) -> None:
        super().__init__()
        rows = [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [0.25, 0.0]]
        self.words = nn.Embedding.from_pretrained(torch.tensor(rows), freeze=False)

    def get_input_embeddings(self) -> nn.Embedding:
        return self.words

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        score = (self.words(input_ids)[..., 0] * attention_mask).sum(dim=1)
        return type("Output", (), {"logits": torch.stack([torch.zeros_like(score), score], dim=1)})


class HandTokenizer:
    """Each letter of ``p``, ``n`` and ``s`` is a token (plus, minus, small), between two special ones."""

    pad_token_id = 0

    def __call__(
        self, texts: list[str], pairs: None, *, max_length: int = 100, **options: Any
    ) -> dict[str, Any]:
        letters = [[3 + "pns".index(letter) for letter in text][: max_length - 2] for text in texts]
        ids = [[1, *row, 2] for row in letters]
        return {
            "input_ids": ids,
            "attention_mask": [[1] * len(row) for row in ids],
            "special_tokens_mask": [[int(token in (1, 2)) for token in row] for row in ids],
        }


def by_hand(texts: Sequence[str], labels: Sequence[int]) -> tuple[Classifier, TextDataset]:
    n = len(texts)
    dataset = TextDataset(
        name="hand",
        ids=tuple(f"id{i}" for i in range(n)),
        texts=tuple(texts),
        text_pairs=None,
        labels=np.array(labels, dtype=np.int64),
        label_names=("minus", "plus"),
        groups={},
        splits=np.full(n, "test"),
    )
    classifier = Classifier(HandModel(), HandTokenizer(), ("minus", "plus"), (0, 1), CPU, 100, "hand")
    return classifier, dataset


# The scale is that of five rows of two: rms = sqrt((1 + 1 + 1/16) / 10).
RMS = ((1 + 1 + 0.25**2) / 10) ** 0.5


class LongHandTokenizer(HandTokenizer):
    def __call__(self, texts: list[str], pairs: None, **options: Any) -> dict[str, Any]:
        return super().__call__(texts, pairs, **{"max_length": 1000} | options)
