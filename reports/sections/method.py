"""How it was measured, what the numbers can and cannot show, and where they come from."""

import json

from reports.blocks import Bullets, Cell, Column, Details, Facts, Listing, Part, Row, Section, Table
from reports.definitions import definitions, is_tested
from reports.formatting import duration, moment, name
from reports.model import AuditReport

ORDER = 70

LIMITS = (
    "Accuracy under attack is an upper bound on robustness: a stronger or different attack can do worse. "
    "It certifies nothing.",
    "Attacks on embeddings move vectors, not words. They show how smooth the model is around a text; not "
    "every such point is a text that someone could write.",
    "A budget relative to the embedding scale makes models comparable; it does not say how visible the "
    "change is.",
)

SAMPLE = (
    "Every figure speaks of these examples. Data unlike them, and wrong labels among them, are in no "
    "interval.",
    "Many comparisons are made; some of the more remarkable ones are chance. The number n beside each "
    "says how much it rests on.",
)


def section(report: AuditReport) -> Section:
    source = report.provenance
    facts = [
        ("Started", moment(source.started)),
        ("Wall time of the last run", duration(source.seconds)),
        ("Confidence of the intervals", f"{source.confidence:.4g}"),
        ("Seed", str(source.seed)),
        ("Device", source.device),
        ("Data, SHA-256", source.data_sha256),
        ("Schema of audit.json", str(report.schema_version)),
    ]
    versions = Table(
        "Versions of the software",
        [Column("Package"), Column("Version", numeric=False)],
        [Row(name(package), [Cell(name(version))]) for package, version in source.versions.items()],
    )
    config = json.dumps(source.config, indent=2, ensure_ascii=False, default=str)
    audit = source.config.get("name")
    if isinstance(audit, str):
        facts.insert(0, ("Audit", name(audit)))
    return Section(
        "Method and provenance",
        "method",
        [
            Part("What the words mean", [Facts(definitions(report))]),
            Part(
                "What these numbers cannot show", [Bullets([*(LIMITS if is_tested(report) else ()), *SAMPLE])]
            ),
            Part(
                "Provenance",
                [
                    Facts(facts),
                    Details("Versions", [versions]),
                    Details("Configuration", [Listing("Configuration of the audit as JSON", config)]),
                ],
            ),
        ],
    )
