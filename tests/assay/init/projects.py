"""Projects that have data and no configuration."""

import tomllib
from collections.abc import Callable
from pathlib import Path

from tests.assay.answering import MODULE
from tests.assay.audits import write_csv
from tests.assay.processes import Done
from tests.robustness.tiny import tiny_dataset

Assay = Callable[..., Done]

ROOT = Path(__file__).parents[3]


def project(folder: Path, *, model: str | None = None) -> Path:
    """A folder with data.csv; model: answers.py beside it, or none."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "data.csv", tiny_dataset(160, seed=5))
    (folder / "answers.py").write_text(MODULE, encoding="utf-8")
    return folder


def table_of(folder: Path) -> dict[str, object]:
    return tomllib.loads((folder / "assay.toml").read_text(encoding="utf-8"))


def uncommented(text: str, *starts: str) -> str:
    """``text`` with the comments that begin so taken as lines."""
    return "\n".join(
        line[2:] if line.startswith(tuple(f"# {start}" for start in starts)) else line
        for line in text.split("\n")
    )
