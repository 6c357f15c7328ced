"""What a comparison opens with: how many differences are established, and each of them in words."""

from reports.blocks import Block, Bullets, Callout, Remark, Remarks, Section, Text, Tone
from reports.comparison.model import Comparison
from reports.comparison.words import established, gathered, sentence, tone_of, weight
from reports.formatting import counted, listed, name

SHOWN = 20
"""Groups of established differences that are written out; the tables have all."""


def headline(comparison: Comparison) -> tuple[Tone, str, str]:
    """(tone, title, sentence): how many of the tested differences are established."""
    found = list(established(comparison))
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
    if comparison.notes:
        blocks.append(Bullets(comparison.notes))
    return Section("What differs", "differs", blocks)
