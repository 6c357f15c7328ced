"""What the scores do to each group against all others: the bias AUCs, and how to read them."""

from fairness.results import BiasAUC, SubgroupAUC
from reports.blocks import Block, Bullets, Cell, Column, Details, Part, Row, Table, Tone, estimate_cell
from reports.formatting import MINUS, counted, kind_of, name
from reports.groupings import Shown, assessed, minimum_size
from reports.model import AuditReport, CandidateResult
from reports.naming import metric_name

GROUP_METRICS = ("subgroup_auc", "bpsn_auc", "bnsp_auc", "positive_aeg", "negative_aeg")
MEANS = (
    ("overall_auc", "All examples"),
    ("mean_subgroup_auc", "Subgroup AUC, generalised mean"),
    ("mean_bpsn_auc", "BPSN AUC, generalised mean"),
    ("mean_bnsp_auc", "BNSP AUC, generalised mean"),
    ("bias_score", "Bias score: the mean of these four"),
)
MANY = 12
"""Groups from which on the table of all of them is folded away."""

READING = (
    "An AUC is the probability that a random example with the outcome scores above a random one without it: "
    "1 is perfect, 0.5 is chance. The background of a group is every example outside it.",
    "Subgroup AUC, within the group alone: low means that the scores tell its examples apart badly.",
    "BPSN AUC (background positive, subgroup negative): low means that examples of the group without the "
    "outcome score as high as others with it, so they are flagged wrongly.",
    "BNSP AUC (background negative, subgroup positive): low means that examples of the group with the "
    "outcome score as low as others without it, so they are missed.",
    "Average equality gap (AEG), of the examples with the outcome (positive) and of those without it "
    "(negative): above 0 the group's scores are higher than the background's, below 0 lower; 0.5 either way "
    "is the most.",
    "The generalised mean over groups lies near the worst of them, so one badly served group cannot hide "
    "behind the others.",
)


def bias_blocks(report: AuditReport, grouping: Shown) -> list[Block]:
    """A part of its own; nothing where there were no scores."""
    found = [(candidate, each) for candidate, each in assessed(report, grouping.name) if each.bias]
    if not found:
        return []
    blocks: list[Block] = [Details("How to read these", [Bullets(READING)])]
    outcomes = list(dict.fromkeys(outcome for _, each in found for outcome in each.bias))
    for outcome in outcomes:
        having = [(candidate, each.bias[outcome]) for candidate, each in found if outcome in each.bias]
        blocks.append(_means(grouping, outcome, having))
        tables: list[Block] = [_groups(report, grouping, outcome, *each) for each in having]
        if len(grouping.values) > MANY or len(tables) > 1 or len(outcomes) > 1:
            groups = counted(len(grouping.values), "group")
            tables = [Details(f"Each of {groups}, outcome “{name(outcome)}”", tables)]
        blocks += tables
    return [Part("Scores of each group against all others", blocks)]


def _means(grouping: Shown, outcome: str, found: list[tuple[CandidateResult, BiasAUC]]) -> Table:
    powers = sorted({f"{bias.power:g}".replace("-", MINUS) for _, bias in found})
    rows = [
        Row(title, [estimate_cell(getattr(bias, key), "number") for _, bias in found]) for key, title in MEANS
    ]
    return Table(
        f"Bias AUCs by {name(grouping.name)}, outcome “{name(outcome)}” (generalised mean with power "
        f"{', '.join(powers)})",
        [Column("Measure"), *(Column(name(candidate.name)) for candidate, _ in found)],
        rows,
    )


def _groups(
    report: AuditReport, grouping: Shown, outcome: str, candidate: CandidateResult, bias: BiasAUC
) -> Table:
    return Table(
        f"Each group of {name(grouping.name)} against all others, outcome “{name(outcome)}”, "
        f"{name(candidate.name)}",
        [Column("Group"), Column("n"), *(Column(metric_name(metric)) for metric in GROUP_METRICS)],
        [
            _row(group, each, minimum_size(report))
            for group, each in bias.by_group.items()
            if not (each.small and grouping.kind == "intersection")
        ],
    )


def _row(group: str, found: SubgroupAUC, minimum: int) -> Row:
    tone: Tone = "muted" if found.small else "plain"
    cells = [estimate_cell(getattr(found, metric), kind_of(metric)) for metric in GROUP_METRICS]
    note = f"too few to judge (n < {minimum})" if found.small else ""
    return Row(name(group), [Cell(f"{found.n:,}"), *cells], note, tone)
