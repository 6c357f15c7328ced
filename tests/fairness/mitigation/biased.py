"""Data with a planted disparity, and how to look at what a mitigation made of a model."""

from typing import Any

import numpy as np
from fairlearn.metrics import equalized_odds_difference

from robustness.dataset import TextDataset
from robustness.routed import Routed
from tests.robustness.tiny import BAD, GOOD


def biased(n: int, seed: int) -> TextDataset:
    """Texts with a word that tells the group (``film`` or ``music``) and words that hint at the label.

    Of ``film`` 65 % are positive, of ``music`` 35 %: who learns from it takes the group's word for a hint.
    """
    rng = np.random.default_rng(seed)
    film = rng.random(n) < 0.5
    labels = (rng.random(n) < np.where(film, 0.65, 0.35)).astype(np.int64)
    texts = []
    for is_film, label in zip(film, labels, strict=True):
        hint = GOOD if (rng.random() < 0.8) == bool(label) else BAD
        words = [str(word) for word in rng.choice(hint, size=2)]
        texts.append(" ".join(["film" if is_film else "music", *words]))
    return TextDataset(
        name="biased",
        ids=tuple(f"{seed}:{row}" for row in range(n)),
        texts=tuple(texts),
        text_pairs=None,
        labels=labels,
        label_names=("negative", "positive"),
        groups={"topic": np.where(film, "film", "music")},
        splits=np.full(n, "train"),
    )


def answers(model: Any, dataset: TextDataset) -> np.ndarray:
    """(n,) the predicted labels."""
    given = model.probabilities(dataset) if isinstance(model, Routed) else model.predict_proba(dataset.inputs)
    return np.asarray(given.argmax(axis=1))


def gap(model: Any, dataset: TextDataset) -> float:
    return float(
        equalized_odds_difference(
            dataset.labels, answers(model, dataset), sensitive_features=dataset.groups["topic"]
        )
    )
