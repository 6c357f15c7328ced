"""Whom each candidate fails: metrics by group, disparities, scores, and who is easier to attack."""

from fairness.results import GroupAssessment
from reports.bias_tables import bias_blocks
from reports.blocks import (
    Block,
    Bullets,
    Cell,
    Details,
    Part,
    Row,
    Section,
    Table,
    Text,
    beside,
    estimate_cell,
)
from reports.disparity_tables import TONES, disparity_blocks
from reports.formatting import counted, kind_of, name
from reports.group_attacks import attack_blocks
from reports.group_rates import metric_tables, rate_charts, small_groups
from reports.groupings import Shown, assessed, assessment_of, groupings
from reports.highlights import HEADLINE_IN_WORDS, largest_within
from reports.model import AuditReport
from reports.naming import in_sentence

ORDER = 50

LIMITS = (
    "No metric here shows that a model is fair. Each compares one rate between groups; which of them "
    "matters, and how large a difference is tolerable, is not a question of statistics.",
    "They cannot all be met at once. Where groups differ in how often they have the outcome, a model that "
    "errs cannot be equally calibrated for them and have equal false positive and false negative rates "
    "(Kleinberg, Mullainathan and Raghavan 2016; Chouldechova 2017), and demographic parity and equalized "
    "odds exclude each other for all but trivial models. To mitigate one disparity can enlarge another.",
    "The labels are taken for the truth. Where those who labelled treated groups differently, so does a "
    "model that agrees with them, and its error rates do not show it.",
    "Groups are those named in the data, with its words and its gaps. Who is not named, or named wrongly, is "
    "not assessed; differences within a group are not seen.",
    "Intervals and p-values speak of the chance of drawing these examples. They know nothing of other data, "
    "of other places and times, or of what is done with a prediction.",
    "“Undecided” is not “no difference”: with few examples, large differences stay undecided. Groups too "
    "small to judge are in no comparison, and are often those that most need one.",
    "p-values are adjusted for the number of tests (Benjamini and Hochberg 1995): of the disparities called "
    "established about one in twenty, at a confidence of 0.95, may still be chance.",
    "The four-fifths rule is a rule of thumb of United States employment law. It is neither a legal opinion "
    "nor a proof of harm or its absence.",
    "Lists of terms that are swapped in texts are partial: what they find is there, what they do not find "
    "may be there too.",
)


def section(report: AuditReport) -> Section:
    found = groupings(report)
    if not found:
        nothing = Text("The data names no groups, so nothing was assessed by group.")
        return Section("Fairness", "fairness", [nothing])
    blocks: list[Block] = [Text(_introduction(report), "muted")]
    if overview := largest_differences(report):
        blocks.append(overview)
    for grouping in found:
        if grouping.kind == "column":
            blocks.append(Part(f"By {name(grouping.name)}", _whole(report, grouping)))
    for grouping in found:
        if grouping.kind == "overlapping":
            told = Text("An example can belong to several of these groups, or to none.", "muted")
            title = f"By {name(grouping.name)}, groups that overlap"
            blocks.append(Part(title, [told, *_whole(report, grouping)]))
    if crossed := [grouping for grouping in found if grouping.kind == "intersection"]:
        told = Text("Groups of examples that share the values of several columns.", "muted")
        blocks.append(Part("Intersections", [told, *(_folded(report, grouping) for grouping in crossed)]))
    blocks.append(Part("What these metrics cannot show", [Bullets(LIMITS)]))
    return Section("Fairness", "fairness", blocks)


def largest_differences(report: AuditReport) -> Table | None:
    """For each grouping the largest of the ``HEADLINE`` differences, established or not.

    Intersections are left out, as in the verdict. None where nothing can be compared.
    """
    shown = [each for each in groupings(report) if each.kind != "intersection"]
    rows = [
        Row(
            f"By {name(each.name)}",
            [_largest(each.name, assessment_of(candidate, each.name)) for candidate in report.candidates],
        )
        for each in shown
        if any(largest_within(each.name, found) for _, found in assessed(report, each.name))
    ]
    if not rows:
        return None
    names = [name(candidate.name) for candidate in report.candidates]
    return beside(f"The largest difference between groups: {HEADLINE_IN_WORDS}", "Grouping", names, rows)


def _largest(grouping: str, assessment: GroupAssessment | None) -> Cell:
    found = None if assessment is None else largest_within(grouping, assessment)
    if found is None:
        return Cell("not measured", "no two groups to compare", "muted")
    cell = estimate_cell(found.estimate, kind_of(found.metric))
    what = in_sentence(found.metric.replace("_difference", "", 1))
    notes = " · ".join(filter(None, (cell.note, what, found.status)))
    return Cell(cell.text, notes, "plain" if found.status is None else TONES[found.status])


def _introduction(report: AuditReport) -> str:
    positives = {c.fairness.positive_label for c in report.candidates if c.fairness is not None}
    named = sorted(name(positive) for positive in positives if positive is not None)
    if named:
        return f"Selection rate, true and false positive rate speak of the outcome “{', '.join(named)}”."
    return "With more than two classes, each class is assessed against all others."


def _whole(report: AuditReport, grouping: Shown) -> list[Block]:
    """Everything about one grouping; of a single group only its metrics."""
    if len(grouping.values) < 2:
        only = name(grouping.values[0]) if grouping.values else "none"
        return [Text(f"There is one group, “{only}”: nothing to compare."), *metric_tables(report, grouping)]
    return [
        *rate_charts(report, grouping),
        *disparity_blocks(report, grouping),
        *metric_tables(report, grouping),
        *bias_blocks(report, grouping),
        *attack_blocks(report, grouping),
    ]


def _folded(report: AuditReport, grouping: Shown) -> Details:
    """An intersection has many small groups: without charts, and behind a summary."""
    return Details(
        f"{name(grouping.name)}: {counted(len(grouping.values), 'group')}",
        [
            *small_groups(report, grouping),
            *disparity_blocks(report, grouping),
            *metric_tables(report, grouping),
            *bias_blocks(report, grouping),
            *attack_blocks(report, grouping),
        ],
    )
