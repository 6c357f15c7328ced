"""Fine-tuning in one visible loop: any objective, early stopping, the best epoch kept, resumable."""

import hashlib
import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from attacks.errors import AssayError
from robustness.batched import Advance, ignore_progress
from robustness.batching import shuffled
from robustness.checkpoint import Checkpoint
from robustness.classifier import Classifier
from robustness.data import TextDataset
from robustness.distributed import ALONE, Processes
from robustness.epochs import best, out_of_patience, predict, validated
from robustness.lora import Lora, adapt
from robustness.objectives.base import Objective, Step
from robustness.precision import Precision, mixed_precision
from robustness.randomness import seeded
from robustness.results import EpochRecord
from robustness.schedule import learning_rate_factor, rise
from robustness.tracking import Observer
from robustness.updates import Update, Updates

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainSettings:
    """Everything about a training but the objective; the defaults are those of BERT fine-tuning.

    ramp: share of all steps over which epsilon rises linearly to its full value, 0 for none; a fresh
        classification head collapses to one class when it meets the full adversary from the start.
    warmup: share of all steps over which the learning rate rises, before it falls linearly to 0.
    patience: stop after so many epochs without a better validation score; None trains all epochs.
    accumulate: parts that the examples of one update are computed in, one after the other: it saves memory,
        takes longer and leaves the update as it was, but for dropout and other random draws.
    lora: train adapters and the head instead of all weights.
    precision: ``auto`` is bf16 (or fp16) mixed precision on CUDA, bf16 on CPUs with matrix units (AMX), and
        fp32 elsewhere.
    """

    epochs: int = 3
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    warmup: float = 0.1
    max_grad_norm: float = 1.0
    ramp: float = 0.5
    patience: int | None = None
    precision: Precision = "auto"
    freeze_embeddings: bool = False
    lora: Lora | None = None
    seed: int = 0


@dataclass(frozen=True)
class TrainingOutcome:
    """collapsed: the kept model gives every validation example the same class, though they are not of one.

    trained_parameters: how many weights were trained; the others stayed as they were.
    """

    history: tuple[EpochRecord, ...]
    best_epoch: int
    collapsed: bool
    trained_parameters: int


