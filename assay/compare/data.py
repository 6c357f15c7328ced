"""What the examples of several runs have in common, and what a reader must know of that."""

from collections.abc import Iterator, Sequence

from assay.changes.pairing import LEAST_SHARED
from assay.saved_runs import SavedRun
from attacks.errors import AssayError
from reports.formatting import listed, name
from reports.highlights import is_predictions


def unique_names(runs: Sequence[SavedRun]) -> list[str]:
    """The name of each folder, with as many of those above it as tell it from the others."""
    paths = [run.folder.path.resolve().parts for run in runs]
    names = []
    for path in paths:
        others = [other for other in paths if other != path]
        n = next(n for n in range(1, len(path) + 1) if all(other[-n:] != path[-n:] for other in others))
        names.append("/".join(path[-n:]))
    return names


def shared_examples(run: SavedRun, first: SavedRun) -> int | None:
    """How many examples have the same id and label in both; None where one kept no outcomes."""
    if run.outcomes is None or first.outcomes is None:
        return None
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
    """What a reader must know before the numbers."""
    first, (here, *others) = runs[0], map(name, names)
    for run, there in zip(runs[1:], others, strict=True):
        shared = shared_examples(run, first)
        n = max(run.report.data.n, first.report.data.n)
        if shared is None:
            yield (
                f"What {here} or {there} answered to each example was not kept (an earlier version of assay "
                "keeps none): they are compared as two samples, which establishes less than pairs would."
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
    if any(is_predictions(candidate) for run in runs for candidate in run.report.candidates):
        yield (
            "Examples of a file of predictions are known by the number of their row: two files are compared "
            "as if both listed the same examples in the same order."
        )
