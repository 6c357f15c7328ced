"""The state of a training after each epoch, on disk, so that a killed training can go on."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file


class Checkpoint:
    """Model, optimiser, schedule and history in ``folder``; every file replaced in one step.

    ``state.pt`` names the last complete epoch. It is written by this class only and read without
    unpickling code (``weights_only``).
    """

    def __init__(self, folder: Path, model: Any, optimizer: Any, schedule: Any, scaler: Any) -> None:
        self._folder = folder
        self._model = model
        self._rest = {"optimizer": optimizer, "schedule": schedule, "scaler": scaler}

    def restore(self) -> list[dict[str, Any]]:
        """Load the last complete epoch, if there is one, and return the history so far."""
        path = self._folder / "state.pt"
        if not path.exists():
            return []
        state = torch.load(path, map_location="cpu", weights_only=True)
        self._model.load_state_dict(state["model"])
        for name, part in self._rest.items():
            part.load_state_dict(state[name])
        history: list[dict[str, Any]] = json.loads(state["history"])
        return history

    def save(self, history: list[dict[str, Any]], *, best: bool) -> None:
        """Keep this epoch; ``best`` also keeps its weights as the ones to end with."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if best:
            tensors = {name: value.contiguous().cpu() for name, value in self._model.state_dict().items()}
            save_file(_unshared(tensors), self._folder / "best.tmp")
            os.replace(self._folder / "best.tmp", self._folder / "best.safetensors")  # noqa: PTH105
        state = {name: part.state_dict() for name, part in self._rest.items()}
        state |= {"model": self._model.state_dict(), "history": json.dumps(history)}
        torch.save(state, self._folder / "state.tmp")
        os.replace(self._folder / "state.tmp", self._folder / "state.pt")  # noqa: PTH105

    def load_best(self) -> None:
        """Put the best epoch's weights into the model."""
        self._model.load_state_dict(load_file(self._folder / "best.safetensors"))


def _unshared(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies of tensors that share memory (tied weights), which safetensors refuses to write."""
    seen: set[int] = set()
    answer = {}
    for name, tensor in tensors.items():
        answer[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return answer
