"""LoRA (Hu et al. 2022): train small matrices beside the frozen ones, then merge them in.

The paper adapts the query and value projections; which ones here is peft's choice for the architecture.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attacks.errors import AssayError, nearest
from robustness.randomness import seeded


@dataclass(frozen=True)
class Lora:
    """W becomes W + alpha / r * B A, with A (r, inputs) and B (outputs, r) trained and W frozen.

    dropout: on the input of A. target_modules: the linear modules to adapt, by the end of their names
    (``query``, ``attention.output.dense``); None takes peft's own for the architecture, and all linear
    modules of the attention where it has none.
    """

    r: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    target_modules: tuple[str, ...] | None = None


def require_installed() -> None:
    """Raises AssayError where peft is missing."""
    if importlib.util.find_spec("peft") is None:
        raise AssayError('lora needs peft, which is not installed. Run: pip install "assay[lora]"')


def targets(model: Any, lora: Lora) -> list[str]:
    """The full names of the modules to adapt, in the order of the model.

    Raises AssayError for a name that no linear module of the encoder has, with those that there are.
    """
    head = _head(model)
    linear = [
        name
        for name, module in model.named_modules()
        if _is_linear(module) and name.split(".")[0] not in head
    ]
    if lora.target_modules is None:
        return _default_targets(model.config.model_type, linear)
    for target in lora.target_modules:
        if not any(_ends(name, target) for name in linear):
            ends = list(dict.fromkeys(name.split(".")[-1] for name in linear))
            raise AssayError(
                f'lora.target_modules: the model has no linear module "{target}".{nearest(target, ends)} '
                f"There are: {', '.join(ends)}."
            )
    return [name for name in linear if any(_ends(name, target) for target in lora.target_modules)]


class Adapted:
    """A model with adapters in it, which stays the same object; its state is what is trained."""

    def __init__(self, model: Any, peft_model: Any) -> None:
        self._model = model
        self._peft_model = peft_model

    def merge(self) -> None:
        """Leave the plain model, with the adapters and the head in its own weights."""
        # safe_merge: a merged weight that is not finite is an error.
        self._peft_model.merge_and_unload(safe_merge=True)

    def state_dict(self) -> dict[str, Tensor]:
        return dict(self._trained())

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        trained = self._trained()
        if state.keys() != trained.keys():
            raise RuntimeError("the state is that of other adapters")
        with torch.no_grad():
            for name, parameter in trained.items():
                parameter.copy_(state[name])

    def _trained(self) -> dict[str, nn.Parameter]:
        return {name: each for name, each in self._model.named_parameters() if each.requires_grad}


def adapt(model: Any, lora: Lora, seed: int, device: torch.device) -> Adapted:
    """Put adapters into ``model``, drawn from ``seed``, and freeze everything but them and the head.

    The head is all that lies outside the encoder, as peft has it for sequence classification.
    Raises AssayError as ``require_installed`` and ``targets`` do.
    """
    require_installed()
    peft: Any = importlib.import_module("peft")
    config = peft.LoraConfig(
        task_type=peft.TaskType.SEQ_CLS,
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets(model, lora),
        modules_to_save=_head(model),
    )
    with seeded(seed, device):
        return Adapted(model, peft.get_peft_model(model, config))


def _head(model: Any) -> list[str]:
    """The modules with weights outside the encoder."""
    return [
        name
        for name, module in model.named_children()
        if name != model.base_model_prefix and any(True for _ in module.parameters())
    ]


def _default_targets(model_type: str, linear: list[str]) -> list[str]:
    mapping: Any = importlib.import_module("peft.utils").TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
    known = mapping.get(model_type, [])
    chosen = [name for name in linear if any(_ends(name, target) for target in known)]
    attention = [name for name in linear if "attention" in name or "attn" in name]
    return chosen or attention or linear


def _is_linear(module: nn.Module) -> bool:
    # Conv1D is the linear module of GPT-2, which stores its weight transposed.
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def _ends(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")
