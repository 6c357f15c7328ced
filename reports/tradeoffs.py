"""What each candidate gives for what it costs: accuracy, differences between groups, and robustness."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Literal

import numpy as np

from fairness.pareto import pareto_front
from reports.groupings import assessed
from reports.highlights import Family, accuracy_under, attack_label, families, run_of
from reports.model import AuditReport, CandidateResult, Finding
from robustness.estimate import Estimate

ODDS = "equalized_odds_difference"
OVERLAP = "intervals overlap"
"""What is said of two candidates where their intervals were looked at, and not their pairs."""
CLEAN = "clean text"
"""How findings that compare candidates name the accuracy without an attack."""

Side = Literal["accuracy", "odds", "attacked"]


@dataclass(frozen=True)
class Measures:
    """One candidate: the larger ``accuracy`` and ``attacked`` the better, the smaller ``odds``.

    attacked: accuracy under the attack of the trade-off; None where there is none. front: whether it is on
    the Pareto front of all three. One whose training collapsed is not: what answers the same to every text
    treats all groups alike.
    """

    candidate: CandidateResult
    accuracy: Estimate
    odds: Estimate
    attacked: Estimate | None
    front: bool

    @property
    def collapsed(self) -> bool:
        return has_collapsed(self.candidate)


@dataclass(frozen=True)
class TradeOff:
    """grouping, metric: whose equalized odds difference. why: why this one. attack: None without attacks.

    measures: of at least two candidates. reference: that with which they are compared, the first one without
    a mitigation, else the first. pairs: {(one, other, what): ``higher`` or ``lower``} where a finding of the
    report established, example by example, how the one candidate lies to the other; it goes before intervals.
    """

    grouping: str
    metric: str
    why: str
    attack: str | None
    measures: Sequence[Measures]
    pairs: Mapping[tuple[str, str, Side], str] = field(default_factory=dict)

    def standing(self, mine: Measures, other: Measures, side: Side) -> str:
        """``higher`` or ``lower`` by the pairs, else as in ``compared``."""
        of_pairs = self.pairs.get((mine.candidate.name, other.candidate.name, side))
        return of_pairs or compared(getattr(mine, side), getattr(other, side))

    @property
    def reference(self) -> Measures:
        plain = (each for each in self.measures if each.candidate.mitigation is None)
        return next(plain, self.measures[0])

    def is_beaten(self, mine: Measures) -> bool:
        """Whether a candidate whose estimates are nowhere worse is established to be better in something."""
        return any(
            _dominates(other, mine)
            and (
                self.standing(other, mine, "accuracy") == "higher"
                or self.standing(other, mine, "odds") == "lower"
                or self.standing(other, mine, "attacked") == "higher"
            )
            for other in self.measures
            if other is not mine and not other.collapsed
        )


def trade_off(report: AuditReport) -> TradeOff | None:
    """The candidates side by side; None where there are fewer than two with an equalized odds difference."""
    chosen = _chosen(report)
    if chosen is None:
        return None
    grouping, metric, why = chosen
    attack = _main_attack(report)
    found = [
        (candidate, each.disparities[metric], accuracy_under(candidate, *attack) if attack else None)
        for candidate, each in assessed(report, grouping)
        if metric in each.disparities and each.disparities[metric].value is not None
    ]
    if len(found) < 2:
        return None
    values = [
        [_value(candidate.robustness.clean.accuracy), -_value(odds), *([_value(under)] if attack else [])]
        for candidate, odds, under in found
    ]
    # A row with NaN is not on the front and keeps none from it.
    usable = [
        [nan] * len(row) if has_collapsed(candidate) else row
        for (candidate, *_), row in zip(found, values, strict=True)
    ]
    front = pareto_front(np.array(usable))
    measures = [
        Measures(candidate, candidate.robustness.clean.accuracy, odds, under, bool(best))
        for (candidate, odds, under), best in zip(found, front, strict=True)
    ]
    label = attack_label(*attack) if attack else None
    return TradeOff(grouping, metric, why, label, measures, _pairs(report, attack))


def _pairs(
    report: AuditReport, attack: tuple[Family, float | None] | None
) -> dict[tuple[str, str, Side], str]:
    """What the findings say of each candidate against the first, with which they compare, and so the other
    way round."""
    first = report.candidates[0].name
    found: dict[tuple[str, str, Side], str] = {}
    for finding in report.findings:
        word, opposite = ("higher", "lower") if finding.id == "comparison.better" else ("lower", "higher")
        mine = next((each for each in report.candidates if each.name == finding.candidate), None)
        if finding.id not in ("comparison.better", "comparison.worse") or mine is None:
            continue
        places: list[tuple[Side, str]] = [("accuracy", CLEAN)]
        if attack is not None and (run := run_of(mine, *attack)) is not None:
            places.append(("attacked", attack_label(*attack)))
            if sum(each.label == run.label for each in mine.robustness.attacks) == 1:
                places.append(("attacked", run.label))  # how audits of earlier versions name it
        for side, place in places:
            if _speaks_of(finding, place):
                found[mine.name, first, side], found[first, mine.name, side] = word, opposite
    return found


def _speaks_of(finding: Finding, place: str) -> bool:
    """Whether it compares on this text or under this attack, first or in its list of the others."""
    return (
        re.search(rf"(on|under|:|,|and) {re.escape(place)}( than |,|\.$| and )", finding.message) is not None
    )


def has_collapsed(candidate: CandidateResult) -> bool:
    """Whether its training ended in a model that predicts one class for every validation example."""
    return candidate.training is not None and candidate.training.collapsed


def intervals_overlap(one: Estimate, other: Estimate) -> bool:
    """Whether two intervals share a value; True also where one is not known."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return True
    return one.low <= other.high and other.low <= one.high


