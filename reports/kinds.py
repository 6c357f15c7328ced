"""What findings are about: the words for each kind, and the section of the report that shows it."""

from reports.formatting import name
from reports.model import Finding

_TITLES = {
    "audit.partial": "What is left out",
    "gate.failed": "Checks of the gate that failed",
    "robustness.drop": "Accuracy lost under attack",
    "behaviour.failure": "Behavioural tests that fail often",
    "behaviour.suite": "Suites of cases that fail often",
    "fairness.disparity": "Groups that differ, established",
    "fairness.disparity_suggestive": "Groups that may differ, suggestive",
    "fairness.disparity_undecided": "Groups that may differ, undecided",
    "fairness.four_fifths": "Selection rates below four fifths of another",
    "fairness.auc": "Scores that rank worse for a group",
    "fairness.small_groups": "Groups too small to judge",
    "fairness.widened_by_attack": "Gaps between groups that an attack widens",
    "fairness.widened_by_candidate": "Gaps between groups that a candidate widens",
    "fairness.narrowed_by_candidate": "Gaps between groups that a candidate narrows",
    "counterfactual.flip": "Predictions that another identity changes",
    "counterfactual.change": "Scores that naming an identity changes",
    "comparison.better": "More accurate than the first candidate, example by example",
    "comparison.worse": "Less accurate than the first candidate, example by example",
    "training.collapse": "Training that collapsed",
    "training.unequal": "Candidates trained unequally",
    "mitigation.no_effect": "Mitigations without an effect",
    "data.leak": "Test texts seen in training",
    "data.missing_group": "Blank groups",
    "data.truncated": "Texts that were cut",
}
_SECTIONS = {
    "gate": "gate",
    "robustness": "robustness",
    "behaviour": "behaviour",
    "fairness": "fairness",
    "counterfactual": "counterfactual-fairness",
    "validity": "validity",
    "training": "data",
    "mitigation": "data",
    "data": "data",
}


def topic(finding: Finding) -> str:
    """What a finding is about in one word: ``fairness`` of ``fairness.disparity``."""
    return finding.id.partition(".")[0]


def kind_title(finding_id: str) -> str:
    """The heading above all findings of one kind."""
    if finding_id.startswith("validity."):
        return "Checks of the evaluation that failed"
    return _TITLES.get(finding_id) or name(finding_id.replace(".", ": ").replace("_", " ").capitalize())


def section_of(finding: Finding) -> str:
    """The anchor of the section that shows it: of a comparison, the one with the figure that is compared."""
    if topic(finding) == "comparison":
        return "performance" if finding.metric == "accuracy" else "robustness"
    return _SECTIONS.get(topic(finding), "verdict")
