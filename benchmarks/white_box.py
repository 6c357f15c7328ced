"""What white-box attacks and adversarial objectives cost beyond the passes that they cannot do without.

    python -m benchmarks.white_box [--size minilm|bert-base] [--device auto] [--precision fp32] [--json]

Everything is a ratio of times in one process, on the same batches of random texts of 8 to 64 words:

- fgsm_over_floor, pgd10_over_floor: an attack as an audit runs it, judged and all, over its floor: the
  forward and backward passes that it needs at least, and one forward pass to judge.
- foolbox_over_ours: Foolbox's L-infinity PGD with 10 steps, as its users call it, over ours, judged and all.
- train_fgm, train_pgd3, train_freelb3: a training step, clipping and update included, over one of standard.
- attack_memory: memory of a PGD step over that of one training forward and backward pass: the peak on a GPU,
  elsewhere what autograd saves for the backward pass.

Rounds of all tasks alternate, and a ratio is the median of the rounds' ratios: what else the machine does
falls on both sides. On a GPU examples per second, and the share of the card's bf16 matrix rate that a PGD
step reaches, are printed too. Weights are random, and so are the texts: speed depends on neither.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import foolbox
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from attacks import registry as attack_registry
from attacks.base import Attack
from attacks.embedding.fgsm import FGSM
from attacks.embedding.pgd import PGD
from attacks.goals import Goal
from attacks.victims import Encoding
from benchmarks.synthetic import SIZES, classifier_of, dataset_of
from robustness import evaluate
from robustness.classifier import Classifier
from robustness.device import describe_device, resolve_device
from robustness.objectives import registry
from robustness.objectives.base import Objective, Step
from robustness.outcomes import MemoryStore, Outcome

EPSILON = 0.05
OBJECTIVES: dict[str, tuple[str, dict[str, float]]] = {
    "standard": ("standard", {}),
    "train_fgm": ("fgm", {"epsilon": EPSILON}),
    "train_pgd3": ("pgd", {"epsilon": EPSILON, "steps": 3}),
    "train_freelb3": ("freelb", {"steps": 3}),
}

RATED: dict[str, dict[str, float]] = {
    **{name: {"epsilon": EPSILON} for name in ("fgsm", "fgm", "mi-fgsm", "pgd", "apgd", "auto")},
    "fmn": {},
    "hotflip": {},
}

Task = Callable[[], object]


class FromEmbeddings(nn.Module):
    """What Foolbox attacks: logits as a function of a batch's embeddings; tokens that may not move do not."""

    def __init__(self, classifier: Classifier, encoding: Encoding, clean: Tensor, mask: Tensor) -> None:
        super().__init__()
        self.model, self.classifier = classifier.model, classifier
        self.encoding, self.clean, self.mask = encoding, clean, mask[..., None]

    def forward(self, embeddings: Tensor) -> Tensor:
        moved = torch.where(self.mask, embeddings, self.clean)
        return self.classifier.logits(self.encoding, moved)


class Bench:
    """One classifier, one data set, and the batches that every task uses."""

    def __init__(self, size: str, n: int, device: torch.device, precision: str) -> None:
        self.classifier = classifier_of(size, device)
        if precision == "bf16":
            self.classifier.model.bfloat16()
        self.dataset = dataset_of(n, self.classifier.tokenizer)
        self.clean = [
            Outcome(example_id=i, label=int(y), prediction=int(y), probabilities=(0.5, 0.5))
            for i, y in zip(self.dataset.ids, self.dataset.labels, strict=True)
        ]
        tokens = self.classifier.tokenize_all(self.dataset.inputs)
        self.batches = [
            (
                self.classifier.collate([tokens[i] for i in batch]),
                torch.tensor(self.dataset.labels[batch], device=device),
            )
            for batch in self.classifier.batches(tokens)
        ]

    def judged(self, attack: Attack) -> None:
        """The whole of what an audit does: tokenise, attack every example, check the budget, judge, keep."""
        evaluate.attack(self.classifier, self.dataset, self.clean, attack, MemoryStore(), seed=0)

    def floor(self, steps: int) -> None:
        """The passes alone: ``steps`` forward and backward to the embeddings, and one forward."""
        for encoding, y in self.batches:
            with torch.no_grad():
                embeddings = self.classifier.embed(encoding)
            for _ in range(steps):
                with torch.enable_grad():
                    leaf = embeddings.detach().requires_grad_()
                    loss = cross_entropy(self.classifier.logits(encoding, leaf), y, reduction="sum")
                    torch.autograd.grad(loss, leaf)
            with torch.inference_mode():
                self.classifier.logits(encoding, embeddings).cpu()

    def foolbox(self, steps: int) -> None:
        """Foolbox's PGD, as its users call it, on the same batches."""
        attack = PGD(epsilon=EPSILON, steps=steps)
        radius = attack.radius(self.classifier.embedding_scale)
        theirs = foolbox.attacks.LinfPGD(rel_stepsize=attack.step_size, steps=steps, random_start=False)
        for encoding, y in self.batches:
            with torch.no_grad():
                clean = self.classifier.embed(encoding)
            module = FromEmbeddings(self.classifier, encoding, clean, attack.perturbable(encoding)).eval()
            model = foolbox.PyTorchModel(module, bounds=(-100, 100), device=self.classifier.device)
            theirs(model, clean, y, epsilons=[radius])

    def training(self, objective: Objective) -> Task:
        """One epoch of updates under ``objective``, without validation or saving."""
        model = self.classifier.model
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)
        radius = objective.radius(self.classifier)

        def backward(loss: Tensor) -> None:
            loss.backward()  # type: ignore[no-untyped-call]

        def epoch() -> None:
            model.train()
            for encoding, y in self.batches:
                objective.backward(self.classifier, encoding, y, Step(radius, backward))
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            model.eval()

        return epoch


