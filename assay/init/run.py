"""``assay init``: look, guess, write, and say what was guessed."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from assay.init.ci_text import GATE, GATE_FILE
from assay.init.config_text import config_text
from assay.init.continuous import add_workflow, workflow_file, workflow_for
from assay.init.files import check_free, write_files
from assay.init.guess import Guess, guess
from assay.init.look import Look, look_at
from assay.init.models import Model, found_model, given_model, label_map
from assay.init.next_steps import next_steps
from assay.init.toml import quoted, shown, writable
from attacks.errors import AssayError
from robustness.readers import SUFFIXES

LIKELY = ("validation", "valid", "val", "dev", "test", "eval", "data", "dataset", "examples")
"""Names of files with labelled examples, the likeliest first."""
FOLDERS = (".", "data", "datasets")
ROOTS = (".git", "pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg")
"""What stands in the root folder of a project."""


@contextmanager
def _reachable() -> Iterator[None]:
    """Files and folders that may not be looked at, or whose names are too long, are no defect of ours."""
    try:
        yield
    except OSError as error:
        raise AssayError(
            f"{error.filename}: cannot be reached ({error.strerror or error}), and nothing was written. Make "
            "it readable, or choose another --folder."
        ) from error


@_reachable()
def run_init(
    data: Path | None = None,
    *,
    model: str | None = None,
    folder: Path = Path(),
    text: str | None = None,
    label: str | None = None,
    groups: Sequence[str] | None = None,
    ci: bool = False,
    force: bool = False,
) -> list[str]:
    """Write assay.toml and a test gate in tests/ into ``folder``, with ``ci`` a GitHub workflow too.

    Where an assay.toml is there, ``ci`` without ``force`` adds what is missing beside it and leaves it alone.

    data: the labelled examples; None looks for a file in ``folder``, and writes a template where there is
    none. model: see ``given_model``; None looks for one in ``folder``. text, label, groups: columns that
    need not be guessed. Returns what was found, as lines for people. Raises AssayError, with nothing
    written, where a file is in the way (unless ``force``, which keeps it beside the new one), and for data
    that could not be audited.
    """
    if folder.exists() and not folder.is_dir():
        raise AssayError(f"--folder: {folder} is a file; expected a folder.")
    if not writable(str(folder.resolve())):
        raise AssayError(
            f"--folder: {str(folder.resolve())!a}: expected a folder whose name is UTF-8, as the report says "
            "it. Rename it, or choose another --folder."
        )
    config, test = folder / "assay.toml", gate_file(folder)
    if ci and not force and config.is_file():
        if data or model or text or label or groups:
            raise AssayError(
                f"{config} exists already, and nothing was written: what was named would not change it. "
                "`assay init --ci` alone adds the workflow; --force replaces it, and keeps it as .bak."
            )
        return add_workflow(folder, test)
    targets = {config: "", test: GATE}
    if ci:
        targets[workflow_file(folder)] = ""
    check_free(targets, force=force)
    found = [data] if data is not None else found_data(folder)
    data, others = (found[0], found[1:]) if found else (None, [])
    look = None if data is None else look_at(data)
    if look is None and (text or label or groups):
        raise AssayError("--text, --label and --group name columns of data: name its file, too.")
    guessed = None if look is None else guess(look, text=text, label=label, groups=groups)
    audited = found_model(folder) if model is None else given_model(model, folder)
    kept = (folder / "baseline" / "audit.json").is_file()
    targets[config] = config_text(look, guessed, audited, folder, baseline=kept)
    if ci:
        targets[workflow_file(folder)] = workflow_for(targets[config], test)
    told = [*_about_data(look, guessed, others, folder, audited), *_about_model(audited, guessed)]
    proposed = list(next_steps(folder, look, guessed, ci=ci))
    before = write_files(targets, force=force)
    return [*told, "", *(_wrote(path, before.get(path)) for path in targets), "", *proposed]


def _wrote(path: Path, before: Path | None) -> str:
    return f"Wrote {shown(path)}" + ("" if before is None else f"; what was there is now {shown(before)}")


def gate_file(folder: Path) -> Path:
    """The file of the test gate. In a part of a larger project it is named after that part, as pytest refuses
    two test files of one name."""
    whole = folder.resolve()
    inside = any((above / mark).exists() for above in whole.parents for mark in ROOTS)
    part = re.sub(r"\W+", "_", whole.name) if inside else ""
    return folder / "tests" / (f"test_assay_gate_{part}.py" if part else GATE_FILE)


def found_data(folder: Path) -> list[Path]:
    """Files in ``folder`` that could be labelled examples, the likeliest first; those for training last."""
    found = [
        path
        for place in FOLDERS
        if (folder / place).is_dir()
        for path in sorted((folder / place).iterdir())
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]

    def rank(path: Path) -> tuple[int, int]:
        stem = path.stem.lower()
        places = [i for i, name in enumerate(LIKELY) if name in stem]
        return ("train" in stem, min(places, default=len(LIKELY)))

    return sorted(found, key=rank)


def _about_data(
    look: Look | None, guessed: Guess | None, others: Sequence[Path], folder: Path, model: Model | None
) -> Iterator[str]:
    if look is None or guessed is None:
        yield f"No data was named, and {shown(folder.resolve())} has none: the assay.toml is a template."
        return
    how = "all" if look.whole else "the first"
    yield f"{shown(look.path)}: guessed from {how} {look.rows:,} rows."
    for sentence in guessed.said:
        yield f"  {sentence}"
    unsure = list(guessed.unsure)
    if look.delimiter is not None:
        unsure.insert(0, f"Columns seem to be divided by {quoted(look.delimiter)}.")
    if not look.header:
        unsure.insert(0, "The first row looks like data, so the columns got names: column_1 and so on.")
    if look.nested:
        unsure.append(f"Left out, as they hold lists or tables: {', '.join(map(quoted, look.nested))}.")
    names = [path.name for path in others if path.name.isprintable()]
    if names:
        unsure.append(f"Other data files: {', '.join(names[:5])}.")
    if model is not None and model.kind == "callable" and len(guessed.labels) > 1:
        unsure.append(
            f"{quoted(model.source)} was not asked for its labels: they are taken to be "
            f"{', '.join(map(quoted, guessed.labels))}, which must be the order of its scores."
        )
    if unsure:
        yield "Not sure:"
        for sentence in unsure:
            yield f"  {sentence}"


def _about_model(model: Model | None, guessed: Guess | None) -> Iterator[str]:
    if model is None:
        yield "No model was named or found: take one of the choices under [[candidates]]."
        return
    kinds = {"transformers": "model", "pipeline": "pipeline", "callable": "object", "endpoint": "endpoint"}
    yield f"The {'encoder' if model.encoder else kinds[model.kind]} {shown(model.source)} is the candidate."
    if model.encoder:
        yield "  It has no head for classes yet, so the audit fine-tunes it on a part of the data."
    if model.kind == "pipeline" and not model.source.endswith(".skops"):
        yield "  Opening it runs code in it: if you trust the file, take allow_pickle = true."
    if model.kind == "endpoint":
        yield "  Check the order of its labels and the kind of its server."
    if guessed is None or model.labels is None or model.encoder:
        return
    map_ = label_map(model.labels, list(guessed.labels))
    if map_ is None:
        yield (
            f"  Its labels are {', '.join(map(quoted, model.labels))} and not those of the data: say in "
            "label_map which is which."
        )
    elif not map_[1]:
        pairs = ", ".join(f"{quoted(name)} is {quoted(to)}" for name, to in map_[0].items())
        yield f"  Its labels are matched by position, which you should check: {pairs}."