def train(
    classifier: Classifier,
    training: TextDataset,
    validation: TextDataset,
    objective: Objective,
    settings: TrainSettings,
    folder: Path,
    advance: Advance = ignore_progress,
    *,
    weights: np.ndarray | None = None,
    observers: Sequence[Observer] = (),
    processes: Processes = ALONE,
) -> TrainingOutcome:
    """Train ``classifier`` in place and leave the best epoch's weights in it, as a plain model.

    training, validation: their labels are indices into ``classifier.label_names``.
    folder: where the state after each epoch is kept, so that a killed training goes on with the next epoch
        when it is called again with a classifier as it was at the start; the caller removes it when it has
        saved the model.
    weights: (n,) of the training examples' losses, with a mean of 1; None where all count alike, which is the
        same as weights of 1. Validation has none.
    advance: told of every batch, in examples. observers: told of updates and epochs.
    processes: all of them call this with the same arguments, on their own devices, and see the same folder.
        Each computes its share of every batch; the main one validates and writes. The updates are those of
        one process up to rounding, but for dropout and other random draws, which differ.
    Every epoch draws its order and its dropout from (seed, epoch), so a resumed training equals an
    undisturbed one; the global random state is left as it was.
    Raises ValueError for weights of another number or mean, below 0 or not finite. Raises AssayError for data
    without examples or without the groups that the objective needs, for a folder that cannot be written or
    holds a damaged state or that of another training, for a LoRA that the model cannot have, when a batch
    does not fit into memory, and when the loss, a gradient or a weight is NaN or infinite; the state of the
    last good epoch stays.
    """
    _check(classifier, training, validation)
    if weights is not None:
        weights = _checked(weights, len(training))
    strata = objective.strata(training)
    model, device = classifier.model, classifier.device
    autocast, scaler = mixed_precision(settings.precision, device)
    made_of = {
        **identity(classifier, training, validation, objective, settings, weights),
        "device": device.type,
        "processes": processes.count,
    }
    processes.require_same("the training", made_of)
    adapted = None if settings.lora is None else adapt(model, settings.lora, settings.seed, device)
    if adapted is None:
        model.get_input_embeddings().weight.requires_grad_(not settings.freeze_embeddings)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    trained = sum(parameter.numel() for parameter in parameters)
    optimizer = _optimizer(parameters, settings)
    memory = objective.memory(classifier, strata)
    optimizers = [optimizer, *objective.optimizers(memory)]
    further = [each for other in optimizers[1:] for group in other.param_groups for each in group["params"]]
    parts = {"optimizer": optimizer, "scaler": scaler, **({} if memory is None else {"memory": memory})}
    checkpoint = Checkpoint(folder, model if adapted is None else adapted, parts, made_of)
    history = [EpochRecord(**record) for record in checkpoint.restore()]
    processes.require_same(f"{folder}: the number of epochs kept", len(history))
    advance(len(history) * len(training))

    tokens = classifier.tokenize_all(training.inputs)
    lengths = [len(example) for example in tokens]
    y = torch.tensor(training.labels, device=device)
    w = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)
    codes = None if strata is None else torch.tensor(strata.codes, device=device)
    steps_per_epoch = math.ceil(len(training) / settings.batch_size)
    total_steps = settings.epochs * steps_per_epoch
    total = sum(parameter.numel() for parameter in model.parameters())
    log.info("%d of %d weights are trained", trained, total)
    for observer in observers:
        observer.started(len(history) * steps_per_epoch, len(history), trained, total)

    def tell(update: Update) -> None:
        for observer in observers:
            observer.updated(update)

    def backward(loss: Tensor, share: float) -> None:
        scaler.scale(loss * share).backward()  # type: ignore[no-untyped-call]

    for epoch in range(len(history) + 1, settings.epochs + 1):
        if out_of_patience(history, settings.patience):
            break
        started = time.perf_counter()
        updates = Updates(device, tell, checkpoint.kept(len(history)))
        strength = 0.0
        radius, budget = objective.radius(classifier), objective.epsilon_relative
        rng = np.random.default_rng([settings.seed, epoch])
        draws = (int(rng.integers(2**62)) + processes.rank) % 2**62
        with seeded(draws, device), _in_memory(settings), _diverging(updates):
            model.train()
            for number, batch in enumerate(shuffled(lengths, settings.batch_size, rng)):
                step = (epoch - 1) * steps_per_epoch + number
                strength = rise(step, settings.ramp * total_steps)
                rate = settings.learning_rate * learning_rate_factor(step, total_steps, settings.warmup)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                loss = torch.zeros((), device=device)
                for part, share in _parts(batch, settings.accumulate, processes):
                    encoding = classifier.collate([tokens[i] for i in part])
                    now = Step(
                        strength * radius,
                        partial(backward, share=share),
                        progress=step / total_steps,
                        memory=memory,
                        share=share,
                        weights=None if w is None else w[part],
                        strata=None if codes is None else codes[part],
                    )
                    with autocast():
                        loss += share * objective.backward(classifier, encoding, y[part], now)
                processes.add_up([*_gradients([*parameters, *further]), *objective.summed(memory), loss])
                for each in optimizers:
                    scaler.unscale_(each)
                norm = nn.utils.clip_grad_norm_(parameters, settings.max_grad_norm)
                updates.add(
                    step + 1,
                    loss,
                    None if scaler.is_enabled() else norm,  # the scaler skips what overflows
                    learning_rate=rate,
                    epsilon=None if budget is None else strength * budget,
                )
                for each in optimizers:
                    scaler.step(each)
                scaler.update()
                for each in optimizers:
                    each.zero_grad(set_to_none=True)
                objective.after_update(classifier, memory)
                advance(len(batch))
            updates.read()
            updates.require_finite(parameters, epoch * steps_per_epoch)
            model.eval()
        _agree_on(memory, processes)
        validate = partial(
            validated,
            classifier,
            validation,
            objective,
            settings.seed,
            epoch=epoch,
            loss=float(np.mean(updates.losses)),
            epsilon=None if budget is None else strength * budget,
            started=started,
        )
        history.append(processes.from_main(validate))
        log.info("epoch %d: %s", epoch, history[-1])
        if processes.is_main:
            checkpoint.save([asdict(each) for each in history], best=best(history) is history[-1])
        for observer in observers:
            observer.validated(epoch * steps_per_epoch, history[-1])

    processes.from_main(lambda: None)  # the best weights are written before anybody reads them
    checkpoint.load_best()
    if adapted is not None:
        adapted.merge()
    model.eval().requires_grad_(True)
    predicted = {
        outcome.prediction for outcome in processes.from_main(lambda: predict(classifier, validation))
    }
    collapsed = len(predicted) == 1 and len(set(validation.labels.tolist())) > 1
    return TrainingOutcome(tuple(history), best(history).epoch, collapsed, trained)


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
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """All that decides what a training ends with, as JSON-able values; ``classifier`` as at its start."""
    weighed = None if weights is None else np.ascontiguousarray(weights, dtype=np.float64)
    return {
        **asdict(settings),
        "objective": {"name": objective.name, **objective.params()},
        "train data": training.fingerprint,
        "validation data": validation.fingerprint,
        "model": classifier.fingerprint(),
        **({} if weighed is None else {"weights": hashlib.sha256(weighed.tobytes()).hexdigest()}),
    }


