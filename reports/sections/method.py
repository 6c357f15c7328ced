"""How it was measured, what the numbers can and cannot show, and where they come from."""

import json

from reports.blocks import Bullets, Cell, Column, Details, Facts, Listing, Part, Row, Section, Table
from reports.formatting import duration, name
from reports.model import AuditReport

ORDER = 70

DEFINITIONS = (
    ("Accuracy", "Share of examples classified correctly."),
    ("Macro F1", "Mean over the classes of F1, the harmonic mean of precision and recall; 1 is best."),
    (
        "ROC AUC",
        "Probability that a random example of the class scores above a random other one; 0.5 is chance. "
        "With more than two classes, the mean of each class against the rest.",
    ),
    (
        "Expected calibration error",
        "Mean gap between confidence and accuracy over bins of confidence, weighted by their size; 0 is "
        "best.",
    ),
    (
        "Accuracy under attack",
        "Share of examples still classified correctly after the attack. Examples misclassified from the "
        "start are skipped by the attack and count as wrong.",
    ),
    ("Attack success rate", "Share of the correctly classified examples that the attack turned."),
    (
        "Success near the original",
        "As the attack success rate, of the successes alone whose text stays within the limits on "
        "similarity, words changed and perplexity.",
    ),
    (
        "Failure rate",
        "Of a behavioural test: share of the texts it applies to with a variant that is not answered as "
        "expected. Of a suite: share of its cases that are not given their label.",
    ),
    (
        "Epsilon",
        "The attacker's budget. For attacks on embeddings, relative to the model's own embedding scale: "
        "the mean length of a word embedding for L2, the root mean square of its components for L∞. The "
        "absolute budget is the product.",
    ),
    (
        "Area under the curve",
        "The mean accuracy over all budgets from 0 to the last one of the curve, by the trapezoidal rule; "
        "each example has an area of its own, and the interval is that of their mean.",
    ),
    (
        "Median minimal norm",
        "For half of the examples the attack found a perturbation this small, relative to the embedding "
        "scale, that turns them. Examples wrong from the start count as 0, those that it could not turn as "
        "endless; the interval comes from order statistics.",
    ),
    (
        "Attacks on tokens",
        "They end in text: what an attack proposes is tokenised again, its changed tokens are counted "
        "against the budget, and the model is asked about that text. Only that decides.",
    ),
    (
        "Worst case",
        "Share of examples that the model classifies correctly and no attack with a budget of this audit "
        "turned.",
    ),
    (
        "Checks of the evaluation",
        "After Carlini et al. 2019 (On evaluating adversarial robustness) and Croce and Hein 2020 "
        "(AutoAttack): on a sample of correctly classified examples, signs of an attack that does not work. "
        "Temperatures are fitted as in Guo et al. 2017 (On calibration of modern neural networks).",
    ),
    ("Selection rate", "Share of a group for which the model predicts the outcome."),
    (
        "True and false positive rate",
        "Of the examples that have the outcome, and of those that do not, the share for which it is "
        "predicted.",
    ),
    (
        "Demographic parity difference, ratio",
        "Largest minus smallest selection rate between groups; smallest over largest.",
    ),
    (
        "Equalized odds difference, ratio",
        "The worse of the two comparisons of true and of false positive rates between groups.",
    ),
    ("Equal opportunity difference, ratio", "The comparison of true positive rates alone."),
    (
        "Interval",
        "It covers, with the confidence given below, the chance of drawing these examples; not wrong labels "
        "or data unlike those met in use.",
    ),
    (
        "Rounding",
        "A rate is shown as 0 % or 100 % only when it is exactly that. audit.json holds the exact numbers.",
    ),
)

LIMITS = (
    "Accuracy under attack is an upper bound on robustness: a stronger or different attack can do worse. "
    "It certifies nothing.",
    "Attacks on embeddings move vectors, not words. They show how smooth the model is around a text; not "
    "every such point is a text that someone could write.",
    "A budget relative to the embedding scale makes models comparable; it does not say how visible the "
    "change is.",
    "A small disparity in one metric says nothing about the others: with different base rates, "
    "demographic parity and equalized odds exclude each other for all but trivial models.",
    "The assessment knows only the groups and labels in the data. If the labels are prejudiced, so are "
    "the error rates. No metric here shows that a model is fair, and mitigating one disparity can enlarge "
    "another.",
    "Many comparisons are made; some of the more remarkable ones are chance. The number n beside each "
    "says how much it rests on.",
)


def section(report: AuditReport) -> Section:
    source = report.provenance
    facts = [
        ("Started", source.started),
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
    return Section(
        "Method and provenance",
        "method",
        [
            Part("What the words mean", [Facts(DEFINITIONS)]),
            Part("What these numbers cannot show", [Bullets(LIMITS)]),
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
