"""Small projects with an assay.toml, and what pytest says of them."""

import re
from pathlib import Path

from tests.assay.answering import MODULE
from tests.assay.audits import write_config, write_csv
from tests.robustness.tiny import tiny_dataset

N = 40
QUICK = "[fairness]\nn_boot = 10\n[validity]\nexamples = 0\n"
HOMOGLYPHS = '[[attacks]]\nname = "homoglyphs"\nmax_injections = [1, 2]\npopulation = 4\ngenerations = 1\n'
PASSES = '[[gate]]\nmetric = "accuracy"\nmin = 0.5\n'
FAILS = '[[gate]]\nmetric = "macro_f1"\ncandidate = "own"\nmax = 0.2\n'
UNDER_ATTACK = '[[gate]]\nmetric = "accuracy_under_attack"\nattack = "homoglyphs"\nmin = 0.0\n'
LOGGING = """
import os
from pathlib import Path

with (Path(__file__).parent / "loaded.txt").open("a") as log:
    log.write(f"{os.getpid()}\\n")
"""
"""Added to a model's module: which processes loaded it."""


def candidates(*names: str) -> str:
    """The same model under several names."""
    return "".join(f'[[candidates]]\nname = "{name}"\nmodel = "my_model:words"\n' for name in names)


def write_project(
    folder: Path, gate: str, *, names: tuple[str, ...] = ("own", "other"), attacks: str = "", more: str = ""
) -> Path:
    """A folder with data, a model in Python and an assay.toml, whose path is returned.

    gate: the [[gate]] tables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "data.csv", tiny_dataset(N, seed=5))
    (folder / "my_model.py").write_text(MODULE + more, encoding="utf-8")
    return write_config(folder, candidates(*names), rest=attacks + QUICK + gate)


def node_ids(output: str) -> list[str]:
    """The tests that ``--collect-only -q`` names."""
    return re.findall(r"^(\S*assay\.toml::.*)$", output, re.MULTILINE)
