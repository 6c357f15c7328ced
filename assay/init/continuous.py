"""The GitHub workflow of an assay.toml: of a new one, or of one that is there and stays as it is."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.config import read_toml
from assay.init.ci_text import GATE, workflow
from assay.init.files import check_free, write_files
from assay.init.toml import shown
from robustness.black_box.kinds import kind_of


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
        *(f"Left as it is: {shown(path)}" for path in left),
        *(f"Wrote {shown(path)}" for path in missing),
        *about_place(folder),
    ]


def workflow_for(config: str, test: Path) -> str:
    """The workflow that goes with the text of an assay.toml."""
    return _text_for(tomllib.loads(config), test)


def workflow_file(folder: Path) -> Path:
    """Where GitHub looks for it: in the root of the repository, named after the part that ``folder`` is."""
    inside = _inside(folder)
    if not inside:
        return folder / ".github" / "workflows" / "assay.yml"
    root = folder.resolve().parents[len(Path(inside).parts) - 1]
    seen = root if folder.is_absolute() else Path(os.path.relpath(root))
    part = re.sub(r"\W+", "_", inside)
    return seen / ".github" / "workflows" / f"assay_{part}.yml"


def about_place(folder: Path) -> Iterator[str]:
    """What must be known of where the workflow stands, where that is not the root of a repository."""
    inside = _inside(folder)
    if inside:
        yield f"The workflow is in the repository's root, where GitHub looks, and works in {shown(inside)}."
    elif not (folder / ".git").exists():
        yield f"{shown(folder.resolve())} is in no git repository: the workflow takes it for the root of one."


def _inside(folder: Path) -> str:
    """``folder`` as seen from the root of its git repository, with slashes; "" for the root, and for none."""
    whole = folder.resolve()
    root = next((each for each in (whole, *whole.parents) if (each / ".git").exists()), whole)
    return "" if root == whole else whole.relative_to(root).as_posix()


def _text_for(config: dict[str, Any], test: Path) -> str:
    """Its run folder and what it needs installed are those of the configuration, where they can be told."""
    candidates = config.get("candidates")
    named = (
        [each.get("model") for each in candidates if isinstance(each, dict)]
        if isinstance(candidates, list)
        else []
    )
    models = [model for model in named if isinstance(model, str)]
    needed = {
        "endpoint": any(kind_of(model) == "endpoint" for model in models),
        "skops": any(model.lower().endswith(".skops") for model in models),
    }
    return workflow(
        [extra for extra, needs in needed.items() if needs],
        tests=test.name,
        runs=str(config.get("runs", "runs")),
        name=str(config.get("name", "assay")),
        folder=_inside(test.parent.parent),
    )
