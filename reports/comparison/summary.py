"""What a comparison opens with: how many differences are established, and each of them in words."""

from reports.blocks import Block, Bullets, Callout, Remark, Remarks, Section, Text, Tone
from reports.comparison.model import ComparedRun, Comparison
from reports.comparison.words import established, gathered, sentence, tone_of, weight
from reports.formatting import counted, listed, name

SHOWN = 20
"""Groups of established differences that are written out; the tables have all."""
NAMED = 5
"""Candidates of a run that are named where none of them is compared."""


def headline(comparison: Comparison) -> tuple[Tone, str, str]:
    """(tone, title, sentence): how many of the tested differences are established."""
    found = list(established(comparison))
    if not comparison.candidates:
        runs = "; ".join(_has(run) for run in comparison.runs)
        return (
            "plain",
            "Nothing was compared: no candidate in common",
            f"{runs}. Candidates are compared where their names are the same, or where each run has only "
            "one. To compare two of these, give them the same name in the assay.toml of both runs, or each "
            "a run of its own, and audit again.",
        )
    if not comparison.tests:
        return (
            "plain",
            "Nothing could be compared",
            "No metric could be tested; the reason stands beside each.",
        )
    tested = f"{counted(comparison.tests, 'difference')} from {name(comparison.first.name)} tested"
    if not found:
        return "plain", "No difference established", f"{tested}. What differs below may be chance."
    worse, better = (
        sum(each.difference.better is direction for each in found) for direction in (False, True)
    )
    parts = [f"{n} for the {word}" for n, word in ((worse, "worse"), (better, "better")) if n]
    if neither := len(found) - worse - better:
        apart = any(each.difference.apart for each in found)
        parts.append(
            f"{neither} on other examples or in metrics of which neither direction is better"
            if apart
            else f"{neither} in metrics of which neither direction is better"
        )
    title = f"{counted(len(found), 'difference')} established"
    tone: Tone = "warn" if worse else "good" if better else "plain"
    return tone, title, f"{tested}; {listed(parts)}. Of the others, what differs may be chance."


def unmatched(comparison: Comparison) -> list[str]:
    """A sentence for each run of which no candidate is compared, where those of another run are."""
    return [
        f"{name(run.name)} is not compared with {name(comparison.first.name)}, for they have no candidate in "
        f"common: {_has(comparison.first)}; {_has(run)}."
        for i, run in enumerate(comparison.runs)
        if comparison.candidates and all(each.names[i] is None for each in comparison.candidates)
    ]


def _has(run: ComparedRun) -> str:
    """``demo has plain and hardened``."""
    names = [name(each.name) for each in run.report.candidates]
    more = [f"{len(names) - NAMED:,} more"] if len(names) > NAMED else []
    return f"{name(run.name)} has {listed([*names[:NAMED], *more])}"


def summary_section(comparison: Comparison) -> Section:
    tone, title, told = headline(comparison)
    found = gathered(comparison)
    remarks = [
        Remark(
            tone_of(group[0].difference),
            weight(group[0].difference),
            group[0].about,
            sentence(group),
        )
        for group in found[:SHOWN]
    ]
    blocks: list[Block] = [Callout(tone, title, told)]
    if remarks:
        blocks.append(Remarks(remarks))
    if len(found) > SHOWN:
        blocks.append(Text(f"{sum(map(len, found[SHOWN:])):,} more are in the tables below.", "muted"))
    notes = [*unmatched(comparison), *comparison.notes]
    if notes:
        blocks.append(Bullets(notes))
    return Section("What differs", "differs", blocks)
