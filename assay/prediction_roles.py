"""Which column of a file of predictions plays which role, from what the command line says."""

from collections.abc import Sequence
from dataclasses import dataclass

from attacks.errors import AssayError


@dataclass(frozen=True)
class Roles:
    """label, prediction: columns. groups: columns to assess by.

    scores: (label, column) of each column of probabilities; the label is None where one column holds the
        probability of the positive label of two.
    overlapping: {name: columns of 0 and 1}: groups of which an example can belong to several.
    id: the column of ids; None where rows are only numbered.
    """

    label: str
    prediction: str
    scores: tuple[tuple[str | None, str], ...]
    groups: tuple[str, ...]
    overlapping: dict[str, tuple[str, ...]]
    id: str | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that examples are compared by, those of 0 and 1 among them."""
        indicators = [column for columns in self.overlapping.values() for column in columns]
        return list(dict.fromkeys([*self.groups, *indicators]))

    @property
    def words(self) -> list[str]:
        """The columns that hold names."""
        return [self.label, self.prediction, *self.columns, *([] if self.id is None else [self.id])]

    @property
    def numbers(self) -> list[str]:
        return [column for _, column in self.scores]


def roles_of(
    label: Sequence[str],
    prediction: Sequence[str],
    scores: Sequence[str],
    groups: Sequence[str],
    overlapping: Sequence[str],
    ids: Sequence[str] = (),
) -> Roles:
    """The roles that the options give, each with all its values.

    label, prediction: one column each. scores: ``COLUMN`` or ``LABEL=COLUMN``.
    overlapping: ``NAME=COLUMN,COLUMN``. ids: one column or none.
    Raises AssayError where an option cannot be read, says something twice, or no group is named.
    """
    if not groups and not overlapping:
        raise AssayError(
            "expected whom to compare: give --group COLUMN, or --overlapping NAME=COLUMN,COLUMN for columns "
            "of 0 and 1."
        )
    roles = Roles(
        label=_one("--label", label),
        prediction=_one("--prediction", prediction),
        scores=_scores(scores),
        groups=tuple(groups),
        overlapping=_overlapping(overlapping),
        id=_one("--id", ids) if ids else None,
    )
    _check_once(roles)
    return roles


def split_list(option: str, given: str) -> tuple[str, ...]:
    """``a,b`` as (a, b); AssayError for an empty part or one that is there twice."""
    parts = tuple(part.strip() for part in given.split(","))
    if not all(parts) or len(set(parts)) < len(parts):
        raise AssayError(f'{option}: expected different names with commas between them, got "{given}".')
    return parts


def _one(option: str, given: Sequence[str]) -> str:
    if len(given) != 1 or not given[0].strip():
        raise AssayError(f"{option}: expected the name of one column, got {', '.join(given) or 'none'}.")
    return given[0]


def _scores(given: Sequence[str]) -> tuple[tuple[str | None, str], ...]:
    found: list[tuple[str | None, str]] = []
    for each in given:
        label, equals, column = each.partition("=")
        if not column.strip() and (equals or not label.strip()):
            raise AssayError(f'--score: expected COLUMN or LABEL=COLUMN, got "{each}".')
        found.append((label, column) if equals else (None, label))
    labels = [label for label, _ in found]
    if len(found) > 1 and None in labels:
        raise AssayError(
            f"--score: of several columns each must say whose probability it holds, got {', '.join(given)}. "
            "Give --score LABEL=COLUMN for each."
        )
    return tuple(found)


def _overlapping(given: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for each in given:
        name, _, columns = each.partition("=")
        if not name.strip() or not columns.strip():
            raise AssayError(f'--overlapping: expected NAME=COLUMN,COLUMN, got "{each}".')
        if name in found:
            raise AssayError(f'--overlapping: the name "{name}" is given twice. Give each once.')
        found[name] = split_list("--overlapping", columns)
    return found


def _check_once(roles: Roles) -> None:
    """Raise AssayError where one column has two roles: a model is not judged by what it was asked for."""
    given = [("--label", roles.label), ("--prediction", roles.prediction)]
    given += [("--score", column) for column in roles.numbers]
    given += [("--id", roles.id)] if roles.id is not None else []
    given += [("--group", column) for column in roles.groups]
    seen: dict[str, str] = {}
    indicators = {column for columns in roles.overlapping.values() for column in columns}
    for option, column in given:
        if seen.get(column) == option:
            raise AssayError(f'the column "{column}" is given twice as {option}. Give it once.')
        if column in seen:
            raise AssayError(
                f'the column "{column}" is given as {seen[column]} and as {option}. Give each role a column '
                "of its own."
            )
        if column in indicators and option != "--group":
            raise AssayError(f'the column "{column}" is given as {option} and in --overlapping.')
        seen[column] = option
    for name in roles.overlapping:
        if name in roles.groups:
            raise AssayError(f'"{name}" is given as --group and as the name of --overlapping. Rename it.')
    labels = [label for label, _ in roles.scores]
    for label in labels:
        if labels.count(label) > 1:
            raise AssayError(f'--score: the label "{label}" is given twice. Give each label one column.')
