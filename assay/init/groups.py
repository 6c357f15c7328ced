"""Which columns say whom a model may treat unlike others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.init.columns import Column
from assay.init.toml import quoted
from assay.init.vocabulary import ID, IDENTITIES, PEOPLE, SOURCES

MOST_GROUPS = 30
"""A column of more values is not suggested: hardly any of its groups would be large enough."""


@dataclass(frozen=True)
class Groups:
    """columns: to be compared. overlapping: those of them that hold yes and no, each a group of people.

    possible: columns that could be compared too. said, unsure: sentences for the user.
    """

    columns: tuple[str, ...] = ()
    overlapping: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()

    @property
    def overlapping_name(self) -> str:
        """What the overlapping groups are called together: as no column is."""
        name = "identity"
        while name in self.columns:
            name += "_mentioned"
        return name


def guess_groups(columns: Mapping[str, Column], given: Sequence[str] | None) -> Groups:
    """Columns about people or sources, by their names; others of a few values are only mentioned."""
    if given is not None:
        identities = _overlapping(
            [columns[name] for name in given if columns[name].parts & (IDENTITIES | PEOPLE)]
        )
        said = [f"groups: {', '.join(map(quoted, given))}, as given"] if given else []
        return Groups(tuple(given), identities, (), tuple(said + _about(identities)))
    named: list[Column] = []
    identities_found: list[Column] = []
    possible: list[Column] = []
    unsure: list[str] = []
    for column in columns.values():
        name = quoted(column.name)
        about = bool(column.parts & (PEOPLE | SOURCES))
        identity = bool(column.parts & (IDENTITIES | PEOPLE if column.is_yes_no else IDENTITIES))
        if column.parts & ID and column.distinct > 2:
            continue
        if identity and column.is_yes_no:
            (possible if column.missing else identities_found).append(column)
            if column.missing:
                unsure.append(
                    f"{name} is empty in {column.missing:,} rows: give each a yes or a no to compare it."
                )
        elif (about or identity) and column.is_share:
            unsure.append(
                f"{name} holds numbers between 0 and 1. To compare it, make it 0 and 1 first, for example 1 "
                "where it is 0.5 or more."
            )
        elif about and column.distinct > MOST_GROUPS:
            unsure.append(
                f"{name} has {column.distinct:,} different values: too many to compare. Sort them into a few "
                "groups first (an age into bands)."
            )
        elif about and column.distinct > 1 and not (column.is_text or column.is_date):
            named.append(column)
        elif _is_category(column):
            possible.append(column)
    overlapping = _overlapping(identities_found)
    chosen = [column.name for column in columns.values() if column in (*named, *identities_found)]
    said = [f"groups: {', '.join(map(quoted, chosen))}, by their names"] if chosen else []
    if possible:
        shown = ", ".join(quoted(column.name) for column in possible[:10])
        unsure.append(f"These have a few values and could be groups too: {shown}.")
    return Groups(
        tuple(chosen),
        overlapping,
        tuple(column.name for column in possible),
        tuple(said + _about(overlapping)),
        tuple(unsure),
    )


def _overlapping(identities: Sequence[Column]) -> tuple[str, ...]:
    found = tuple(each.name for each in identities if each.is_yes_no and not each.missing)
    return found if len(found) > 1 else ()


def _about(overlapping: tuple[str, ...]) -> list[str]:
    if not overlapping:
        return []
    listed = ", ".join(map(quoted, overlapping))
    return [f"overlapping groups: {listed}, as they hold yes and no and one text can belong to several"]


def _is_category(column: Column) -> bool:
    other = column.is_text or column.is_date or column.is_fractional
    return not other and 2 <= column.distinct <= min(20, column.n / 5)
