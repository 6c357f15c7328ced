"""The GitHub workflow of an assay.toml: of a new one, or of one that is there and stays as it is."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.config import read_toml
from assay.init.ci_text import GATE, workflow
from assay.init.files import check_free, write_files
from robustness.black_box.kinds import kind_of

# What needs no quotation marks in YAML, nor in a shell.
_PLAIN = re.compile(r"[\w.-]+(/[\w.-]+)*", re.ASCII)


def add_workflow(folder: Path, test: Path) -> list[str]:
    """Write what is missing beside the assay.toml of ``folder``: the workflow, and the tests that it runs.

    test: the file of the test gate. Returns lines for people. Raises AssayError where nothing is missing, for
    an assay.toml that cannot be read, and where a file cannot be written.
    """
    config = folder / "assay.toml"
    targets = {test: GATE, workflow_file(folder): _text_for(read_toml(config), test)}
    missing = {path: text for path, text in targets.items() if not path.exists()}
    if not missing:
        check_free({config: "", **targets}, force=False)
    write_files(missing)
    left = [config, *(path for path in targets if path not in missing)]
    return [
        *(f"Left as it is: {path}" for path in left),
        *(f"Wrote {path}" for path in missing),
        *away_from_root(folder),
    ]


def workflow_for(config: str, test: Path) -> str:
    """The workflow that goes with the text of an assay.toml."""
    return _text_for(tomllib.loads(config), test)


def workflow_file(folder: Path) -> Path:
    return folder / ".github" / "workflows" / "assay.yml"


def away_from_root(folder: Path) -> Iterator[str]:
    """Where GitHub would not find the workflow: that it must be moved."""
    if not (folder / ".git").exists():
        yield f"{folder} is no repository's root, where GitHub looks for workflows: move .github there."


def _text_for(config: dict[str, Any], test: Path) -> str:
    """Its run folder and what it needs installed are those of the configuration, where they can be told."""
    runs, name = (str(config.get(key, usual)) for key, usual in (("runs", "runs"), ("name", "assay")))
    if not (_PLAIN.fullmatch(runs) and _PLAIN.fullmatch(name)):
        runs, name = "runs", "assay"
    candidates = config.get("candidates")
    models = (
        [each.get("model") for each in candidates if isinstance(each, dict)]
        if isinstance(candidates, list)
        else []
    )
    served = any(isinstance(model, str) and kind_of(model) == "endpoint" for model in models)
    return workflow(["endpoint"] if served else [], tests=test.name, runs=runs, name=name)
