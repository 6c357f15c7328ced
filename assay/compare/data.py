"""What the candidates and examples of several runs have in common, and what a reader must know of that."""

from collections.abc import Iterator, Sequence

from assay.changes import audited
from assay.changes.audited import Audited
from assay.changes.pairing import LEAST_SHARED, same_rows
from assay.saved_runs import SavedRun
from attacks.errors import AssayError
from reports.formatting import listed, name
from reports.model import AuditReport


def unique_names(runs: Sequence[SavedRun]) -> list[str]:
    """The name of each folder, with as many of those above it as tell it from the others."""
    paths = [run.folder.path.resolve().parts for run in runs]
    names = []
    for path in paths:
        others = [other for other in paths if other != path]
        n = next(n for n in range(1, len(path) + 1) if all(other[-n:] != path[-n:] for other in others))
        names.append("/".join(path[-n:]))
    return names


def matched(first: AuditReport, other: AuditReport) -> dict[str, str]:
    """{candidate of the first run: that of the other}: of the same name, or the only ones."""
    mine, theirs = ([each.name for each in report.candidates] for report in (first, other))
    if len(mine) == len(theirs) == 1:
        return {mine[0]: theirs[0]}
    return {name: name for name in mine if name in theirs}


def by_row(run: SavedRun, first: SavedRun) -> bool:
    """Whether examples of both can be known by the numbers of rows alone, and not of the same data."""
    return audited.by_row(Audited.of(run), Audited.of(first))


def shared_examples(run: SavedRun, first: SavedRun) -> int | None:
    """How many examples are known to be in both: with the same id and label, or for rows without ids of other
    data all of them, where the labels agree throughout. None where one kept no outcomes."""
    if run.outcomes is None or first.outcomes is None:
        return None
    if by_row(run, first) and not same_rows(run.outcomes, first.outcomes):
        return 0
    mine, theirs = (
        {(i, table.label_names[label]) for i, label in zip(table.ids, table.labels, strict=True)}
        for table in (run.outcomes, first.outcomes)
    )
    return len(mine & theirs)


def check_labels(runs: Sequence[SavedRun]) -> None:
    """Raises AssayError where a run has no label in common with the first: it is of another task."""
    first = runs[0]
    for run in runs[1:]:
        mine, theirs = (sorted(each.report.data.label_counts) for each in (run, first))
        if not set(mine) & set(theirs):
            raise AssayError(
                f"{run.folder.path}: expected a run of the same task, with labels of {first.folder.path} "
                f"({', '.join(theirs)}), got {', '.join(mine)}. Compare runs that have the same labels."
            )


def notes(runs: Sequence[SavedRun], names: Sequence[str]) -> Iterator[str]:
    """What a reader must know before the numbers, of every run of which a candidate is compared."""
    first, (here, *others) = runs[0], map(name, names)
    for run, there in zip(runs[1:], others, strict=True):
        if not matched(first.report, run.report):
            continue
        shared = shared_examples(run, first)
        n = max(run.report.data.n, first.report.data.n)
        if shared is None:
            yield (
                f"What {here} or {there} answered to each example was not kept (an earlier version of assay "
                "keeps none): they are compared as two samples, which establishes less than pairs would."
            )
        elif by_row(run, first):
            yield _of_rows(here, there, paired=shared > 0)
        elif not shared:
            yield (
                f"{there} shares no example with {here}: they are compared as two samples of other examples, "
                "so what is higher or lower may be so because of the examples, and is called neither better "
                "nor worse."
            )
        elif shared < n:
            how = "on these alone, in pairs" if shared >= LEAST_SHARED * n else "as two samples"
            yield (
                f"{there} shares {shared:,} examples with {here}; the larger of the two has {n:,}. They are "
                f"compared {how}."
            )
        mine, theirs = (set(each.report.data.label_counts) for each in (run, first))
        if mine != theirs:
            yield (
                f"The labels of {there} ({listed(sorted(map(name, mine)))}) are not those of {here} "
                f"({listed(sorted(map(name, theirs)))}): its figures are shown beside, and nothing is tested."
            )


def _of_rows(here: str, there: str, *, paired: bool) -> str:
    """What predictions without ids are taken for."""
    if paired:
        return (
            f"There are no ids to know the examples of {here} and {there} by. As many rows with the same "
            "labels in the same order are taken for the same examples; to be sure, name a column of ids with "
            "--id in assay fairness (and id in [data] of an audit)."
        )
    return (
        f"Which examples {there} shares with {here} is not known, because there are no ids and the labels "
        "of their rows are not the same throughout: they are compared as two samples, and what is higher or "
        "lower is called neither better nor worse. Name a column of ids with --id in assay fairness (and id "
        "in [data] of an audit)."
    )
