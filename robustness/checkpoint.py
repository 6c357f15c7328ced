"""The state of a training after each epoch, on disk, so that a killed training can go on."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from attacks.errors import AssayError

STATE, BEST = "state.pt", "best.safetensors"


class Checkpoint:
    """Model, optimiser, scaler and history in ``folder``; every file is replaced in one step.

    ``state.pt`` holds the last complete epoch and is read without unpickling code (``weights_only``);
    ``best.safetensors`` holds the weights to end with.

    model: what has the weights: the model, or the part of it that is trained.
    parts: what has a state besides the model, by name. identity: what makes this training the one that it is,
    JSON-able; the state of another training is refused, as is a damaged one: going on from either, or
    silently from the start, would hide that something is wrong.
    """

    def __init__(
        self, folder: Path, model: Any, parts: Mapping[str, Any], identity: Mapping[str, Any]
    ) -> None:
        self._folder = folder
        self._model = model
        self._parts = parts
        self._identity = json.dumps(identity, sort_keys=True)

    def restore(self) -> list[dict[str, Any]]:
        """Load the last complete epoch, if there is one, and return the history so far.

        Raises AssayError when the folder cannot be made, and for a state that is damaged or of another
        training; the model may then be half loaded.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        path = self._folder / STATE
        if not path.exists():
            return []
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            identity, history = json.loads(state["identity"]), json.loads(state["history"])
        except Exception as error:  # torch raises a different error for each kind of damage
            raise self._unreadable(path, error) from error
        self._require_same(identity)
        if not (self._folder / BEST).exists():
            raise self._unreadable(self._folder / BEST, FileNotFoundError("the file is missing"))
        try:
            self._model.load_state_dict(state["model"])
            for name, part in self._parts.items():
                part.load_state_dict(state[name])
        except (KeyError, ValueError, RuntimeError) as error:
            raise self._unreadable(path, error) from error
        return list(history)

    def save(self, history: list[dict[str, Any]], *, best: bool) -> None:
        """Keep this epoch; ``best`` also keeps its weights as the ones to end with.

        Raises AssayError when the folder cannot be written or its disk is full; the last state stays.
        """
        weights = self._model.state_dict()
        state = {name: part.state_dict() for name, part in self._parts.items()}
        state |= {"model": weights, "history": json.dumps(history), "identity": self._identity}
        try:
            # The best weights first: killed in between, the next start trains this epoch again, to the same
            # weights, and writes both.
            if best:
                save_file(_unshared(weights), self._folder / "best.tmp")
                os.replace(self._folder / "best.tmp", self._folder / BEST)  # noqa: PTH105
            torch.save(state, self._folder / "state.tmp")
            os.replace(self._folder / "state.tmp", self._folder / STATE)  # noqa: PTH105
        except (OSError, RuntimeError, SafetensorError) as error:
            raise self._unwritable(error) from error

    def load_best(self) -> None:
        """Put the best epoch's weights into the model; raises AssayError when their file is damaged."""
        path = self._folder / BEST
        try:
            self._model.load_state_dict(load_file(path))
        except (OSError, RuntimeError, SafetensorError) as error:
            raise self._unreadable(path, error) from error

    def kept(self, epochs: int) -> str:
        """A sentence that says what is on the disk after ``epochs`` epochs."""
        if epochs == 0:
            return "No epoch was complete yet, so there is no earlier state."
        return f"The last good state, after epoch {epochs}, is kept in {self._folder}."

    def _require_same(self, identity: dict[str, Any]) -> None:
        wanted = json.loads(self._identity)
        for key in sorted(wanted.keys() | identity.keys()):
            if wanted.get(key) != identity.get(key):
                raise AssayError(
                    f"{self._folder}: expected the state of this training, got that of another one: "
                    f"{key} was {identity.get(key)!r} and is now {wanted.get(key)!r}. "
                    "Undo the change to go on with it, or delete the folder to train from the start."
                )

    def _unreadable(self, path: Path, error: Exception) -> AssayError:
        return AssayError(
            f"{path}: expected the state of an interrupted training, but it cannot be read ({_line(error)}). "
            f"Delete the folder {self._folder} to train from the start."
        )

    def _unwritable(self, error: Exception) -> AssayError:
        return AssayError(
            f"{self._folder}: the state of the training could not be written ({_line(error)}). "
            "Free some space or make it writable, then start again: it goes on from the last epoch kept."
        )


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _unshared(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Contiguous tensors on the CPU, tied ones (which safetensors refuses to write) copied."""
    seen: set[int] = set()
    answer = {}
    for name, value in tensors.items():
        tensor = value.detach().contiguous().cpu()
        answer[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return answer
