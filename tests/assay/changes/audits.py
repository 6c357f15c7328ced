"""A small audit with everything that a gate can speak of, and every subject that it can."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from assay.audit import run_audit
from assay.changes.audited import Audited
from assay.changes.metrics import FLIP_RATES, METRICS, OF_CLASS
from assay.changes.subject import Subject
from assay.config import load_config
from assay.progress import Reporter
from assay.saved_runs import open_run
from reports.model import CandidateResult
from robustness.dataset import TextDataset
from tests.assay.audits import loaded, write_config, write_csv
from tests.robustness.tiny import tiny_dataset

PARTS = """
[[attacks]]
name = "fgsm"
epsilon = 0.3
[[attacks]]
name = "fmn"
steps = 4
[[attacks]]
name = "homoglyphs"
max_injections = 1
population = 4
generations = 1
[[behaviours]]
name = "typos"
[counterfactual]
axes = ["gender"]
[validity]
examples = 0
[fairness]
min_group_size = 12
n_boot = 50
intersections = 2
overlapping = { named = ["first", "second"] }
"""


def people(n: int = 80, seed: int = 5) -> TextDataset:
    """Sentences about a woman or a man, one label in eight wrong, with groups that overlap."""
    base, rng = tiny_dataset(n, seed=seed), np.random.default_rng(seed)
    texts = tuple(
        f"{'she' if gender == 'woman' else 'he'} {text}"
        for gender, text in zip(base.groups["gender"], base.texts, strict=True)
    )
    groups = {name: rng.choice(["0", "1"], size=n) for name in ("first", "second")}
    labels = np.where(np.arange(n) % 8 == 0, 1 - base.labels, base.labels)
    return replace(base, texts=texts, labels=labels, groups=groups)


def audited(folder: Path, models: dict[str, Path], dataset: TextDataset, rest: str = PARTS) -> Audited:
    """The audit of ``models``, read back from its run folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "data.csv", dataset)
    data = f'id = "id"\ngroups = {list(dataset.groups)}\n'
    candidates = "".join(loaded(model, name) for name, model in models.items())
    config = load_config(write_config(folder, candidates, data=data, rest=rest))
    run_audit(config, Reporter(Console(file=io.StringIO())))
    return Audited.of(open_run(config.runs / config.name))


def every_subject(candidate: CandidateResult) -> Iterator[Subject]:
    """Each metric of a gate, of every group and attack of the candidate with which it can be asked for."""
    fairness = candidate.fairness
    assert fairness is not None
    attacks = [(attack.name, attack.params) for attack in candidate.robustness.attacks]
    values = [(name, value) for name, each in fairness.groups.items() for value in each.by_group]
    for metric, allowed in METRICS.items():
        for keys in allowed:
            for attack, params in attacks if "attack" in keys else [(None, None)]:
                if metric in FLIP_RATES:
                    yield Subject(metric)
                elif "behaviour" in keys:
                    for each in candidate.robustness.behaviours:
                        yield Subject(metric, behaviour=each.name, params=each.params)
                elif "value" in keys:
                    for group, value in values:
                        for named in of_classes(metric, candidate):
                            yield Subject(named, attack, params, group, value)
                elif "group" in keys:
                    for group in fairness.groups:
                        for named in of_classes(metric, candidate):
                            yield Subject(named, attack, params, group)
                else:
                    yield Subject(metric, attack, params)


def of_classes(metric: str, candidate: CandidateResult) -> list[str]:
    """``tpr`` of two classes, ``tpr[label]`` of each of more."""
    labels = candidate.model.labels
    return [f"{metric}[{label}]" for label in labels] if metric in OF_CLASS and len(labels) > 2 else [metric]
