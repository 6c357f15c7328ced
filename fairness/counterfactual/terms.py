"""Which identity terms a run swaps: our own tables, and those of a user's files."""

from collections.abc import Sequence
from pathlib import Path

from attacks.errors import AssayError, nearest
from fairness.counterfactual.files import read_rows
from fairness.counterfactual.tables import gender, identity, names, origin, religion
from fairness.counterfactual.term_set import Rule, Slots, TermSet

__all__ = ["AXES", "Rule", "Slots", "TermSet", "load_terms", "read_terms"]

_TABLES = {
    table.axis: table
    for table in (
        gender.TERMS,
        names.TERMS,
        religion.TERMS,
        origin.ETHNICITY,
        origin.NATIONALITY,
        identity.SEXUAL_ORIENTATION,
        identity.GENDER_IDENTITY,
        identity.DISABILITY,
        identity.AGE,
    )
}
AXES = tuple(_TABLES)
"""The axes that there are tables for."""

_SLOT = "term"
"""The slot of a term whose file names none."""


def load_terms(axes: Sequence[str] | None = None, files: Sequence[Path] = ()) -> tuple[TermSet, ...]:
    """The term sets of ``axes``, in their order; None: all that there are tables for, then all of the files.

    An axis of a user's file replaces the table of that name. Raises AssayError as ``read_terms`` does, for an
    axis in two files, an axis that is unknown or given twice, and a file with no axis among ``axes``.
    """
    own, source = _from_files(files)
    known = {**_TABLES, **own}
    if axes is None:
        return tuple(known.values())
    for position, axis in enumerate(axes):
        if axis not in known:
            raise AssayError(
                f'counterfactual: there are no terms for the axis "{axis}".{nearest(axis, [*known])} Axes: '
                f"{', '.join(known)}. Give a file of terms for another."
            )
        if axis in axes[:position]:
            raise AssayError(f'counterfactual: the axis "{axis}" is given twice. Leave one out.')
    for file in files:
        held = [axis for axis in own if source[axis] == file]
        if not set(held) & set(axes):
            raise AssayError(
                f"{file}: none of its axes ({', '.join(held)}) is among the axes of this run: "
                f"{', '.join(axes) or 'none'}. Add one, or leave the file out."
            )
    if not axes:
        raise AssayError("counterfactual: expected at least one axis, got none.")
    return tuple(known[axis] for axis in axes)


def _from_files(files: Sequence[Path]) -> tuple[dict[str, TermSet], dict[str, Path]]:
    """{axis: its terms}, {axis: its file}."""
    own: dict[str, TermSet] = {}
    source: dict[str, Path] = {}
    for file in files:
        for terms in read_terms(file):
            if terms.axis in source:
                raise AssayError(
                    f'{file}: the axis "{terms.axis}" stands in {source[terms.axis]} too. Put all its terms '
                    "into one file."
                )
            own[terms.axis], source[terms.axis] = terms, file
    return own, source


def read_terms(file: Path) -> tuple[TermSet, ...]:
    """The term sets of a CSV or JSONL file with the columns axis, group, term and, where wanted, slot.

    One row is one term, written as in the middle of a sentence. Terms of different groups that can stand in
    each other's place share a slot ("adjective", "people"); without the column all of an axis do. The first
    term of one group goes with the first of another in the same slot, the second with the second.

    Raises AssayError, with file and row, for a missing or unknown column, an empty cell, a term that does not
    start with a letter, one that stands twice, and an axis with one group only.
    """
    slots: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {}
    rows: dict[tuple[str, str], int] = {}
    for row, cells in read_rows(file, ("axis", "group", "term"), ("slot",)):
        axis, group, term = cells["axis"], cells["group"], cells["term"]
        slot = cells.get("slot", _SLOT)
        if not term[0].isalpha():
            raise AssayError(f'{file}, row {row}: expected a term that starts with a letter, got "{term}".')
        key = axis, term.lower()
        if key in rows:
            raise AssayError(
                f'{file}, row {row}: the term "{term}" of the axis "{axis}" stands in row {rows[key]} too. '
                "What belongs to two groups or slots cannot be swapped; leave one out."
            )
        rows[key] = row
        by_group = slots.setdefault(axis, {}).setdefault(slot, {})
        by_group[group] = (*by_group.get(group, ()), term)
    for axis, by_slot in slots.items():
        groups = {group for by_group in by_slot.values() for group in by_group}
        if len(groups) < 2:
            raise AssayError(
                f'{file}: expected two groups or more for the axis "{axis}", got only "{groups.pop()}". Add '
                "terms of another group."
            )
    return tuple(TermSet(axis, by_slot) for axis, by_slot in slots.items())
