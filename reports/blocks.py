"""What a section is made of: plain data without a word of HTML, so that no section can forget to escape.

``templates/blocks.html.j2`` draws each kind; a block's class name chooses its macro.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from markupsafe import Markup

from reports.decisions import Recommendation
from reports.diffs import Span
from reports.formatting import Kind, figure, interval
from robustness.estimate import Estimate

Tone = Literal["plain", "good", "bad", "warn", "care", "muted"]

MOST_COLUMNS = 4
"""Candidates that stand side by side as columns; more of them are rows."""
WIDEST = 9
"""Cells in a row that a sheet of paper has room for, beside the row's name."""


@dataclass(frozen=True)
class Cell:
    """text: the value. note: a smaller line below it, such as an interval."""

    text: str
    note: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True)
class Column:
    title: str
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """header: the row's name, in the first column."""

    header: str
    cells: Sequence[Cell]
    note: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True)
class Table:
    """columns[0] heads the row names; every row has ``len(columns) - 1`` cells.

    sortable: whether the rows are of one kind, so that a reader may want them in another order.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    sortable: bool = True

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns) - 1:
                raise ValueError(
                    f'table "{self.caption}": expected {len(self.columns) - 1} cells in row "{row.header}", '
                    f"got {len(row.cells)}"
                )


@dataclass(frozen=True)
class Figure:
    """svg: the chart, which names itself to screen readers. data: the same numbers as a table."""

    title: str
    svg: Markup
    data: Table


@dataclass(frozen=True)
class Figures:
    """Charts side by side that share a legend; series: the legend, in the order of the colours.

    small: many charts of one kind, drawn for a place half as wide as a phone. printed: whether the numbers of
    the charts are for paper too, since no other table has them.
    """

    title: str
    series: Sequence[str]
    figures: Sequence[Figure]
    small: bool = False
    printed: bool = False


@dataclass(frozen=True)
class Text:
    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Bullets:
    items: Sequence[str]


@dataclass(frozen=True)
class Callout:
    """A box that must not be missed."""

    tone: Tone
    title: str
    text: str


@dataclass(frozen=True)
class Decision:
    """What the audit advises, in the largest words of the page. Its sign differs in shape too, not in colour
    alone."""

    state: Recommendation
    reason: str


@dataclass(frozen=True)
class Remark:
    """One finding: a word for its weight, the candidate it is about, and the sentence.

    section: the anchor of the section that shows it; drawn as a link where the page has that section.
    """

    tone: Tone
    weight: str
    about: str
    text: str
    section: str = ""


@dataclass(frozen=True)
class Remarks:
    """ranked: numbered, since their order says which matters most."""

    items: Sequence[Remark]
    ranked: bool = False


@dataclass(frozen=True)
class Facts:
    """A description list of (term, description)."""

    items: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Listing:
    """Preformatted text; title: what it is, for screen readers."""

    title: str
    text: str


@dataclass(frozen=True)
class Example:
    """A text that was changed. label: the true one; before, after: the predicted ones.

    parts: the changes of the text, or of both texts of a pair. note: what else is to be said of them.
    A text that was not changed has an empty ``before``.
    """

    id: str
    label: str
    before: str
    after: str
    parts: Sequence[Sequence[Span]]
    note: str = ""


@dataclass(frozen=True)
class Examples:
    items: Sequence[Example]


@dataclass(frozen=True)
class Details:
    """Blocks behind a summary that opens without a script."""

    summary: str
    blocks: "Sequence[Block]"


@dataclass(frozen=True)
class Side:
    """Blocks side by side where there is room."""

    blocks: "Sequence[Block]"


@dataclass(frozen=True)
class Part:
    """Blocks below a heading one level deeper."""

    title: str
    blocks: "Sequence[Block]"


Block = (
    Table
    | Figures
    | Text
    | Bullets
    | Callout
    | Decision
    | Remarks
    | Facts
    | Listing
    | Examples
    | Details
    | Side
    | Part
)


@dataclass(frozen=True)
class Section:
    """One section of the report. anchor: its id in the page, letters and hyphens."""

    title: str
    anchor: str
    blocks: Sequence[Block]


def beside(caption: str, what: str, names: Sequence[str], rows: Sequence[Row]) -> Table:
    """Candidates side by side: a column each while they are few, else a row each, which can be sorted.

    rows: one for each thing that is told of the candidates, with a cell for each of ``names``. what: heads
    these rows. Notes of the rows become part of the headings of columns.
    """
    if len(names) <= MOST_COLUMNS:
        return Table(caption, [Column(what), *map(Column, names)], rows, sortable=False)
    titles = [f"{row.header} ({row.note})" if row.note else row.header for row in rows]
    turned = [Row(each, [row.cells[i] for row in rows]) for i, each in enumerate(names)]
    return Table(caption, [Column("Candidate"), *map(Column, titles)], turned)


def parted(table: Table) -> list[Table]:
    """``table``, or where it has more than ``WIDEST`` cells in a row several beside it: with a share of the
    columns each, and the names of all rows."""
    cells = len(table.columns) - 1
    parts = ceil(cells / WIDEST)
    if parts <= 1:
        return [table]
    size = ceil(cells / parts)
    return [
        replace(
            table,
            caption=f"{table.caption}, part {i + 1} of {parts}",
            columns=[table.columns[0], *table.columns[1 + i * size : 1 + (i + 1) * size]],
            rows=[replace(row, cells=row.cells[i * size : (i + 1) * size]) for row in table.rows],
        )
        for i in range(parts)
    ]


def is_noted(table: Table) -> bool:
    """Whether there is a note below a number."""
    return any(cell.note for row in table.rows for cell in row.cells)


def estimate_cell(estimate: Estimate | None, kind: Kind = "percent", *, show_n: bool = False) -> Cell:
    """The value above its interval; ``not measured`` above the reason."""
    if estimate is None:
        return Cell("not measured", tone="muted")
    if estimate.value is None:
        return Cell("not measured", estimate.reason or "", "muted")
    notes = [interval(estimate, kind)] + ([f"n {estimate.n:,}"] if show_n else [])
    return noted_cell(figure(estimate.value, kind), notes)


def noted_cell(text: str, notes: Sequence[str], tone: Tone = "plain") -> Cell:
    """``text`` above its notes; a line of a narrow column breaks between these, not within them."""
    kept = [note.replace(" ", "\u00a0") for note in notes if note]
    return Cell(text, "\u00a0· ".join(kept), tone)


def norm_cell(norm: Estimate | None) -> Cell:
    """A norm, with its interval also where the upper end is open."""
    if norm is None or norm.value is None or norm.low is None:
        return estimate_cell(norm, "number")
    ends = f"{norm.low:.3g} or more" if norm.high is None else f"{norm.low:.3g} to {norm.high:.3g}"
    # Longer than a rate's: it may break anywhere between its words.
    return Cell(f"{norm.value:.3g}", f"{ends} · n\u00a0{norm.n:,}")
