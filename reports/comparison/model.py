"""A comparison of audits as data: what its page and its Markdown are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reports.model import AuditReport
from robustness.estimate import Estimate

Standing = Literal["higher", "lower", "no difference established"]
"""What is said of a metric that was tested; there are no other words for it."""

Topic = Literal["clean", "attacks", "behaviour", "identities", "groups"]


@dataclass(frozen=True)
class ComparedRun:
    """name: unique within the comparison. path: its folder. report: its audit.json.

    shared: how many of its examples the first run is known to have too, with the same id and label; None
    where the outcomes of one of them were not kept.
    """

    name: str
    path: str
    report: AuditReport
    shared: int | None


@dataclass(frozen=True)
class Difference:
    """Of one metric, from the first run to another.

    now, then: the metric there and in the first run, on the shared examples where they are compared in pairs.
    change: now minus then; undefined, with the reason, where nothing could be compared. p_value: two-sided,
    of "no difference"; adjusted: after Benjamini and Hochberg (1995) over the whole comparison; both None
    where nothing was tested. test: how, in words. standing: None where nothing was tested. better: whether
    the change is for the better; None where none is established, no direction of the metric is better, or
    the runs are apart. apart: whether they are known to share no example: the examples may be the reason.
    """

    now: Estimate
    then: Estimate
    change: Estimate
    p_value: float | None = None
    adjusted: float | None = None
    test: str = ""
    standing: Standing | None = None
    better: bool | None = None
    apart: bool = False

    @property
    def established(self) -> bool:
        return self.standing in ("higher", "lower")


@dataclass(frozen=True)
class Measure:
    """One metric of one candidate in every run.

    metric: as audit.json names it; label: what it is of, in words. observed: r estimates, one a run, as the
    run has them. differences: r - 1, one for each run but the first; None where it lacks the candidate.
    """

    topic: Topic
    metric: str
    label: str
    observed: Sequence[Estimate]
    differences: Sequence[Difference | None]


@dataclass(frozen=True)
class ComparedCandidate:
    """names: r, what it is called in each run; None where the run has no such candidate."""

    names: Sequence[str | None]
    measures: Sequence[Measure]

    @property
    def name(self) -> str:
        """As the first run calls it."""
        return self.names[0] or ""


@dataclass(frozen=True)
class Comparison:
    """runs: r >= 2, the first being what the others are compared with. candidates: of the first run.

    alone: {name of a run: its candidates that no candidate of the first run is compared with, and the
    reverse under the name of the first run}. notes: sentences that a reader must know. tests: how many
    differences were tested. false_discovery_rate: of the differences called established, the share that may
    be chance.
    """

    runs: Sequence[ComparedRun]
    candidates: Sequence[ComparedCandidate]
    alone: dict[str, list[str]]
    notes: Sequence[str]
    tests: int
    false_discovery_rate: float

    @property
    def first(self) -> ComparedRun:
        return self.runs[0]

    @property
    def others(self) -> Sequence[ComparedRun]:
        return self.runs[1:]
