"""What to do after ``assay init``: commands that run as they stand."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from assay.init.continuous import about_place
from assay.init.guess import Guess
from assay.init.look import Look
from assay.init.toml import quoted


def next_steps(folder: Path, look: Look | None, guessed: Guess | None, *, ci: bool) -> Iterator[str]:
    """Lines for people. ci: whether the workflow has been written already."""
    config = _path(folder / "assay.toml")
    # From another folder pytest would collect all that is below that one.
    tests = "" if folder == Path() else f" {_path(folder / 'tests')}"
    steps = [
        (f"assay audit {config} --preview", "checks it, and says what it will ask of the model"),
        (f"assay audit {config}", "audits"),
        (f"pytest --assay {config}{tests}", "audits what is not audited yet, and tests every check"),
    ]
    if not ci:
        where = "" if folder == Path() else f" --folder {_path(folder)}"
        steps.append((f"assay init --ci{where}", "adds a workflow for GitHub"))
    width = max(len(command) for command, _ in steps)
    for place, (command, what) in enumerate(steps):
        yield f"{'      ' if place else 'Next: '}{command:{width}}   {what}"
    if ci:
        yield from about_place(folder)
    yield from _fairness(look, guessed)


def _fairness(look: Look | None, guessed: Guess | None) -> Iterator[str]:
    """The ``assay fairness`` command for a file that holds predictions already, where it can be given."""
    if look is None or guessed is None or guessed.prediction is None:
        return
    # `assay fairness` has no option for either.
    if look.delimiter is not None or not look.header:
        return
    words = ["assay", "fairness", _plain(look.path), "--label", guessed.label]
    words += ["--prediction", guessed.prediction]
    score = guessed.scores[0] if len(guessed.labels) == 2 and len(guessed.scores) == 1 else None
    # With an equals sign it would be read as LABEL=COLUMN.
    if score is not None and "=" in score:
        score = None
    words += ["--score", score] if score is not None else []
    members = guessed.groups.overlapping
    if any("," in name or name != name.strip() for name in members):
        members = ()
    for column in guessed.groups.columns:
        words += ["--group", column] if column not in members else []
    if members:
        words += ["--overlapping", f"{guessed.groups.overlapping_name}={','.join(members)}"]
    # Without whom to compare there is nothing to assess; a terminal may obey what cannot be printed.
    if not guessed.groups.columns or not all(map(str.isprintable, words)):
        return
    yield "The file holds predictions, which can be assessed by group without the model:"
    yield f"      {shlex.join(words)}"
    if score is not None:
        positive = list(guessed.labels)[1]
        yield f"      {quoted(score)} is taken for the probability of {quoted(positive)}: check it."


def _path(path: Path) -> str:
    """As one word of a shell command."""
    return shlex.quote(_plain(path))


def _plain(path: Path) -> str:
    """That is not taken for an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)
