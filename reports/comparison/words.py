"""How the differences between runs are written: a change with its sign, its interval and its standing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.blocks import Cell, Tone, estimate_cell, norm_cell, noted_cell
from reports.comparison.model import ComparedRun, Comparison, Difference, Measure
from reports.formatting import MINUS, Kind, bare, figure, full, kind_of, name, p_words, unbroken
from reports.limits import unit_of_change
from reports.tradeoffs import intervals_overlap
from robustness.estimate import Estimate

NOT_THERE = Cell("no such candidate", tone="muted")
NORM = "minimal_norm"
ALSO = 3
"""How many further differences of a group are named."""


@dataclass(frozen=True)
class Established:
    """One established difference of a candidate between the first run and another.

    candidate: as the first run calls it. about: the same for readers, with what the other run calls it where
    that differs.
    """

    candidate: str
    run: ComparedRun
    measure: Measure
    difference: Difference
    about: str


def established(comparison: Comparison) -> Iterator[Established]:
    """What is for the worse first, then what is for the better, then what is neither."""
    found = [
        Established(candidate.name, run, measure, difference, _about(candidate.name, called))
        for candidate in comparison.candidates
        for measure in candidate.measures
        for run, called, difference in zip(
            comparison.others, candidate.names[1:], measure.differences, strict=True
        )
        if difference is not None and difference.established
    ]
    for better in (False, True, None):
        yield from (each for each in found if each.difference.better is better)


def _about(first: str, called: str | None) -> str:
    return name(first) if called in (None, first) else f"{name(str(called))} against {name(first)}"


def value_cell(measure: Measure, run: int, n: int, called: str | None) -> Cell:
    """The metric in one run. n: the examples of the run, left out where the metric rests on all of them.

    called: its candidate there; None where the run has none.
    """
    if called is None:
        return NOT_THERE
    observed = measure.observed[run]
    if measure.metric == NORM:
        return norm_cell(observed)
    return estimate_cell(observed, kind_of(measure.metric), show_n=observed.n != n)


def judged_cell(metric: str, value: Cell, difference: Difference | None) -> Cell:
    """A value of a run with its change from the first run, and what is established of it, below it."""
    if difference is None or difference.standing is None or difference.change.value is None:
        return value
    change = signed(difference.change.value, unit_of_change(metric)).replace(" ", "\u00a0")
    told = f"{change}, {difference.standing}{judged(difference)}"
    note = " · ".join(part for part in (value.note, told) if part)
    return Cell(value.text, note, tone_of(difference) if difference.established else "plain")


def change_cell(measure: Measure, difference: Difference | None) -> Cell:
    """``+1.2 points`` above its interval; why not, where nothing was compared."""
    if difference is None:
        return NOT_THERE
    if difference.change.value is None:
        return Cell("not compared", difference.change.reason or "", "muted")
    kind = unit_of_change(measure.metric)
    return noted_cell(signed(difference.change.value, kind), [signed_interval(difference.change, kind)])


def standing_cell(difference: Difference | None) -> Cell:
    """One of the three phrases, and better or worse where it is known, above the adjusted p-value."""
    if difference is None or difference.standing is None:
        return Cell("not tested" if difference else "", tone="muted")
    told = "" if difference.adjusted is None else p_words(difference.adjusted)
    return noted_cell(f"{difference.standing}{judged(difference)}", [told], tone_of(difference))


def tone_of(difference: Difference) -> Tone:
    if difference.better is None:
        return "plain" if difference.established else "muted"
    return "good" if difference.better else "bad"


def judged(difference: Difference) -> str:
    """``: better``, ``: worse``, or nothing where neither is known."""
    if difference.apart and difference.established:
        return " on other examples"
    return "" if difference.better is None else ": better" if difference.better else ": worse"


def gathered(comparison: Comparison) -> list[list[Established]]:
    """Established differences that go the same way in a topic of a candidate of a run, the largest first.

    Of those on the texts as they are, whose units differ, the first metric leads.
    """
    found: dict[tuple[object, ...], list[Established]] = {}
    for each in established(comparison):
        way = (each.difference.better, each.difference.standing)
        found.setdefault((each.run.name, each.candidate, each.measure.topic, way), []).append(each)
    return [sorted(group, key=_size, reverse=True) for group in found.values()]


def _size(each: Established) -> float:
    return 0.0 if each.measure.topic == "clean" else abs(each.difference.change.value or 0.0)


def weight(difference: Difference) -> str:
    """``worse`` or ``better``, else ``higher`` or ``lower``."""
    if difference.better is None:
        return difference.standing or ""
    return judged(difference).removeprefix(": ")


def sentence(group: Sequence[Established]) -> str:
    """The first of a group in words, with its numbers, and the names of the others."""
    each, *others = group
    found, kind = each.difference, unit_of_change(each.measure.metric)
    of = kind_of(each.measure.metric)
    if found.change.value is None:
        raise ValueError(f"{each.measure.label}: what was not compared is not established")
    evidence = [signed_interval(found.change, kind), found.test]
    if found.adjusted is not None:
        evidence.append(p_words(found.adjusted).replace(" ", "\u00a0") + " after correction")
    also = [other.measure.label for other in others[:ALSO]]
    if len(others) > ALSO:
        also.append(f"{len(others) - ALSO:,} more")
    return unbroken(
        f"{each.measure.label} is {found.standing} in {name(each.run.name)}: {full(found.now, of)} against "
        f"{full(found.then, of)}, {signed(found.change.value, kind)} "
        f"({'; '.join(part for part in evidence if part)}{_only_paired(found)})."
        + (f" Also {found.standing}: {'; '.join(also)}." if also else "")
    )


def _only_paired(found: Difference) -> str:
    """Where the two intervals overlap: it is the pairs that establish the difference."""
    known = found.now.low is not None and found.then.low is not None
    return "; the two intervals alone overlap" if known and intervals_overlap(found.now, found.then) else ""


def signed(value: float, kind: Kind) -> str:
    """``+1.2 points``, ``−0.013``; zero has no sign."""
    return _sign(value) + figure(abs(value), kind)


def signed_interval(change: Estimate, kind: Kind) -> str:
    """``−0.4 to +2.8`` without the unit; empty where an end is open or there is none."""
    if change.low is None or change.high is None:
        return ""
    low, high = (_sign(end) + bare(abs(end), kind) for end in (change.low, change.high))
    return f"{low} to {high}"


def _sign(value: float) -> str:
    return "" if value == 0 else "+" if value > 0 else MINUS
