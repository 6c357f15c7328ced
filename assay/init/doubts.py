"""What to look at before an audit, although a guess could be made."""

from collections.abc import Sequence

from assay.init.columns import Column
from assay.init.look import Look
from assay.init.toml import quoted

FEW = 30


def about_labels(label: Column, look: Look) -> list[str]:
    """What to look at in the labels that were read."""
    told = []
    name = quoted(label.name)
    if label.distinct == 1:
        told.append(
            f"All {look.rows:,} rows that were read have the same {name}: the file seems to be sorted. The "
            "audit needs two labels at least."
        )
    if label.is_share and label.distinct > 2:
        told.append(
            f"{name} holds numbers between 0 and 1 and not labels. Make labels of it first, for example "
            "toxic where it is 0.5 or more."
        )
    elif label.numbers == 1 and label.distinct > 4:
        told.append(
            f"{name} has {label.distinct} values that are numbers: each is taken for a class of its own, and "
            "4 for 5 counts as wrong as 1 for 5. If it is a rating, join values with label_map."
        )
    spelt: dict[str, str] = {}
    for value in label.counts:
        same = spelt.setdefault(value.strip().casefold(), value)
        if same != value:
            told.append(
                f"The labels {quoted(same)} and {quoted(value)} differ only in how they are spelt: join them "
                "with label_map."
            )
    rare = [value for value, n in label.counts.items() if n < FEW]
    if rare and look.whole and label.distinct > 1:
        told.append(
            f"{some(rare)}: fewer than {FEW} examples, so that what is measured of "
            f"{'it' if len(rare) == 1 else 'them'} says little."
        )
    return told


def missing(*columns: tuple[Column, str]) -> list[str]:
    """Of columns and what they hold: those with empty cells."""
    return [
        f"{column.missing:,} of the rows that were read have no {what} in {quoted(column.name)}. The audit "
        "refuses them: fill them in or remove them."
        for column, what in columns
        if column.missing
    ]


def some(names: Sequence[str], most: int = 6) -> str:
    """The first ``most`` names, and how many more."""
    shown = [quoted(name) for name in names[:most]]
    return ", ".join(shown) + (f" and {len(names) - most:,} more" if len(names) > most else "")
