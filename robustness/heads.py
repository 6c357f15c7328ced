"""The last linear layer of a classifier: its inputs, and the same classifier with another one in its place.

Whatever is linear in the embeddings of a text (a logistic regression, a threshold on the log-odds, a
temperature, a projection before any of them) is such a layer, so that a classifier changed this way is still
a model of transformers, with gradients from its answer down to its words.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.batching import halving
from robustness.classifier import Classifier
from robustness.tokens import Tokens


@dataclass(frozen=True, eq=False)
class Head:
    """A linear layer from embeddings (h,) to logits in the order of a classifier's ``label_names``.

    weight: (k, h) float64. bias: (k,) float64.
    """

    weight: np.ndarray
    bias: np.ndarray

    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        """(n, k) of embeddings (n, h)."""
        return np.asarray(embeddings @ self.weight.T + self.bias)

    def plus(self, offsets: np.ndarray) -> "Head":
        """The head with ``offsets`` (k,) added to its logits."""
        return replace(self, bias=self.bias + offsets)

    def after(self, matrix: np.ndarray, shift: np.ndarray) -> "Head":
        """The head that gives for x what this one gives for ``matrix @ x + shift``: (h, h) and (h,)."""
        return Head(self.weight @ matrix, self.bias + self.weight @ shift)


def last_linear(classifier: Classifier) -> str:
    """The name of the last linear layer with an output for each label, by which the logits are made.

    Raises AssayError where there is none that has a bias. That its output is the logits themselves is known
    only when it runs: see ``embeddings``.
    """
    k = len(classifier.label_names)
    names = [
        name
        for name, module in classifier.model.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == k and module.bias is not None
    ]
    if not names:
        raise AssayError(
            f"{classifier.source}: expected a classifier that ends in a linear layer with {k} outputs and a "
            f"bias, and {type(classifier.model).__name__} has none. Its head cannot be exchanged; use a "
            "mitigation that changes the training data."
        )
    return str(names[-1])


def head_of(classifier: Classifier) -> Head:
    """The head as it is; raises AssayError as ``last_linear`` does."""
    layer = classifier.model.get_submodule(last_linear(classifier))
    columns = list(classifier.columns)
    weight, bias = (each.detach().cpu().double().numpy()[columns] for each in (layer.weight, layer.bias))
    return Head(weight, bias)


def with_head(classifier: Classifier, head: Head) -> Classifier:
    """The same classifier with another head, in its dtype; everything before it is shared, not copied.

    Raises AssayError as ``last_linear`` does; ValueError for a head of another shape.
    """
    name = last_linear(classifier)
    model = _shallow(classifier.model)
    parent = model
    *path, last = name.split(".")
    for step in path:
        parent._modules[step] = _shallow(parent._modules[step])
        parent = parent._modules[step]
    before: nn.Linear = parent._modules[last]
    if head.weight.shape != before.weight.shape:
        raise ValueError(f"expected a head {tuple(before.weight.shape)}, got {head.weight.shape}")
    order = np.argsort(classifier.columns)
    layer = copy.deepcopy(before)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.weight[order]))
        layer.bias.copy_(torch.from_numpy(head.bias[order]))
    parent._modules[last] = layer
    return replace(classifier, model=model)


def embeddings(classifier: Classifier, texts: Sequence[TextInput]) -> np.ndarray:
    """What the head is given for each text: (n, h) float64.

    Raises AssayError as ``last_linear`` does, and where the output of that layer is not the logits.
    """
    layer = classifier.model.get_submodule(last_linear(classifier))
    found = np.zeros((len(texts), layer.in_features))
    tokens = classifier.tokenize_all(texts)
    seen: list[tuple[Tensor, Tensor]] = []

    def look(module: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        seen.append((inputs[0], output))

    def run(part: Sequence[Tokens]) -> list[np.ndarray]:
        seen.clear()
        with torch.inference_mode():
            logits = classifier.model(**classifier.collate(part).inputs).logits
        if len(seen) != 1 or seen[0][1].shape != logits.shape or not torch.equal(seen[0][1], logits):
            raise AssayError(
                f"{classifier.source}: expected the last linear layer of {type(classifier.model).__name__} "
                "to give the logits, and something comes after it. Its head cannot be exchanged; use a "
                "mitigation that changes the training data."
            )
        return list(seen[0][0].cpu().double().numpy())

    handle = layer.register_forward_hook(look)
    try:
        for batch in classifier.batches(tokens):
            found[batch] = halving(run, [tokens[i] for i in batch])
    finally:
        handle.remove()
    return found


def _shallow(module: Any) -> Any:
    """A module with the same submodules and weights, in a list of submodules and of hooks of its own."""
    twin = copy.copy(module)
    for listed in ("_modules", "_parameters", "_buffers", "_forward_hooks", "_forward_pre_hooks"):
        twin.__dict__[listed] = copy.copy(module.__dict__[listed])
    return twin
