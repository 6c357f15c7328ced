"""The sections of a comparison, as blocks: what differs, what was compared, metrics, gate and findings."""

from collections.abc import Sequence

from reports.blocks import Block, Column, Details, Facts, Part, Remark, Remarks, Row, Section, Table, Text
from reports.comparison.followed import LEFT_OUT, followed_checks, followed_findings
from reports.comparison.metrics import metrics_section
from reports.comparison.model import Comparison
from reports.comparison.provenance import models_table, runs_table, settings_table, versions_table
from reports.comparison.summary import summary_section
from reports.formatting import counted, name

FEW = 12
"""Rows from which on a table that few need is folded away."""
SHOWN = 20
"""Findings of one kind that are written out."""


def all_sections(comparison: Comparison) -> list[Section]:
    found = [
        summary_section(comparison),
        _compared(comparison),
        metrics_section(comparison),
        _gate(comparison),
        _findings(comparison),
        _method(comparison) if comparison.candidates else None,
    ]
    return [section for section in found if section is not None]


def _compared(comparison: Comparison) -> Section:
    blocks: list[Block] = [runs_table(comparison)]
    if comparison.candidates:
        blocks.append(models_table(comparison))
    for run, candidates in comparison.alone.items():
        told = ", ".join(map(name, candidates))
        blocks.append(Text(f"Only in {name(run)}, and not compared: {told}."))
    for table in (settings_table(comparison), versions_table(comparison)):
        if table is not None:
            folded = len(table.rows) >= FEW
            blocks.append(Details(table.caption, [table]) if folded else table)
    return Section("What was compared", "compared", blocks)


def _gate(comparison: Comparison) -> Section | None:
    checks = followed_checks(comparison)
    if not checks:
        return None
    columns = [Column("Check", numeric=False), *(Column(name(run.name)) for run in comparison.runs)]
    rows = [Row(check.name, check.cells, name(check.candidate)) for check in checks]
    told = Text("Each run as it decided its own gate; what a gate passes may still have changed.", "muted")
    return Section("Gate", "gate", [Table("The checks of the gates", columns, rows), told])


def _findings(comparison: Comparison) -> Section | None:
    if not any(run.report.findings for run in comparison.runs):
        return None
    blocks: list[Block] = [
        Text(
            "What is new or gone against the first run. A finding has a threshold: that it comes or goes "
            "establishes no change.",
            "muted",
        )
    ]
    for run in comparison.others:
        followed = followed_findings(comparison, run)
        parts = [
            *_listed("New", followed.new),
            *_listed("Gone", followed.gone),
            *_listed("In both", followed.both, folded=True),
            *([Text(LEFT_OUT, "muted")] if followed.left_out else []),
        ]
        blocks.append(Part(name(run.name), parts or [Text("No finding in either.")]))
    return Section("Findings", "findings", blocks)


def _listed(title: str, remarks: Sequence[Remark], *, folded: bool = False) -> list[Block]:
    if not remarks:
        return []
    shown: list[Block] = [Remarks(remarks[:SHOWN])]
    if len(remarks) > SHOWN:
        shown.append(Text(f"{len(remarks) - SHOWN:,} more are in the reports of the runs.", "muted"))
    told = f"{title}: {counted(len(remarks), 'finding')}"
    return [Details(told, shown) if folded else Part(told, shown)]


def _method(comparison: Comparison) -> Section:
    rate, first = comparison.false_discovery_rate, comparison.first
    facts = [
        ("Change", f"A run minus {name(first.name)}, the first one."),
        (
            "Standing",
            "A metric is higher or lower where the p-value, adjusted for all "
            f"{comparison.tests:,} tests of this comparison (Benjamini and Hochberg 1995), is at most "
            f"{rate:g}, and the interval of the change leaves out 0. Else no difference is established, and "
            "the order of the two numbers says nothing.",
        ),
        (
            "Tests",
            "In pairs, example by example, where the runs share enough examples; else as two samples, from "
            "the estimates of each. The tests are two-sided. A gate asks only whether something got worse, "
            "so that its p-value for the same change is about half. The intervals are for each change by "
            "itself, not for all at once.",
        ),
        (
            "Better, worse",
            "Said of accuracy, F1, ROC AUC and the like, of calibration error and of failure and flip rates. "
            "A difference between groups may also fall because all fare worse: neither way is called better. "
            "Nor is anything where no example is known to be shared: the examples may be the reason.",
        ),
        (
            "Largest differences between groups",
            "For each grouping, those that are largest in any of the runs.",
        ),
    ]
    return Section("Method", "method", [Facts(facts)])
