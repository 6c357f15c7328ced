"""Temperature scaling: how over-confident a classifier is, and the same classifier with honest confidence."""

from dataclasses import dataclass, fields

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from torch import Tensor

from attacks.victims import Encoding
from robustness.classifier import Classifier

LIMIT = 1e6
"""Temperatures are looked for between 1 / LIMIT and LIMIT."""


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature by which logits (n, k) must be divided to be likeliest (Guo et al. 2017, section 4.2).

    labels: (n,) true classes. Above 1 the model is over-confident. The likelihood has one maximum in the
    inverse temperature, which is found by Brent's method.

    Departure: each example counts as n + 1 of its own class and 1 of the others, of n + 2 (Platt 1999,
    section 2.2). Otherwise a model that is right on all n examples would be likeliest at temperature 0.
    """
    n, k = logits.shape
    if not np.ptp(logits, axis=1).any():
        return 1.0
    targets = np.full((n, k), 1 / (n + 2) / (k - 1))
    targets[np.arange(n), labels] = (n + 1) / (n + 2)

    def negative_log_likelihood(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float((targets * scaled).sum(axis=1).mean())

    end = np.log(LIMIT)
    found = minimize_scalar(
        negative_log_likelihood, bounds=(-end, end), method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))


@dataclass
class Tempered(Classifier):
    """A classifier with its logits divided by ``temperature``: its predictions are the same."""

    temperature: float = 1.0

    @classmethod
    def of(cls, classifier: Classifier, temperature: float) -> "Tempered":
        given = {field.name: getattr(classifier, field.name) for field in fields(Classifier)}
        return cls(**given, temperature=temperature)

    def _forward(self, encoding: Encoding) -> Tensor:
        return super()._forward(encoding) / self.temperature
