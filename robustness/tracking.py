"""What is told of a training while it runs: to TensorBoard, MLflow and Weights & Biases, where asked for.

Nothing here decides what a training ends with. A tracker's package is imported only when it is asked for.
"""

import importlib
import importlib.util
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attacks.errors import AssayError
from robustness.results import EpochRecord
from robustness.updates import Update

EVERY = 10
"""Updates between two points of a tracked curve."""

log = logging.getLogger(__name__)


class Observer:
    """Is told of a training; this one ignores it all. Steps are updates of the weights, from 1."""

    def started(self, step: int, epoch: int, trained: int, total: int) -> None:
        """``step`` updates and ``epoch`` epochs were done before; ``trained`` of ``total`` weights learn."""

    def updated(self, update: Update) -> None:
        """An update has been made."""

    def validated(self, step: int, record: EpochRecord) -> None:
        """An epoch has ended with update ``step``."""


@dataclass(frozen=True)
class Run:
    """What trackers know a training by.

    name: the candidate. key: the training's identity (hex), the same when it goes on after an interruption.
    folder: where they write. params: settings to show beside the curves, JSON-able.
    """

    name: str
    key: str
    folder: Path
    params: Mapping[str, Any]
    offline: bool


def require_usable(names: Sequence[str], *, offline: bool) -> None:
    """Raise AssayError for a tracker that is not installed, or that offline mode forbids."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise AssayError(
                f'log_to: "{name}" is not installed. Run: pip install "assay[{name}]", or leave it out.'
            )
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if "mlflow" in names and offline and not _is_local(uri):
        raise AssayError(
            f"log_to: MLFLOW_TRACKING_URI is {uri}, and offline mode forbids the network. "
            "Unset it to write into the run folder, or leave mlflow out."
        )


@contextmanager
def trackers(names: Sequence[str], run: Run) -> Iterator[list[Observer]]:
    """The observers of these names; they are closed at the end, as failed where an error ends the block."""
    opened = [_Guarded(name, KINDS[name](run)) for name in names]
    finished = False
    try:
        yield list(opened)
        finished = True
    finally:
        for each in opened:
            each.close(finished=finished)


class Tracker:
    """One kind of tracker. ``open`` comes first, then ``write`` with rising steps, then ``close``."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def open(self, step: int) -> None:
        """``step`` updates were done before: points after them will be written again."""
        raise NotImplementedError

    def write(self, values: Mapping[str, float], step: int) -> None:
        raise NotImplementedError

    def close(self, *, finished: bool) -> None:
        raise NotImplementedError


class TensorBoard(Tracker):
    """Event files in ``tensorboard/<candidate>``: ``tensorboard --logdir`` shows them."""

    _writer: Any = None

    def open(self, step: int) -> None:
        module: Any = importlib.import_module("torch.utils.tensorboard")
        folder = self.run.folder / "tensorboard" / self.run.name
        # It hides what an interrupted training, or another one, wrote from this step on.
        self._writer = module.SummaryWriter(log_dir=str(folder), purge_step=step + 1)
        if step == 0:
            for key, value in self.run.params.items():
                self._writer.add_text(key, str(value), 0)

    def write(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self, *, finished: bool) -> None:
        if self._writer is not None:
            self._writer.close()