def _checked(weights: np.ndarray, n: int) -> np.ndarray | None:
    """The weights as float64 (n,); None where all are 1: then there is nothing to weigh."""
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (n,) or not np.isfinite(found).all() or (found < 0).any():
        raise ValueError(f"expected {n} finite weights of 0 or above, got {found!r}")
    if not np.isclose(found.mean(), 1):
        raise ValueError(f"expected weights with a mean of 1, got {found.mean()}")
    return None if (found == 1).all() else found


def _parts(batch: list[int], accumulate: int, processes: Processes) -> list[tuple[list[int], float]]:
    """This process's examples of one update in at most ``accumulate`` parts, each with its share of it all.

    Objectives take the mean over the examples that they are given; weighted by the shares, the parts of all
    processes add up to the mean over the batch. A process that gets no example computes one for nothing, so
    that it has the same gradients to add up as the others.
    """
    mine = processes.share(batch)
    if not mine:
        return [(batch[:1], 0.0)]
    cuts = np.array_split(np.array(mine), min(accumulate, len(mine)))
    return [(part.tolist(), len(part) / len(batch)) for part in cuts]


def _gradients(parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _agree_on(memory: Any, processes: Processes) -> None:
    """Every process goes on with the main one's memory, which a resumed training would have too."""
    if memory is not None and processes.count > 1:
        memory.load_state_dict(processes.from_main(lambda: _on_cpu(memory.state_dict())))


def _on_cpu(state: Any) -> Any:
    if isinstance(state, Tensor):
        return state.cpu()
    return {key: _on_cpu(each) for key, each in state.items()} if isinstance(state, dict) else state


@contextmanager
def _diverging(updates: Updates) -> Iterator[None]:
    """A loss that is NaN is told as such, and not as whatever it made an objective complain about."""
    try:
        yield
    except AssayError:
        updates.read()
        raise


@contextmanager
def _in_memory(settings: TrainSettings) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        size = math.ceil(settings.batch_size / settings.accumulate)
        raise AssayError(
            f"the accelerator has not enough memory to train on {size} examples at once. Raise accumulate "
            "(the same training, in smaller parts), lower max_length, or train on the CPU."
        ) from error


def _optimizer(parameters: Sequence[nn.Parameter], settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019); biases and normalisation weights (vectors) are not decayed."""
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
    )