def compared(mine: Estimate | None, first: Estimate | None) -> str:
    """``higher``, ``lower``, or ``intervals overlap``; empty where one is undefined."""
    if mine is None or first is None or mine.value is None or first.value is None:
        return ""
    if intervals_overlap(mine, first):
        return OVERLAP
    return "higher" if mine.value > first.value else "lower"


def _chosen(report: AuditReport) -> tuple[str, str, str] | None:
    """(grouping, metric, why): that of the first mitigation, or where the first candidate is worst."""
    candidates = [each for each in report.candidates if each.fairness is not None]
    if len(candidates) < 2 or candidates[0].fairness is None:
        return None
    groups = candidates[0].fairness.groups
    mitigated = next(
        (each.mitigation.group for each in candidates if each.mitigation and each.mitigation.group), None
    )
    searched = [mitigated] if mitigated in groups else [g for g in groups if groups[g].kind != "intersection"]
    measured = [
        (estimate.value, grouping, metric)
        for grouping in searched
        if grouping is not None
        for metric, estimate in groups[grouping].disparities.items()
        if metric.split("[")[0] == ODDS and estimate.value is not None
    ]
    if not measured:
        return None
    _, grouping, metric = max(measured, key=lambda each: each[0])
    why = (
        "the column that was mitigated"
        if grouping == mitigated
        else f"where it is largest for {candidates[0].name}, the first candidate"
    )
    return grouping, metric, why


def _main_attack(report: AuditReport) -> tuple[Family, float | None] | None:
    """The first attack with limits, at its middle budget."""
    for family in families(report):
        if not family.minimal:
            return family, family.main_epsilon
    return None


def _dominates(other: Measures, mine: Measures) -> bool:
    """By the estimates: nowhere worse, and better in something."""
    pairs = [
        (_value(other.accuracy), _value(mine.accuracy)),
        (-_value(other.odds), -_value(mine.odds)),
        *([(_value(other.attacked), _value(mine.attacked))] if mine.attacked or other.attacked else []),
    ]
    return all(theirs >= own for theirs, own in pairs) and any(theirs > own for theirs, own in pairs)


def _value(estimate: Estimate | None) -> float:
    return nan if estimate is None or estimate.value is None else estimate.value
