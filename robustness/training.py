"""Fine-tuning in one visible loop: any objective, early stopping, the best epoch kept, resumable."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from attacks.errors import AssayError, nearest
from robustness import evaluate
from robustness.batching import shuffled
from robustness.checkpoint import Checkpoint
from robustness.classifier import Classifier
from robustness.data import TextDataset
from robustness.evaluate import Advance, ignore_progress
from robustness.objectives.base import Objective
from robustness.outcomes import MemoryStore, Outcome
from robustness.results import EpochRecord

Precision = Literal["auto", "fp32", "bf16", "fp16"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainSettings:
    """Everything about a training but the objective; the defaults are those of BERT fine-tuning.

    ramp: share of all steps over which epsilon rises linearly to its full value, 0 for none; a fresh
        classification head collapses to one class when it meets the full adversary from the start.
    warmup: share of all steps over which the learning rate rises, before it falls linearly to 0.
    patience: stop after so many epochs without a better validation score; None trains all epochs.
    precision: ``auto`` is bf16 (or fp16) mixed precision on CUDA, bf16 on CPUs with matrix units (AMX), and
        fp32 elsewhere.
    """

    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    warmup: float = 0.1
    max_grad_norm: float = 1.0
    ramp: float = 0.5
    patience: int | None = None
    precision: Precision = "auto"
    freeze_embeddings: bool = False
    seed: int = 0


@dataclass(frozen=True)
class TrainingOutcome:
    """collapsed: the kept model gives every validation example the same class, though they are not of one."""

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

    training, validation: their labels are indices into ``classifier.label_names``.
    folder: where the state after each epoch is kept, so that a killed training goes on with the next epoch
        when it is called again with a classifier as it was at the start; the caller removes it when it has
        saved the model.
    advance: told of every batch, in examples.
    Every epoch draws its order and its dropout from (seed, epoch), so a resumed training equals an
    undisturbed one; the global random state is left as it was.
    Raises AssayError for data without examples, for a folder that cannot be written or holds a damaged state
    or that of another training, when a batch does not fit into memory, and when the loss is NaN or infinite;
    the state of the last good epoch stays.
    """
    _check(classifier, training, validation)
    model, device = classifier.model, classifier.device
    autocast, scaler = _mixed_precision(settings.precision, device)
    model.get_input_embeddings().weight.requires_grad_(not settings.freeze_embeddings)
    optimizer = _optimizer(model, settings)
    made_of = {**identity(classifier, training, validation, objective, settings), "device": device.type}
    checkpoint = Checkpoint(folder, model, {"optimizer": optimizer, "scaler": scaler}, made_of)
    history = [EpochRecord(**record) for record in checkpoint.restore()]
    advance(len(history) * len(training))

    tokens = classifier.tokenize_all(training.inputs)
    lengths = [len(example) for example in tokens]
    y = torch.tensor(training.labels, device=device)
    steps_per_epoch = math.ceil(len(training) / settings.batch_size)
    total_steps = settings.epochs * steps_per_epoch

    def backward(loss: torch.Tensor) -> None:
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    for epoch in range(len(history) + 1, settings.epochs + 1):
        if _out_of_patience(history, settings.patience):
            break
        started = time.perf_counter()
        losses, strength = [], 0.0
        radius = objective.radius(classifier)
        rng = np.random.default_rng([settings.seed, epoch])
        with _seeded(int(rng.integers(2**62)), device), _in_memory(settings.batch_size):
            model.train()
            for number, batch in enumerate(shuffled(lengths, settings.batch_size, rng)):
                step = (epoch - 1) * steps_per_epoch + number
                strength = _rise(step, settings.ramp * total_steps)
                rate = settings.learning_rate * _learning_rate_factor(step, total_steps, settings.warmup)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                encoding = classifier.collate([tokens[i] for i in batch])
                with autocast():
                    loss = objective.backward(classifier, encoding, y[batch], strength * radius, backward)
                losses.append(_finite(float(loss), step, rate))
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
                scaler.step(optimizer)
                scaler.update()
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
    collapsed = len(predicted) == 1 and len(set(validation.labels.tolist())) > 1
    return TrainingOutcome(tuple(history), _best(history).epoch, collapsed)


def _check(classifier: Classifier, training: TextDataset, validation: TextDataset) -> None:
    for name, dataset in (("train", training), ("validation", validation)):
        if not len(dataset):
            raise AssayError(
                f"{dataset.name}: the {name} split has no examples; training needs at least one there. "
                "Give more data, or a larger share of it to this split."
            )
        if dataset.label_names != classifier.label_names:
            raise ValueError(
                f"expected labels in the order {classifier.label_names}, got {dataset.label_names}"
            )


def identity(
    classifier: Classifier,
    training: TextDataset,
    validation: TextDataset,
    objective: Objective,
    settings: TrainSettings,
) -> dict[str, Any]:
    """All that decides what a training ends with, as JSON-able values; ``classifier`` as at its start."""
    return {
        **asdict(settings),
        "objective": {"name": objective.name, **objective.params()},
        "train data": training.fingerprint,
        "validation data": validation.fingerprint,
        "model": classifier.fingerprint(),
    }


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """torch's generators of the CPU and of ``device`` start from ``seed``, and are put back afterwards."""
    # torch.manual_seed would seed every accelerator of the machine and leave the others changed.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            state = torch.mps.get_rng_state()
            torch.mps.manual_seed(seed)
        try:
            yield
        finally:
            if device.type == "mps":
                torch.mps.set_rng_state(state)


@contextmanager
def _in_memory(batch_size: int) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise AssayError(
            f"the accelerator has not enough memory to train on batches of {batch_size} examples. "
            "Lower batch_size or max_length, or train on the CPU."
        ) from error


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


def _rise(step: int, steps: float) -> float:
    """Rises linearly to 1 in ``steps`` steps, of which ``step`` = 0 is the first; 1 from there on."""
    return min(1.0, (step + 1) / steps) if steps > 0 else 1.0


def _learning_rate_factor(step: int, total: int, warmup: float) -> float:
    """Linear warm-up over ``warmup * total`` steps, then linear decay to 0 at ``total``; at most 1."""
    left = 1 - warmup
    return min(_rise(step, warmup * total), (total - step) / (left * total) if left > 0 else 1.0)


def _mixed_precision(
    precision: Precision, device: torch.device
) -> tuple[Callable[[], Any], torch.amp.GradScaler]:
    """The autocast context and the loss scaler (active for fp16 only)."""
    known = get_args(Precision)
    if precision not in known:
        raise AssayError(
            f'Expected precision to be one of {", ".join(known)}, got "{precision}".'
            f"{nearest(precision, known)}"
        )
    if precision == "auto":
        precision = _fastest_precision(device)
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]

    def autocast() -> Any:
        return torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32)

    return autocast, torch.amp.GradScaler(device.type, enabled=dtype is torch.float16)


def _fastest_precision(device: torch.device) -> Precision:
    """Mixed precision where the hardware multiplies it several times faster than fp32."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    # The matrix units (AMX) of recent server CPUs; older releases of torch cannot tell.
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16" if device.type == "cpu" and capabilities.get("amx_bf16") else "fp32"


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
