"""What the words of a report mean."""

import re
from collections.abc import Sequence

from reports.model import AuditReport

PERFORMANCE = (
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
)

ATTACKS = (
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
)

GROUPS = (
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
        "Predictive parity difference, ratio",
        "The comparison of precision: of the examples for which the outcome is predicted, the share that "
        "have it.",
    ),
    (
        "FPED, FNED",
        "False positive (negative) equality difference (Dixon et al. 2018): the sum over the groups of how "
        "far the rate of each lies from that of all examples.",
    ),
    (
        "Bias AUCs",
        "Subgroup, BPSN and BNSP AUC, their generalised mean and the average equality gaps, as defined by "
        "Borkan et al. 2019; the bias score is that of the Civil Comments challenge.",
    ),
    (
        "Established, suggestive, undecided",
        "A disparity is established where its p-value, adjusted for all tests of the assessment (Benjamini "
        "and Hochberg 1995), is below one minus the confidence; suggestive where only its own p-value is; "
        "else undecided. The p-value is that of a test of “the groups do not differ”. How many examples "
        "would decide it is a forecast for a power of 80 %, if the difference is as large as observed.",
    ),
)

ALWAYS = (
    (
        "Interval",
        "It covers, with the confidence given below, the chance of drawing these examples; not wrong labels "
        "or data unlike those met in use.",
    ),
    (
        "Rounding",
        "A rate is shown as 0 % or 100 % only when it is exactly that. Differences are computed from the "
        "exact numbers and then rounded: 28.7 to 25.9 can be a fall of 2.7. audit.json holds the exact "
        "numbers.",
    ),
)


TERMS = (
    (
        r"epsilon",
        "epsilon",
        "how far an attack may move the numbers that stand for words in the model, relative to their usual "
        "size",
    ),
    (
        r"L∞|\bL2\b|linf|\bl2\b",
        "L∞, L2",
        "how such a move is measured: L∞ by the number that moves most, L2 by all of them together",
    ),
    (
        r"\bfgs?m\b",
        "fgsm, fgm",
        "attackers who know the model move those numbers in one step to where it errs",
    ),
    (
        r"pgd|mifgsm",
        "pgd, apgd, mifgsm",
        "attackers who know the model move those numbers in several small steps to where it errs",
    ),
    (
        r"hotflip",
        "hotflip",
        "an attacker who knows the model swaps words, or parts of words, for those that mislead it most",
    ),
    (
        r"demographic parity",
        "demographic parity",
        "whether the outcome is predicted equally often in every group",
    ),
    (
        r"equalized odds",
        "equalized odds",
        "whether the model is right about those with the outcome, and about those without it, equally often "
        "in every group",
    ),
    (
        r"equal opportunity",
        "equal opportunity",
        "whether the model finds those who have the outcome equally often in every group",
    ),
    (
        r"predictive parity",
        "predictive parity",
        "whether a prediction of the outcome is right equally often in every group",
    ),
    (
        r"\bAUC\b",
        "AUC",
        "how well scores put those with the outcome before those without it: 1 is best, 0.5 is chance",
    ),
)
"""(pattern, term, meaning): words of findings for who reads no method section, in a line each."""


def terms_in(messages: Sequence[str]) -> list[tuple[str, str]]:
    """(term, meaning) of the ``TERMS`` that these sentences use."""
    told = " ".join(messages)
    return [(term, meaning) for pattern, term, meaning in TERMS if re.search(pattern, told)]


def definitions(report: AuditReport) -> list[tuple[str, str]]:
    """(term, meaning) of the words that this report uses."""
    assessed = any(candidate.fairness is not None for candidate in report.candidates)
    return [
        *PERFORMANCE,
        *(ATTACKS if is_tested(report) else ()),
        *(GROUPS if assessed else ()),
        *ALWAYS,
    ]


def is_tested(report: AuditReport) -> bool:
    """Whether a model was asked about changed texts."""
    found = [candidate.robustness for candidate in report.candidates]
    return any(each.attacks or each.behaviours or each.suites for each in found)
