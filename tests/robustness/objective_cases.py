"""An example of every available objective, and what their tests share: a batch, its passes, its gradients."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attacks import plugins
from attacks.victims import Encoding
from robustness.classifier import Classifier
from robustness.judge import CountingVictim
from robustness.objectives import registry
from robustness.objectives.base import Objective, Step
from tests.robustness.tiny import tiny_dataset

EPSILON = 0.3

NEEDED = {"epsilon": EPSILON, "group": "gender"}

Batch = tuple[Encoding, Tensor]


PARAMETERS = {"r3f": {"sigma": EPSILON}}
"""Where the defaults are too small for one batch to show."""


def example(name: str, **params: Any) -> Objective:
    """The objective with its defaults, and epsilon or group where it needs one."""
    required = {p.name for p in plugins.parameters(registry.available()[name]) if p.required}
    needed = {key: value for key, value in NEEDED.items() if key in required}
    return registry.build(name, needed | PARAMETERS.get(name, {}) | params)


OBJECTIVES = [example(name) for name in registry.available()]
GROUPED = [objective for objective in OBJECTIVES if objective.strata(tiny_dataset(6)) is not None]
"""Those that train on groups."""


def names(objectives: list[Any]) -> list[str]:
    return [objective.name for objective in objectives]


def tiny_batch(classifier: Classifier) -> Batch:
    dataset = tiny_dataset(6)
    encoding = classifier.tokenize(dataset.inputs)
    assert not encoding.real.all()  # padding must be in play
    return encoding, torch.tensor(dataset.labels)


def gradients(classifier: Classifier) -> dict[str, Tensor]:
    return {
        name: parameter.grad.clone()
        for name, parameter in classifier.model.named_parameters()
        if parameter.grad is not None
    }


def taught(
    objective: Objective,
    classifier: Classifier,
    batch: Batch,
    radius: float,
    *,
    victim: Any = None,
    progress: float = 0.25,
    scale: float = 1.0,
    seed: int = 0,
    weights: Tensor | None = None,
) -> tuple[float, dict[str, Tensor]]:
    """The loss of one batch and the gradients that it leaves, with a memory as at the start."""
    classifier.model.zero_grad()
    strata = objective.strata(tiny_dataset(6))
    step = Step(
        radius,
        lambda loss: (scale * loss).backward(),
        progress,
        objective.memory(classifier, strata),
        weights=weights,
        strata=None if strata is None else torch.tensor(strata.codes),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        loss = objective.backward(classifier if victim is None else victim, *batch, step)
    assert not loss.requires_grad
    return float(loss), gradients(classifier)


def plain(classifier: Classifier, batch: Batch) -> tuple[float, dict[str, Tensor]]:
    """Cross-entropy through transformers alone, without our embedding hook."""
    encoding, y = batch
    classifier.model.zero_grad()
    loss = cross_entropy(classifier.model(**encoding.inputs).logits, y)
    loss.backward()
    return float(loss.detach()), gradients(classifier)


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-6, msg=name)


class Recorder(CountingVictim):
    """Keeps the embeddings and logits of every forward pass, and counts the backward passes through them."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__(classifier)
        self.seen: list[Tensor] = []
        self.answers: list[Tensor] = []
        self.backwards = 0

    def logits(self, encoding: Encoding, embeddings: Tensor) -> Tensor:
        self.seen.append(embeddings.detach().clone())
        logits = super().logits(encoding, embeddings)
        self.answers.append(logits.detach().clone())
        logits.register_hook(self._count)
        return logits

    def _count(self, gradient: Tensor) -> None:
        self.backwards += 1

    def moved(self, encoding: Encoding) -> list[Tensor]:
        """The perturbation (b, t, d) of every forward pass."""
        with torch.no_grad():
            clean = self.embed(encoding)
        return [embeddings - clean for embeddings in self.seen]
