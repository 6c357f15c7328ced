"""What black-box attacks cost: TextAttack's recipes as assay drives them, over TextAttack's own Attacker.

    PYTHONHASHSEED=0 python -m benchmarks.black_box --model runs/sst2/models/minilm --data dev.tsv [--json]

The model is a Hugging Face classifier (``assay train examples/sst2.toml`` makes one), the data a file of
texts and labels 0 or 1 without a header. One process, the same model, the same sentences:

- deepwordbug_speedup, pwws_speedup: seconds of TextAttack's ``Attacker`` with its own model wrapper, which
  pads every text to the tokenizer's maximum, over ours.
- deepwordbug_speedup_padded, pwws_speedup_padded: the same with a wrapper that pads to the longest of a
  batch.
- pwws_python: what PWWS costs in Python for each query, ours over TextAttack's; without model and tokenizer.
- identical_answers: whether the adversarial text, the status and the number of queries of every example are
  the same as TextAttack's. Asked in a run of its own, in which the model computes in float64 and answers in
  float32. In float32 throughout, an answer changes in its last digit with the batch in which a text is
  computed, and where two candidates tie (``Python`` and ``python`` to an uncased model) it decides: how
  many examples end differently in the timed runs is printed, also of TextAttack with one wrapper against
  TextAttack with the other.

Each example has its own random seed, on both sides. Lists that TextAttack makes of sets come in the order of
the hash seed, on both sides. The runs of ours and of the padded wrapper alternate, and the median of the
rounds counts; TextAttack as shipped runs once. What every library loads when it is first used (WordNet, stop
words) is loaded before. Prints where the time goes, for each query.

``--rounds 0`` only compares answers, of whatever ``--recipes`` names, and with ``--ray`` those of Ray's
workers, too. CheckList asks flair's tagger for names and places; on both sides a stand-in that knows some
takes its place.
"""

import argparse
import contextlib
import io
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from attacks import registry
from attacks.goals import Goal
from attacks.textattack import randomness
from attacks.textattack.attack import RecipeAttack
from attacks.textattack.loading import textattack
from robustness import evaluate
from robustness.asking import Engine
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.device import describe_device, resolve_device
from robustness.judge import example_seed
from robustness.loading import load_classifier
from robustness.outcomes import MemoryStore
from robustness.ray_engine import cluster
from robustness.remembering import Remembering

Answer = tuple[str, str, int]
"""Text, status and number of queries of one example, as TextAttack counts them."""

STATUS = {
    "SuccessfulAttackResult": "succeeded",
    "FailedAttackResult": "failed",
    "MaximizedAttackResult": "maximized",
}
"""TextAttack's kinds of result; what it skips, misclassified as it is, ends at once for us."""


@dataclass(frozen=True)
class Cost:
    """Seconds of one run, of which ``model`` and ``tokenizer`` were spent there.

    asked: texts that the model saw. queries: as TextAttack counts them. recipe: seconds in TextAttack's code.
    """

    seconds: float
    model: float
    tokenizer: float
    asked: int
    queries: int
    recipe: float = 0.0

    @property
    def python(self) -> float:
        """All that is neither the model nor the tokenizer."""
        return self.seconds - self.model - self.tokenizer


