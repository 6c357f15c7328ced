"""Small audits: a data file, tiny models and an assay.toml that names them."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from robustness.dataset import TextDataset
from tests.robustness.tiny import FILLER, tiny_dataset

MINOR = {"seconds", "started", "runs"}
"""Keys of audit.json that may differ between two runs of one configuration."""

ATTACKS = """
[[attacks]]
name = "fgsm"
epsilon = [0.1, 0.5]
[[attacks]]
name = "fgm"
epsilon = 1.0
[[attacks]]
name = "pgd"
epsilon = 0.5
steps = 3
random_start = true
"""


def write_csv(file: Path, dataset: TextDataset, *, words_before: int = 0) -> Path:
    """``dataset`` with its ids and groups; ``words_before`` filler words lengthen every text."""
    rng = np.random.default_rng(0)
    filler = [" ".join(rng.choice(FILLER, size=words_before)) for _ in range(len(dataset))]
    texts = [f"{words} {text}".strip() for words, text in zip(filler, dataset.texts, strict=True)]
    rows: Iterable[Iterable[str]] = zip(
        dataset.ids,
        texts,
        [dataset.label_names[label] for label in dataset.labels],
        *[column.tolist() for column in dataset.groups.values()],
        strict=True,
    )
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["id", "text", "label", *dataset.groups], *rows])
    return file


def write_config(
    folder: Path,
    candidates: str,
    *,
    data: str = 'id = "id"\ngroups = ["gender", "domain"]\n',
    rest: str = "",
    name: str = "assay.toml",
) -> Path:
    """An assay.toml on data.csv beside it, written unless it is there. ``candidates``, ``rest``: TOML."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "data.csv").exists():
        write_csv(folder / "data.csv", tiny_dataset(160, seed=5))
    file = folder / name
    file.write_text(f'device = "cpu"\n[data]\npath = "data.csv"\n{data}{candidates}{rest}', encoding="utf-8")
    return file


def loaded(model: Path, name: str = "plain") -> str:
    return f'[[candidates]]\nname = "{name}"\nmodel = "{model}"\n'


def trained(encoder: Path, train: str, name: str = "hardened") -> str:
    return f'[[candidates]]\nname = "{name}"\nencoder = "{encoder}"\ntrain = {{ {train} }}\n'


FGSM = 'objective = "fgsm", epsilon = 0.2, epochs = 6, batch_size = 8, learning_rate = 5e-3'


def untimed(run: Path) -> Any:
    """audit.json of a run folder without its times and without the path of the runs."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: strip(each) for key, each in value.items() if key not in MINOR}
        return [strip(each) for each in value] if isinstance(value, list) else value

    return strip(json.loads((run / "audit.json").read_text(encoding="utf-8")))
