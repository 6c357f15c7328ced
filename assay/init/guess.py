"""Guesses which column is what, and says why and what it is unsure of."""

from collections.abc import Sequence
from dataclasses import dataclass

from assay.init.columns import Column
from assay.init.doubts import about_labels, missing, some
from assay.init.groups import Groups, guess_groups
from assay.init.look import Look
from assay.init.roles import guess_label, guess_pair, guess_text
from assay.init.toml import quoted
from assay.init.vocabulary import ID, PREDICTION, SCORE, SPLIT
from attacks.errors import AssayError
from robustness.cells import SPLIT_NAMES, ordered_labels
from robustness.readers import check_columns


@dataclass(frozen=True)
class Guess:
    """text, text_pair, label, id, split_column: as in [data]; groups: see ``Groups``.

    other_texts, other_labels: columns that could as well have been these. id_unsure: ``id`` may repeat in
    rows that were not read. labels: of the rows that were read, in the order of an audit, with how often
    each was met. prediction, scores: columns that a model seems to have written.
    sizes: {grouping: the rows of each of its groups}.
    said: what was guessed and why, unsure: what to look at, both as sentences.
    """

    text: str
    text_pair: str | None
    label: str
    id: str | None
    split_column: str | None
    groups: Groups
    labels: dict[str, int]
    other_texts: tuple[str, ...]
    other_labels: tuple[str, ...]
    id_unsure: bool
    prediction: str | None
    scores: tuple[str, ...]
    sizes: dict[str, list[int]]
    said: tuple[str, ...]
    unsure: tuple[str, ...]


def guess(
    look: Look, *, text: str | None = None, label: str | None = None, groups: Sequence[str] | None = None
) -> Guess:
    """The roles of the columns; those given are taken as they are.

    Raises AssayError for a column that is not there, and where no text or no label can be found.
    """
    given = [each for each in (text, label, *(groups or ())) if each is not None]
    check_columns(list(look.words), given, str(look.path))
    twice = [name for name in given if given.count(name) > 1]
    if twice:
        raise AssayError(f"{quoted(twice[0])} is given twice: give each role a column of its own.")
    columns = {name: Column.of(name, cells) for name, cells in look.words.items()}
    if len(columns) < 2:
        raise AssayError(
            f"{look.path}: expected a column of texts and one of labels, got {len(columns)} column"
            f"{'' if columns else 's'} that can be read. Add the labels, or name another file."
        )
    said: list[str] = []
    unsure: list[str] = []
    free = {name: column for name, column in columns.items() if name not in (label, *(groups or ()))}
    texts = guess_text(free, text, str(look.path))
    pair = guess_pair(texts.chosen, free) if text is None else None
    first, second = pair or (texts.chosen, None)
    rest = {name: column for name, column in columns.items() if name not in (first, second)}
    split = _split(rest, label, unsure)
    identifier = _id(rest, {label, *(groups or ())})
    made = {name for name in rest if rest[name].parts & PREDICTION and name not in given}
    labels = guess_label(
        {n: c for n, c in rest.items() if n not in made and n not in (split, identifier)},
        label,
        str(look.path),
        whole=look.whole,
    )
    target = columns[labels.chosen]
    others = tuple(name for name in texts.others if name not in (first, second, target.name))
    prediction, scores = _made(rest, target, given)
    taken = {first, second, labels.chosen, split, identifier, prediction, *scores, *made, *labels.others}
    told = guess_groups({n: c for n, c in rest.items() if n not in taken or n in (groups or ())}, groups)

    said.append(f"text: {quoted(first)}, {texts.why}")
    if second is not None:
        said.append(f"text_pair: {quoted(second)}, by the names of the two")
    counts = {name: target.counts[name] for name in ordered_labels(set(target.counts))}
    said.append(f"label: {quoted(target.name)}, {labels.why}: {_listed(counts)}")
    if identifier is not None:
        said.append(f"id: {quoted(identifier)}, by its name; each of its values was met once")
    if split is not None:
        said.append(f"split_column: {quoted(split)}, by its values; the rows that say test are audited")
    said += told.said
    if prediction is not None:
        said.append(f"{quoted(prediction)} holds the predictions of a model, it seems")
    if others:
        unsure.append(f"The text may also be {some(others)}.")
    if labels.others:
        unsure.append(f"The label may also be {some(labels.others)}.")
    unsure += [
        f"{quoted(name)} cannot be the id, as some of its values come again: perhaps rows are there twice."
        for name, column in rest.items()
        if name not in taken and column.parts <= ID and column.n / 2 < column.distinct < column.n
    ]
    unsure += about_labels(target, look)
    unsure += missing((columns[first], "text"), (target, "label"))
    unsure += told.unsure
    return Guess(
        text=first,
        text_pair=second,
        label=target.name,
        id=identifier,
        split_column=split,
        groups=told,
        labels=counts,
        other_texts=others,
        other_labels=labels.others,
        id_unsure=not look.whole,
        prediction=prediction,
        scores=scores,
        sizes=_sizes(columns, told),
        said=tuple(said),
        unsure=tuple(unsure),
    )


def _split(columns: dict[str, Column], label: str | None, unsure: list[str]) -> str | None:
    for name, column in columns.items():
        if name == label or not column.parts & SPLIT:
            continue
        others = column.counts.keys() - SPLIT_NAMES.keys()
        if "test" in column.counts and not (others or column.missing):
            return name
        if {value.strip().lower() for value in column.counts} & SPLIT_NAMES.keys():
            why = "no row that was read says test"
            if column.missing:
                why = f"{column.missing:,} rows name none"
            elif others:
                why = f"not only train, validation (dev, val) and test: {some(sorted(others))}"
            unsure.append(f"{quoted(name)} names splits, but {why}. All rows are audited, whatever it says.")
    return None


def _id(columns: dict[str, Column], given: set[str | None]) -> str | None:
    found = [n for n, c in columns.items() if c.unique and c.n > 1 and c.parts & ID and n not in given]
    # "id" before "user_id", which is only by chance different in every row.
    return min(found, key=lambda name: len(columns[name].parts), default=None)


def _made(
    columns: dict[str, Column], label: Column, given: Sequence[str]
) -> tuple[str | None, tuple[str, ...]]:
    """(the predicted labels, the probabilities) that stand in the file already."""
    free = [column for name, column in columns.items() if name != label.name and name not in given]
    predicted = [
        column.name
        for column in free
        if column.counts
        and not (column.missing or label.missing)
        and column.parts & PREDICTION
        and column.counts.keys() <= label.counts.keys()
    ]
    scores = tuple(
        column.name
        for column in free
        if column.is_share
        and not column.missing
        and column.parts & (SCORE | PREDICTION)
        and column.name not in predicted
    )
    return (predicted[0] if predicted else None), scores


def _sizes(columns: dict[str, Column], groups: Groups) -> dict[str, list[int]]:
    """Of the columns that are compared by themselves, and of the overlapping groups."""
    alone = [name for name in groups.columns if name not in groups.overlapping]
    sizes = {name: list(columns[name].counts.values()) for name in alone}
    if groups.overlapping:
        sizes[groups.overlapping_name] = [columns[name].yes for name in groups.overlapping]
    return sizes


def _listed(counts: dict[str, int], most: int = 6) -> str:
    shown = [f"{quoted(value)} {n:,}" for value, n in list(counts.items())[:most]]
    return ", ".join(shown) + (f" and {len(counts) - most:,} more" if len(counts) > most else "")