class Clock:
    """Adds up the seconds in functions that it is put around."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - started

        return timed


class Theirs:
    """TextAttack's Attacker, with its own wrapper or one that pads to the batch."""

    def __init__(
        self, classifier: Classifier, recipe: str, rows: Sequence[tuple[str, int]], pad: bool
    ) -> None:
        module = textattack()
        self.rows, self.model, self.tokenizer = rows, Clock(), Clock()
        self.asked = 0
        outer = self
        wrappers = module.models.wrappers

        class Padded(wrappers.ModelWrapper):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                self.model, self.tokenizer = classifier.model, classifier.tokenizer

            def __call__(self, texts: list[str]) -> torch.Tensor:
                encoded = outer.tokenizer.around(self.tokenizer)(
                    texts, padding=True, truncation=True, return_tensors="pt"
                )
                outer.asked += len(texts)
                with torch.no_grad():
                    return outer.model.around(self.model)(**encoded.to(classifier.device)).logits.float()

        class Shipped(wrappers.HuggingFaceModelWrapper):  # type: ignore[misc, name-defined]
            def __call__(self, texts: list[str]) -> Any:
                outer.asked += len(texts)
                return outer.model.around(super().__call__)(texts)

        wrapper = Padded() if pad else Shipped(classifier.model, classifier.tokenizer)
        builder = next(c for c in registry.available().values() if c.name == f"textattack:{recipe}")
        assert issubclass(builder, RecipeAttack)
        self.attack = getattr(module.attack_recipes, builder.recipe.builder).build(wrapper)

    def run(self, seeds: Sequence[int]) -> tuple[list[Answer], Cost]:
        module = textattack()

        class Seeded(module.datasets.Dataset):  # type: ignore[misc, name-defined]
            """Each example finds the random numbers of its own seed."""

            def __getitem__(self, index: int) -> Any:
                randomness.seed_all(seeds[index])
                return super().__getitem__(index)

        arguments = module.AttackArgs(num_examples=-1, silent=True, disable_stdout=True)
        data = Seeded([(text, label) for text, label in self.rows])
        self.model.seconds = self.tokenizer.seconds = 0.0
        self.asked = 0
        self.attack.clear_cache()
        with randomness.process_state_kept(), contextlib.redirect_stdout(io.StringIO()), _no_bar():
            started = time.perf_counter()
            results = module.Attacker(self.attack, data, arguments).attack_dataset()
            seconds = time.perf_counter() - started
        maximizes = self.attack.goal_function.maximizable
        answers = [
            (
                result.perturbed_text(),
                STATUS.get(type(result).__name__, "failed" if maximizes else "succeeded"),
                int(result.perturbed_result.num_queries),
            )
            for result in results
        ]
        queries = sum(answer[2] for answer in answers)
        return answers, Cost(seconds, self.model.seconds, self.tokenizer.seconds, self.asked, queries)


def ours(
    classifier: Classifier, recipe: str, rows: Sequence[tuple[str, int]], seeds: Sequence[int]
) -> tuple[list[Answer], Cost]:
    """The recipe as assay drives it, on the same rows."""
    clocks = {"model": Clock(), "tokenizer": Clock(), "recipe": Clock()}
    attack = registry.build(f"textattack:{recipe}", {})
    assert isinstance(attack, RecipeAttack)
    timed = replace(classifier)
    asked = 0

    def counted(tokens: Sequence[Any]) -> Any:
        nonlocal asked
        asked += len(tokens)
        return Classifier.token_logits(timed, tokens)

    patched: Any = timed
    patched._answers = clocks["model"].around(timed._answers)
    patched.tokenize_all = clocks["tokenizer"].around(classifier.tokenize_all)
    patched.token_logits = counted
    scheduler = attack._scheduled(Remembering(timed), targeted=False, hash_order=True)
    object.__setattr__(scheduler, "_go_on", clocks["recipe"].around(scheduler._go_on))
    goal = Goal(torch.tensor([label for _, label in rows]))
    started = time.perf_counter()
    proposals = sorted(scheduler.run([text for text, _ in rows], goal, seeds), key=lambda each: each.row)
    seconds = time.perf_counter() - started
    answers = [(str(each.text), str(each.ending), each.num_queries) for each in proposals]
    cost = Cost(
        seconds,
        clocks["model"].seconds,
        clocks["tokenizer"].seconds,
        asked,
        sum(each.num_queries for each in proposals),
        clocks["recipe"].seconds,
    )
    return answers, cost


