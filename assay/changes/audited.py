"""What the gate needs to know of an audit: of the one that is judged, and of its baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

from assay.outcome_table import OutcomeTable
from assay.saved_runs import SavedRun
from reports.model import CandidateResult


@dataclass(frozen=True, eq=False)
class Audited:
    """outcomes: of its examples; None where they were not kept. confidence: of its intervals. seed: of the
    resampling that compares it with another. by_row: whether its examples are rows of a file of predictions
    without ids, whose numbers say nothing about another file."""

    candidates: Sequence[CandidateResult]
    outcomes: OutcomeTable | None
    confidence: float
    seed: int
    by_row: bool = False

    @classmethod
    def of(cls, run: SavedRun) -> "Audited":
        about = run.report.provenance
        by_row = about.config.get("command") == "fairness" and about.config.get("id") is None
        return cls(run.report.candidates, run.outcomes, about.confidence, about.seed, by_row)
