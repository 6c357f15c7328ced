"""Fine-tuning in one visible loop: any objective, early stopping, the best epoch kept, resumable."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attacks.errors import AssayError
from robustness import evaluate
from robustness.batching import shuffled
from robustness.checkpoint import Checkpoint
from robustness.classifier import Classifier
from robustness.data import TextDataset
from robustness.evaluate import Advance, ignore_progress
from robustness.objectives.base import Objective
from robustness.outcomes import MemoryStore, Outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainSettings:
    """Everything about a training but the objective; the defaults are those of BERT fine-tuning.

    ramp: share of all steps over which epsilon rises linearly from 0 to its full value; a fresh
        classification head collapses to one class when it meets the full adversary from the start.
    warmup: share of all steps over which the learning rate rises, before it falls linearly to 0.
    patience: stop after so many epochs without a better validation score; None trains all epochs.
    precision: ``auto`` is bf16 (or fp16) mixed precision on CUDA and fp32 elsewhere.
    """

    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    warmup: float = 0.1
    max_grad_norm: float = 1.0
    ramp: float = 0.5
    patience: int | None = None
    precision: str = "auto"
    freeze_embeddings: bool = False
    seed: int = 0


@dataclass(frozen=True)
class EpochRecord:
    """One epoch. ``loss`` is the mean training loss of the objective.

    validation_accuracy, validation_loss: on clean text. validation_accuracy_under_attack: under the
    objective's own attack at its full budget; None for an objective without one.
    epsilon: the relative budget reached at the end of the epoch.
    """

    epoch: int
    loss: float
    validation_accuracy: float
    validation_loss: float
    validation_accuracy_under_attack: float | None
    epsilon: float | None
    seconds: float

    @property
    def score(self) -> float:
        """What the best epoch is chosen by: clean accuracy, averaged with that under attack if there is one."""
        attacked = self.validation_accuracy_under_attack
        return self.validation_accuracy if attacked is None else (self.validation_accuracy + attacked) / 2


@dataclass(frozen=True)
class TrainingOutcome:
    """collapsed: the kept model gives every validation example the same class."""

    history: tuple[EpochRecord, ...]
    best_epoch: int
    collapsed: bool


def train(
    classifier: Classifier,
    training: TextDataset,
    validation: TextDataset,
    objective: Objective,
    settings: TrainSettings,
    folder: Path,
    advance: Advance = ignore_progress,
) -> TrainingOutcome:
    """Train ``classifier`` in place and leave the best epoch's weights in it.

    folder: where the state after each epoch is kept, so that a killed training goes on with the next
        epoch; the caller removes it when it has saved the model.
    advance: told of every batch, in examples.
    Every epoch draws its order and its dropout from (seed, epoch), so a resumed training equals an
    undisturbed one; the global random state is left as it was.
    Raises AssayError when the loss is NaN or infinite; the state of the last good epoch stays.
    """
    model, device = classifier.model, classifier.device
    model.get_input_embeddings().weight.requires_grad_(not settings.freeze_embeddings)
    tokens = classifier.tokenize_all(training.inputs)
    lengths = [len(example) for example in tokens]
    y = torch.tensor(training.labels, device=device)
    steps_per_epoch = math.ceil(len(training) / settings.batch_size)
    total_steps = settings.epochs * steps_per_epoch

    optimizer = _optimizer(model, settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _learning_rate_factor(step, total_steps, settings.warmup)
    )
    autocast, scaler = _mixed_precision(settings.precision, device)
    checkpoint = Checkpoint(folder, model, optimizer, schedule, scaler)
    history = [EpochRecord(**record) for record in checkpoint.restore()]
    advance(len(history) * len(training))

    def backward(loss: torch.Tensor) -> None:
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    for epoch in range(len(history) + 1, settings.epochs + 1):
        if _out_of_patience(history, settings.patience):
            break
        started = time.perf_counter()
        losses, strength = [], 0.0
        radius = objective.radius(classifier)
        rng = np.random.default_rng([settings.seed, epoch])
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(int(rng.integers(2**62)))
            model.train()
            for number, batch in enumerate(shuffled(lengths, settings.batch_size, rng)):
                step = (epoch - 1) * steps_per_epoch + number
                strength = min(1.0, step / max(1.0, settings.ramp * total_steps))
                encoding = classifier.collate([tokens[i] for i in batch])
                with autocast():
                    loss = objective.backward(classifier, encoding, y[batch], strength * radius, backward)
                losses.append(_finite(float(loss), step, schedule.get_last_lr()[0]))
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
                scaler.step(optimizer)
                scaler.update()
                schedule.step()
                optimizer.zero_grad(set_to_none=True)
                advance(len(batch))
            model.eval()
        record = _validated(classifier, validation, objective, settings.seed)
        budget = objective.epsilon_relative
        history.append(
            replace(
                record,
                epoch=epoch,
                loss=float(np.mean(losses)),
                epsilon=None if budget is None else strength * budget,
                seconds=time.perf_counter() - started,
            )
        )
        log.info("epoch %d: %s", epoch, history[-1])
        checkpoint.save([asdict(each) for each in history], best=_best(history) is history[-1])

    checkpoint.load_best()
    model.eval().requires_grad_(True)
    predicted = {outcome.prediction for outcome in _predict(classifier, validation)}
    return TrainingOutcome(tuple(history), _best(history).epoch, collapsed=len(predicted) == 1)


def _optimizer(model: Any, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019); biases and normalisation weights (vectors) are not decayed."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
    )


def _learning_rate_factor(step: int, total: int, warmup: float) -> float:
    """Linear warm-up over ``warmup * total`` steps, then linear decay to 0 at ``total``."""
    rise = warmup * total
    return (step + 1) / rise if step + 1 < rise else max(0.0, (total - step) / max(1.0, total - rise))


def _mixed_precision(precision: str, device: torch.device) -> tuple[Callable[[], Any], torch.amp.GradScaler]:
    """The autocast context and the loss scaler (active for fp16 only)."""
    if precision == "auto":
        bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bf16" if bf16 else "fp16" if device.type == "cuda" else "fp32"
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)

    def autocast() -> Any:
        return torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32)

    return autocast, torch.amp.GradScaler(device.type, enabled=dtype is torch.float16)


def _finite(loss: float, step: int, learning_rate: float) -> float:
    if not math.isfinite(loss):
        raise AssayError(
            f"training diverged: the loss is {loss} at step {step + 1} (learning rate {learning_rate:.2g}). "
            "Try a lower learning_rate, a smaller epsilon, or a longer warmup or ramp."
        )
    return loss


def _predict(classifier: Classifier, dataset: TextDataset) -> list[Outcome]:
    return evaluate.predict(classifier, dataset, MemoryStore())


def _validated(
    classifier: Classifier, validation: TextDataset, objective: Objective, seed: int
) -> EpochRecord:
    """The validation half of an epoch's record."""
    clean = _predict(classifier, validation)
    attack = objective.attack()
    attacked = (
        None
        if attack is None
        else evaluate.attack(classifier, validation, clean, attack, MemoryStore(), seed=seed)
    )
    likelihood = [max(outcome.probabilities[outcome.label], 1e-12) for outcome in clean]
    return EpochRecord(
        epoch=0,
        loss=0.0,
        validation_accuracy=evaluate.accuracy(clean),
        validation_loss=float(-np.mean(np.log(likelihood))),
        validation_accuracy_under_attack=None if attacked is None else evaluate.accuracy(attacked),
        epsilon=None,
        seconds=0.0,
    )


def _best(history: list[EpochRecord]) -> EpochRecord:
    """The epoch of the highest score; of equal ones that with the lower validation loss."""
    return max(history, key=lambda record: (record.score, -record.validation_loss))


def _out_of_patience(history: list[EpochRecord], patience: int | None) -> bool:
    return patience is not None and bool(history) and len(history) - _best(history).epoch >= patience