def alternating(tasks: dict[str, Task], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of each task in each of ``rounds`` rounds, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds + 1):
        for name, task in tasks.items():
            _wait(device)
            started = time.perf_counter()
            task()
            _wait(device)
            if number:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(seconds: dict[str, list[float]], over: str, under: str) -> float:
    return median(a / b for a, b in zip(seconds[over], seconds[under], strict=True))


def memory_of(task: Task, device: torch.device) -> int:
    """Bytes: the peak on a GPU; elsewhere what autograd saves for the backward pass, weights left out."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        task()
        return torch.cuda.max_memory_allocated(device) - before
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter) and not (tensor.requires_grad and tensor.is_leaf):
            storage = tensor.untyped_storage()
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        task()
    return sum(sizes.values())


def attack_memory(bench: Bench, device: torch.device) -> float:
    """An attack's step over a training step's forward and backward, on the largest batch."""
    encoding, y = max(bench.batches, key=lambda batch: batch[0].real.numel())
    classifier, attack = bench.classifier, PGD(epsilon=EPSILON, steps=1)
    with torch.no_grad():
        embeddings = classifier.embed(encoding)

    def step() -> None:
        attack.perturb(classifier, encoding, embeddings, Goal(y), [0] * len(y))

    def training() -> None:
        cross_entropy(classifier.logits(encoding, classifier.embed(encoding)), y).backward()  # type: ignore[no-untyped-call]
        classifier.model.zero_grad(set_to_none=True)

    return memory_of(step, device) / memory_of(training, device)


def share_of_peak(bench: Bench, device: torch.device) -> dict[str, float]:
    """What a PGD step does of the card's bf16 matrix rate, both measured here, in TFLOP/s."""
    from torch.utils.flop_counter import FlopCounterMode

    side = 8192
    square = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    peak = alternating({"matmul": lambda: [square @ square for _ in range(20)]}, 3, device)
    rate = 20 * 2 * side**3 / min(peak["matmul"])
    attack = PGD(epsilon=EPSILON, steps=1)

    def steps() -> None:
        for encoding, y in bench.batches:
            with torch.no_grad():
                embeddings = bench.classifier.embed(encoding)
            attack.perturb(bench.classifier, encoding, embeddings, Goal(y), [0] * len(y))

    with FlopCounterMode(display=False) as counter:
        steps()
    seconds = min(alternating({"steps": steps}, 3, device)["steps"])
    reached = counter.get_total_flops() / seconds
    return {
        "matmul_bf16_tflops": rate / 1e12,
        "pgd_step_tflops": reached / 1e12,
        "pgd_step_share_of_bf16_rate": reached / rate,
    }


def examples_per_second(bench: Bench, rounds: int, device: torch.device) -> dict[str, float]:
    """Of inference and of every attack, judged and all, with its default parameters."""
    tasks: dict[str, Task] = {"inference": lambda: bench.classifier.predict_proba(bench.dataset.inputs)}
    for name, params in RATED.items():
        tasks[name] = partial(bench.judged, attack_registry.build(name, params))
    seconds = alternating(tasks, rounds, device)
    return {f"{name}_per_second": len(bench.dataset) / min(seconds[name]) for name in tasks}


def measure(size: str, n: int, device: torch.device, precision: str, rounds: int) -> dict[str, float]:
    bench = Bench(size, n, device, precision)
    attacks = alternating(
        {
            "fgsm": lambda: bench.judged(FGSM(epsilon=EPSILON)),
            "fgsm floor": lambda: bench.floor(1),
            "pgd10": lambda: bench.judged(PGD(epsilon=EPSILON, steps=10)),
            "pgd10 floor": lambda: bench.floor(10),
            "foolbox": lambda: bench.foolbox(10),
        },
        rounds,
        device,
    )
    found = {
        "fgsm_over_floor": ratio(attacks, "fgsm", "fgsm floor"),
        "pgd10_over_floor": ratio(attacks, "pgd10", "pgd10 floor"),
        "foolbox_over_ours": ratio(attacks, "foolbox", "pgd10"),
    }
    if precision == "fp32":  # weights are trained in fp32, in mixed precision at most
        training = alternating(
            {key: bench.training(registry.build(*made)) for key, made in OBJECTIVES.items()}, rounds, device
        )
        found |= {key: ratio(training, key, "standard") for key in OBJECTIVES if key != "standard"}
    found["attack_memory"] = attack_memory(bench, device)
    if device.type == "cuda":
        found |= examples_per_second(bench, rounds, device)
        found |= share_of_peak(bench, device)
    return found


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", choices=list(SIZES), default="minilm")
    parser.add_argument("--examples", type=int, default=128)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    device = resolve_device(options.device)
    found = measure(options.size, options.examples, device, options.precision, options.rounds)
    if options.json:
        print(json.dumps(found))
        return
    table = Table(title=f"{options.size}, {options.precision}, {describe_device(device)}")
    table.add_column("what")
    table.add_column("figure", justify="right")
    for name, figure in found.items():
        table.add_row(name, f"{figure:,.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
