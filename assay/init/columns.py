"""What can be seen of a column without knowing what it is for."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from robustness.cells import MISSING_GROUP

_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{2}|\d{4})( .*)?")
_ADDRESS = re.compile(r"(https?://|www\.)\S+", re.IGNORECASE)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")
# The spellings that fairness.group_columns takes for members and others of a group.
YES = frozenset({"1", "1.0", "true", "yes"})
_YES_NO = YES | {"0", "0.0", "false", "no"}


@dataclass(frozen=True)
class Column:
    """A column as seen in the first rows.

    counts: {value: rows}, without missing ones. missing: rows without a value. length: mean number of
    characters; words: mean number of words. numbers, dates, addresses: shares of the values.
    """

    name: str
    counts: Counter[str]
    missing: int
    length: float
    words: float
    numbers: float
    dates: float
    addresses: float

    @classmethod
    def of(cls, name: str, cells: Sequence[str]) -> "Column":
        present = [cell for cell in cells if cell != MISSING_GROUP]
        n = max(len(present), 1)
        return cls(
            name=name,
            counts=Counter(present),
            missing=len(cells) - len(present),
            length=sum(map(len, present)) / n,
            words=sum(len(cell.split()) for cell in present) / n,
            numbers=sum(number(cell) is not None for cell in present) / n,
            dates=sum(_DATE.fullmatch(cell.strip()) is not None for cell in present) / n,
            addresses=sum(_ADDRESS.fullmatch(cell.strip()) is not None for cell in present) / n,
        )

    @property
    def n(self) -> int:
        """Rows with a value."""
        return sum(self.counts.values())

    @property
    def distinct(self) -> int:
        return len(self.counts)

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return not self.missing and self.distinct == self.n

    @property
    def is_text(self) -> bool:
        """Whether it could be what people write: mostly several words, or long where words have no spaces."""
        other = max(self.numbers, self.dates, self.addresses) > 0.5
        spaceless = self.length >= 8 and not "".join(self.counts).isascii()
        return not other and self.n > 0 and (self.words >= 2 or spaceless)

    @property
    def is_yes_no(self) -> bool:
        return self.distinct == 2 and all(value.strip().lower() in _YES_NO for value in self.counts)

    @property
    def yes(self) -> int:
        """Rows of a column of yes and no that say yes."""
        return sum(n for value, n in self.counts.items() if value.strip().lower() in YES)

    @property
    def is_fractional(self) -> bool:
        """Whether it holds measurements: numbers, and not all whole."""
        values = [number(value) for value in self.counts]
        return self.numbers == 1 and any(value is not None and value % 1 for value in values)

    @property
    def is_share(self) -> bool:
        """Whether it holds fractional numbers between 0 and 1."""
        return self.is_fractional and all(0 <= (number(value) or 0.0) <= 1 for value in self.counts)

    @property
    def is_date(self) -> bool:
        return self.dates > 0.8

    @property
    def parts(self) -> frozenset[str]:
        """The words of its name in small letters: ``userID_2`` is user, id and 2."""
        return frozenset(part.lower() for part in _PARTS.findall(self.name))


def number(value: str) -> float | None:
    """``value`` as a finite number, or None."""
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None
