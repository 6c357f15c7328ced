"""Which column is the text, and which the label: every candidate gets a score, and ties are told."""

from collections.abc import Mapping
from dataclasses import dataclass

from assay.init.columns import Column
from assay.init.toml import quoted
from assay.init.vocabulary import IDENTITIES, LABEL, PAIRS, PEOPLE, SCORE, SOURCES, TEXT
from attacks.errors import AssayError
from robustness.cells import MAX_CLASSES

MOST_UNNAMED = 20
"""Different values of a column that is taken for the label although its name does not say so."""


@dataclass(frozen=True)
class Ranked:
    """chosen: the column; why: in words. others: that would have done nearly as well."""

    chosen: str
    why: str
    others: tuple[str, ...] = ()


def guess_text(columns: Mapping[str, Column], given: str | None, source: str) -> Ranked:
    """A name like a text's counts as 30 words a row do. Raises AssayError where nothing looks like one."""
    if given is not None:
        return Ranked(given, "as given")

    def score(column: Column) -> float:
        named = column.parts & TEXT
        exact = column.name.strip().lower() == "text"
        size = max(column.words, column.length / 6)
        return bool(named) + exact + min(size, 30) / 30 + column.distinct / max(column.n, 1) / 2

    found = sorted((c for c in columns.values() if c.is_text), key=score, reverse=True)
    if not found:
        raise AssayError(
            f"{source}: no column looks like texts, of several words each. Columns there: "
            f"{', '.join(map(quoted, columns))}. Name the one that is, with --text COLUMN."
        )
    best, *rest = found
    why = f"{best.words:.1f} words a row" if best.words >= 2 else f"{best.length:.0f} characters a row"
    why += " and its name" if best.parts & TEXT else ""
    close = tuple(column.name for column in rest if score(best) - score(column) < 0.75)
    return Ranked(best.name, why, close)


def guess_pair(text: str, columns: Mapping[str, Column]) -> tuple[str, str] | None:
    """The two texts of a pair, by their names, where ``text`` is one of them."""
    names = {name.strip().lower(): name for name in columns}
    for first, second in PAIRS:
        if first in names and second in names and text in (names[first], names[second]):
            pair = names[first], names[second]
            if all(columns[name].is_text for name in pair):
                return pair
    return None


def guess_label(columns: Mapping[str, Column], given: str | None, source: str, *, whole: bool) -> Ranked:
    """By name first, then by how few values there are. Raises AssayError where nothing can be the label.

    whole: whether all rows were read: else a column of one value may have others further down.
    """
    if given is not None:
        constant = columns[given].distinct < 2 if given in columns else False
        if constant and whole:
            raise _constant(columns[given], source)
        return Ranked(given, "as given")
    found = sorted((c for c in columns.values() if _score(c) > 0), key=_score, reverse=True)
    several = [column for column in found if column.distinct > 1]
    if not several and found and whole:
        raise _constant(found[0], source)
    if not found:
        raise AssayError(
            f"{source}: no column looks like labels, of a few values each. Columns there: "
            f"{', '.join(map(quoted, columns)) or 'none but the text'}. Name the one that is, with --label "
            "COLUMN, or add one."
        )
    best, *rest = several if whole else found
    why = "by its name" if _named(best) else f"as it has only {best.distinct} different values"
    close = tuple(column.name for column in rest if _score(best) - _score(column) < 1)
    return Ranked(best.name, why, close)


def _named(column: Column) -> int:
    """More where the whole name is such a word than where one is part of it."""
    named = max((LABEL.get(part, 0) for part in column.parts), default=0)
    return named + 2 if column.name.strip().lower() in LABEL else named


def _score(column: Column) -> float:
    """How much it looks like the label; 0 where it cannot be."""
    named = _named(column)
    most = MAX_CLASSES if named else MOST_UNNAMED
    few = 1 <= column.distinct <= min(most, max(2.0, column.n * 0.8))
    if not few or column.is_date or (column.distinct == 1 and not named):
        return 0.0
    # Labels can be of several words ("card not working"), but then they come again and again.
    if column.is_text and not (named and column.distinct <= column.n / 2):
        return 0.0
    if column.is_share and column.parts & SCORE:
        return 0.0
    if column.is_fractional and column.distinct > MOST_UNNAMED and named < 3:
        return 0.0
    about = PEOPLE | SOURCES | (IDENTITIES if column.is_yes_no else frozenset())
    if column.parts & about and not named:
        return 0.0
    # Fewer values look more like labels, and words more than numbers; the name weighs more than both.
    return named + 1 / (1 + column.distinct / 10) + (0.25 if column.numbers < 0.5 else 0.0)


def _constant(column: Column, source: str) -> AssayError:
    if column.counts:
        rows = f"every row{' that is not empty' if column.missing else ''}"
        found = f"{rows} has the label {quoted(next(iter(column.counts)))} in {quoted(column.name)}"
    else:
        found = f"every row is empty in {quoted(column.name)}"
    return AssayError(
        f"{source}: {found}: expected two labels at least. Add examples of another one, or name another "
        "column with --label COLUMN."
    )