def identical(exact: Classifier, rows: Sequence[tuple[str, int]], recipe: str) -> list[int]:
    """The rows whose answer is not TextAttack's; ``exact`` computes in float64."""
    seeds = [example_seed(0, str(row)) for row in range(len(rows))]
    mine, _ = ours(exact, recipe, rows, seeds)
    theirs, _ = Theirs(exact, recipe, rows, pad=True).run(seeds)
    return [row for row, (one, other) in enumerate(zip(mine, theirs, strict=True)) if one != other]


def differing_by_ray(source: str, rows: Sequence[tuple[str, int]], recipe: str, double: bool) -> int:
    """How many examples end differently (text, success, queries) in Ray's workers than in this process."""
    data = TextDataset(
        name="sentences",
        ids=tuple(str(row) for row in range(len(rows))),
        texts=tuple(text for text, _ in rows),
        text_pairs=None,
        labels=np.array([label for _, label in rows]),
        label_names=("negative", "positive"),
        groups={},
        splits=np.array(["test"] * len(rows)),
    )
    attack = registry.build(f"textattack:{recipe}", {})
    load = partial(_loaded, source, recipe, double)
    clean = evaluate.predict(load(), data, MemoryStore())

    def outcomes(engine: Engine | None) -> list[tuple[Any, bool, float]]:
        found = evaluate.attack(load(), data, clean, attack, MemoryStore(), seed=0, engine=engine)
        return [(outcome.text, outcome.success, outcome.queries) for outcome in found]

    here = outcomes(None)
    with cluster(None, None) as workers, workers.engine(load, data, 0) as engine:
        there = outcomes(engine)
    return sum(one != other for one, other in zip(here, there, strict=True))


def _loaded(source: str, recipe: str, double: bool) -> Classifier:
    """The classifier, with what ``recipe`` needs beside it; ``double``: computed in float64."""
    if recipe == "checklist":
        textattack().shared.utils.strings._flair_taggers.setdefault("ner", Names())
    classifier = load_classifier(source, device=torch.device("cpu"), offline=True)
    return replace(classifier, model=classifier.model.double()) if double else classifier


class Names:
    """Stands in for flair's tagger of names and places: it knows some."""

    known: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("john", "mary", "david", "michael", "allen", "spielberg", "eddie"), "PER"),
        **dict.fromkeys(("london", "paris", "hollywood", "america", "york", "france"), "LOC"),
    }

    def predict(self, sentence: Any, force_token_predictions: bool) -> None:
        for token in sentence.tokens:
            token.add_label("ner", self.known.get(token.text.lower(), "O"), 0.99)


def measure(
    classifier: Classifier, rows: Sequence[tuple[str, int]], recipe: str, rounds: int, shipped: bool
) -> tuple[dict[str, float], list[str], list[tuple[str, Cost]]]:
    """The speed-ups of one recipe, how many answers differ in float32, and what each way cost."""
    seeds = [example_seed(0, str(row)) for row in range(len(rows))]
    padded = Theirs(classifier, recipe, rows, pad=True)
    ours(classifier, recipe, rows[:2], seeds[:2])  # loads what is read once
    mine, theirs = [], []
    for _ in range(rounds):
        mine.append(ours(classifier, recipe, rows, seeds))
        theirs.append(padded.run(seeds))
    reference = mine[0][0]
    notes = [f"{recipe}, ours against padded: {_differing(reference, theirs[0][0])}"]
    costs = [("ours", _median(mine)), ("padded to the batch", _median(theirs))]
    ratios = {"speedup_padded": costs[1][1].seconds / costs[0][1].seconds}
    ratios["python"] = (costs[0][1].python / costs[0][1].queries) / (costs[1][1].python / costs[1][1].queries)
    if shipped:
        answers, cost = Theirs(classifier, recipe, rows, pad=False).run(seeds)
        notes.append(f"{recipe}, ours against shipped: {_differing(reference, answers)}")
        notes.append(f"{recipe}, padded against shipped: {_differing(theirs[0][0], answers)}")
        costs.append(("as shipped", cost))
        ratios["speedup"] = cost.seconds / costs[0][1].seconds
    return ratios, notes, costs


