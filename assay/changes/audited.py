"""What the gate needs to know of an audit: of the one that is judged, and of its baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

from assay.outcome_table import OutcomeTable
from assay.saved_runs import SavedRun
from reports.model import CandidateResult


@dataclass(frozen=True, eq=False)
class Audited:
    """outcomes: of its examples; None where they were not kept. confidence: of its intervals. seed: of the
    resampling that compares it with another. by_row: whether its examples have no ids but the numbers of
    their rows, which say nothing about other data. data_sha256: of the data; None where it is not known."""

    candidates: Sequence[CandidateResult]
    outcomes: OutcomeTable | None
    confidence: float
    seed: int
    by_row: bool = False
    data_sha256: str | None = None

    @classmethod
    def of(cls, run: SavedRun) -> "Audited":
        about = run.report.provenance
        of_predictions = about.config.get("command") == "fairness"
        columns = about.config if of_predictions else about.config.get("data")
        by_row = not isinstance(columns, dict) or columns.get("id") is None
        return cls(
            run.report.candidates, run.outcomes, about.confidence, about.seed, by_row, about.data_sha256
        )


def by_row(now: Audited, then: Audited) -> bool:
    """Whether examples of the two can be known by the numbers of rows alone, and not of the same data: the
    same number may then be that of any other example."""
    numbered = now.by_row or then.by_row
    return numbered and (now.data_sha256 is None or now.data_sha256 != then.data_sha256)