class MLflow(Tracker):
    """A run of the experiment ``assay``, in ``mlflow/`` or where MLFLOW_TRACKING_URI says."""

    _client: Any = None
    _id = ""
    _last = 0

    def open(self, step: int) -> None:
        # Before the import, which reads it: assay sends nobody usage figures.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # A folder needs no server and no database; mlflow asks for this confirmation.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        mlflow: Any = importlib.import_module("mlflow")
        uri = os.environ.get("MLFLOW_TRACKING_URI") or (self.run.folder / "mlflow").absolute().as_uri()
        client = mlflow.MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name("assay")
        number = client.create_experiment("assay") if experiment is None else experiment.experiment_id
        query = f"tags.`assay.training` = '{self.run.key}'"
        known = [run for run in client.search_runs([number], query) if run.info.status != "FINISHED"]
        if known:
            self._id = known[0].info.run_id
            client.set_terminated(self._id, status="RUNNING")
            points = client.get_metric_history(self._id, "train/loss")
            self._last = max((point.step for point in points), default=0)
        else:
            tags = {"assay.training": self.run.key}
            self._id = client.create_run(number, run_name=self.run.name, tags=tags).info.run_id
            for key, value in self.run.params.items():
                client.log_param(self._id, key, value)
        self._client = client

    def write(self, values: Mapping[str, float], step: int) -> None:
        # What is trained again after an interruption has the same values, and is there already.
        if step < self._last or (step == self._last and "train/loss" in values):
            return
        entities: Any = importlib.import_module("mlflow.entities")
        now = int(time.time() * 1000)
        metrics = [entities.Metric(name, value, now, step) for name, value in values.items()]
        self._client.log_batch(self._id, metrics=metrics)

    def close(self, *, finished: bool) -> None:
        if self._client is not None:
            self._client.set_terminated(self._id, status="FINISHED" if finished else "FAILED")


class WandB(Tracker):
    """A run of the project ``assay``; offline it stays in ``wandb/`` until `wandb sync`."""

    _run: Any = None

    def open(self, step: int) -> None:
        wandb: Any = importlib.import_module("wandb")
        self.run.folder.mkdir(parents=True, exist_ok=True)
        # Without a mode of ours that of WANDB_MODE holds; an offline run cannot be looked up to go on with.
        how = {"mode": "offline"} if self.run.offline else {"resume": "allow"}
        self._run = wandb.init(
            project="assay",
            name=self.run.name,
            id=self.run.key[:16],
            dir=str(self.run.folder),
            config=dict(self.run.params),
            **how,
        )

    def write(self, values: Mapping[str, float], step: int) -> None:
        # It takes no step twice; what is trained again after an interruption has the same values.
        if step >= self._run.step:
            self._run.log(dict(values), step=step)

    def close(self, *, finished: bool) -> None:
        if self._run is not None:
            self._run.finish(exit_code=0 if finished else 1)


KINDS: dict[str, type[Tracker]] = {"tensorboard": TensorBoard, "mlflow": MLflow, "wandb": WandB}
"""By the name of the package that each needs."""


class _Guarded(Observer):
    """Tells a tracker of a training. One that fails at the start is an error; one that fails later is left
    out with a warning, since a full disk of a server must not end hours of training."""

    def __init__(self, name: str, tracker: Tracker) -> None:
        self._name, self._tracker = name, tracker
        self._broken = False

    def started(self, step: int, epoch: int, trained: int, total: int) -> None:
        try:
            self._tracker.open(step)
        except Exception as error:  # each package has errors of its own
            self._broken = True
            raise AssayError(
                f"log_to: {self._name} cannot be used ({_line(error)}). Repair that, or leave it out."
            ) from error

    def updated(self, update: Update) -> None:
        if (update.step - 1) % EVERY == 0:
            self._write(
                {
                    "train/loss": update.loss,
                    "train/learning_rate": update.learning_rate,
                    "train/epsilon": update.epsilon,
                },
                update.step,
            )

    def validated(self, step: int, record: EpochRecord) -> None:
        self._write(
            {
                "validation/accuracy": record.validation_accuracy,
                "validation/loss": record.validation_loss,
                "validation/accuracy_under_attack": record.validation_accuracy_under_attack,
                "epoch": float(record.epoch),
            },
            step,
        )

    def close(self, *, finished: bool) -> None:
        if not self._broken:
            self._try(lambda: self._tracker.close(finished=finished))

    def _write(self, values: Mapping[str, float | None], step: int) -> None:
        known = {name: value for name, value in values.items() if value is not None}
        if not self._broken:
            self._try(lambda: self._tracker.write(known, step))

    def _try(self, action: Any) -> None:
        try:
            action()
        except Exception as error:  # each package has errors of its own
            self._broken = True
            log.warning("%s is told no more of this training: %s", self._name, _line(error))


def _is_local(uri: str) -> bool:
    return "://" not in uri or uri.startswith(("file:", "sqlite:"))


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