def _differing(first: Sequence[Answer], second: Sequence[Answer]) -> str:
    different = sum(one != other for one, other in zip(first, second, strict=True))
    return f"{different} of {len(first)} examples end differently in float32"


def _median(runs: Sequence[tuple[list[Answer], Cost]]) -> Cost:
    """The run of median duration."""
    middle = median([cost.seconds for _, cost in runs])
    return min((cost for _, cost in runs), key=lambda cost: abs(cost.seconds - middle))


@contextlib.contextmanager
def _no_bar() -> Any:
    """Without the Attacker's progress bar, which goes to standard error."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="a fine-tuned classifier of two classes")
    parser.add_argument("--data", type=Path, required=True, help="TSV of text and label 0 or 1, no header")
    parser.add_argument("--sentences", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3, help="0: compare the answers, and measure nothing")
    parser.add_argument("--recipes", nargs="+", default=["deepwordbug", "pwws"])
    parser.add_argument("--no-shipped", action="store_true", help="leave out TextAttack's own wrapper")
    parser.add_argument("--float32", action="store_true", help="compare answers in float32")
    parser.add_argument("--ray", action="store_true", help="compare with Ray's workers, too")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", action="store_true", help="print the ratios as one JSON object")
    given = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED", "random") == "random":
        parser.error("set PYTHONHASHSEED, e.g. to 0: TextAttack's answers depend on it")
    device = resolve_device(given.device)
    classifier = load_classifier(given.model, device=device, offline=True)
    lines = given.data.read_text(encoding="utf-8").splitlines()
    rows = [(text, int(label)) for text, label in (line.split("\t") for line in lines[: given.sentences])]
    results: dict[str, float | bool] = {}
    table = Table("recipe", "way", "seconds", "queries", "asked", *(f"{what}, ms/query" for what in _PARTS))
    notes, different = [], 0
    kind = "float32" if given.float32 else "float64"
    for recipe in given.recipes:
        odd = identical(_loaded(given.model, recipe, not given.float32), rows, recipe)
        different += len(odd)
        if given.ray:
            apart = differing_by_ray(given.model, rows, recipe, not given.float32)
            different += apart
            notes.append(f"{recipe}, {kind}, Ray: {apart} of {len(rows)} examples end differently")
        notes.append(f"{recipe}, {kind}: {len(odd)} of {len(rows)} answers are not TextAttack's")
        if given.rounds == 0:
            continue
        ratios, more, costs = measure(classifier, rows, recipe, given.rounds, not given.no_shipped)
        notes += more
        results |= {f"{recipe.replace('-', '_')}_{name}": value for name, value in ratios.items()}
        for way, cost in costs:
            table.add_row(
                recipe, way, f"{cost.seconds:.2f}", f"{cost.queries:,}", f"{cost.asked:,}", *_parts(cost)
            )
    results["identical_answers"] = different == 0
    if given.json:
        print(json.dumps(results))
        return
    console = Console(width=160)
    console.print(f"{describe_device(device)}, {torch.get_num_threads()} threads, {len(rows)} sentences")
    if given.rounds:
        console.print(table)
    for note in notes:
        console.print(note)
    for name, value in results.items():
        console.print(f"{name}: {value if isinstance(value, bool) else f'{value:.2f}'}")


_PARTS = ("model", "tokenizer", "TextAttack's Python", "ours")


def _parts(cost: Cost) -> list[str]:
    """Milliseconds for each query, by where they go."""
    theirs = cost.recipe or cost.python
    rest = cost.python - theirs
    return [f"{1000 * part / cost.queries:.3f}" for part in (cost.model, cost.tokenizer, theirs, rest)]


if __name__ == "__main__":
    main()
