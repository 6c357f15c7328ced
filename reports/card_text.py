"""The text of a model card: "Robustness and fairness", in tables with intervals, and what limits them."""

from collections.abc import Iterator, Sequence

from reports.formatting import counted, full, full_with_n, kind_of, moment, name
from reports.highlights import label_of
from reports.markdown import escape
from reports.model import AuditReport, CandidateResult
from reports.naming import in_sentence, metric_name, threat_in_words
from robustness.estimate import Estimate

MAX_ROWS = 60
"""Rows of a table; audit.json has the rest."""

MAX_NOTE = 5_000
"""Characters of a note on the data: a card may be long, and its last sentence may be the one that matters."""
WORST_CASE = "All bounded attacks that reached every example"
"""What the worst case is over, as ``robustness.evaluate`` counts it."""

Row = Sequence[str]


def section(report: AuditReport, candidate: CandidateResult) -> str:
    """The Markdown below the metadata. It repeats what was measured, and claims nothing else."""
    level = f"{100 * report.provenance.confidence:g}"
    parts = [
        f"# {escape(candidate.name)}",
        "## Robustness and fairness",
        f"Measured on {counted(report.data.n, 'example')} of {escape(report.data.name)} on "
        f"{escape(moment(report.provenance.started))}. In brackets stand {level} % confidence intervals; n "
        "is the number of examples that a figure rests on.",
        "### Accuracy\n\n" + _table(["Metric", "Value", "n"], _accuracy(candidate)),
        *_titled("Under attack", _ATTACK_HEADER, _attacks(report, candidate)),
        *_titled("Behaviour", ["Test", "Failure rate", "n"], _behaviours(candidate)),
        *_titled("Swapped identities", ["Examples", "Given another label", "n"], _swaps(candidate)),
        *_titled("Groups", ["Measure", "Value", "n"], _groups(candidate)),
        "### Limits\n\n" + "\n".join(f"- {line}" for line in _limits(report, candidate)),
        "### How it was made\n\n" + "\n".join(f"- {line}" for line in _making(report, candidate)),
    ]
    return "\n\n".join(parts) + "\n"


_ATTACK_HEADER = ["Attack", "What it may do", "Accuracy under attack", "Attack success rate"]


def _accuracy(candidate: CandidateResult) -> Iterator[Row]:
    clean = candidate.robustness.clean
    for metric in ("accuracy", "macro_f1", "roc_auc", "expected_calibration_error"):
        yield _measured(metric_name(metric), metric, getattr(clean, metric))


def _attacks(report: AuditReport, candidate: CandidateResult) -> Iterator[Row]:
    """Each figure with its own n: only examples that were right can be turned."""
    for attack in candidate.robustness.attacks:
        norm = attack.minimal_norm
        yield (
            escape(label_of(report, attack)),
            escape(threat_in_words(attack.threat_model)),
            escape(full_with_n(attack.accuracy_under_attack))
            if norm is None
            else escape(f"median smallest epsilon {full_with_n(norm, 'number')}"),
            escape(full_with_n(attack.attack_success_rate)),
        )
    if candidate.robustness.attacks:
        worst = candidate.robustness.worst_case_accuracy
        yield f"{WORST_CASE} (worst case)", "", escape(full_with_n(worst)), ""


def _behaviours(candidate: CandidateResult) -> Iterator[Row]:
    for test in candidate.robustness.behaviours:
        yield _measured(f"{test.name} ({test.nature})", "failure_rate", test.failure_rate)
    for suite in candidate.robustness.suites:
        yield _measured(f"{suite.name} (labelled cases)", "failure_rate", suite.failure_rate)


def _swaps(candidate: CandidateResult) -> Iterator[Row]:
    for result in candidate.counterfactuals:
        what = "the audited texts" if result.kind == "texts" else f"templates: {result.name}"
        yield _measured(what, "flip_rate", result.flip_rate)


def _groups(candidate: CandidateResult) -> Iterator[Row]:
    groups = candidate.fairness.groups if candidate.fairness is not None else {}
    for grouping, assessment in groups.items():
        worst = assessment.worst.get("accuracy")
        if worst is not None:
            words = f"Lowest accuracy by {grouping}: {worst.group}"
            yield _measured(words, "accuracy", worst.estimate)
        reasons = {estimate.reason for estimate in assessment.disparities.values()}
        if len(reasons) == 1 and None not in reasons:
            yield f"All differences by {escape(grouping)}", escape(f"not measured: {reasons.pop()}"), "0"
            continue
        for metric, estimate in assessment.disparities.items():
            test = assessment.tests.get(metric)
            told = f" ({test.status})" if test is not None else ""
            yield _measured(f"{metric_name(metric)} by {grouping}{told}", metric, estimate)


def _limits(report: AuditReport, candidate: CandidateResult) -> Iterator[str]:
    robust, fairness = candidate.robustness, candidate.fairness
    yield (
        "The figures are of these examples and take their labels for true; they say nothing of other data, "
        "languages or uses."
    )
    yield from (escape(note, MAX_NOTE) for note in report.data.notes)
    if robust.attacks:
        yield (
            "An attack shows examples that fool the model; it cannot show that there are no others. A "
            "stronger attack, or another kind, can find a lower accuracy."
        )
    else:
        yield "The model was not attacked: nothing is known of its accuracy under attack."
    for attack in robust.attacks:
        if attack.unreached:
            label, left = escape(label_of(report, attack)), counted(attack.unreached, "example")
            not_attacked = f"{label} ended early: {left} were not attacked"
            yield f"{not_attacked}, and its figures are left out of the metadata."
    for check in robust.validity.checks if robust.validity is not None else []:
        if check.passed is False:
            yield f"A validity check of the attacks failed: {escape(check.message, 600)}"
    if fairness is None:
        yield "No groups were compared: nothing is known of differences between them."
    else:
        yield (
            f"Groups of fewer than {fairness.min_group_size:,} examples were not compared. A difference that "
            "is not established may still be there: an interval tells how large it could be."
        )
    yield from _unmeasured(candidate)


def _unmeasured(candidate: CandidateResult) -> Iterator[str]:
    clean = candidate.robustness.clean
    for metric in ("accuracy", "macro_f1", "roc_auc", "expected_calibration_error"):
        estimate: Estimate = getattr(clean, metric)
        if estimate.value is None:
            yield f"Not measured: {escape(in_sentence(metric))}, because {escape(estimate.reason or '')}."
    if candidate.robustness.attacks and candidate.robustness.worst_case_accuracy.value is None:
        reason = candidate.robustness.worst_case_accuracy.reason or ""
        yield f"Not measured: worst-case accuracy, because {escape(reason)}."


def _making(report: AuditReport, candidate: CandidateResult) -> Iterator[str]:
    about = report.provenance
    model = candidate.model
    # Not its source: where it lay on somebody's machine is nobody's business on a hub.
    size = "" if model.num_parameters is None else f", {model.num_parameters:,} parameters"
    yield f"Model: SHA-256 {escape(model.sha256)}{size}; labels {escape(', '.join(map(name, model.labels)))}"
    yield f"Data: SHA-256 {escape(about.data_sha256)}"
    yield f"Seed {about.seed}, on {escape(about.device)}"
    yield "Versions: " + escape(", ".join(f"{key} {value}" for key, value in about.versions.items()), 600)
    checks = [check for check in report.gate.checks if check.candidate == candidate.name]
    if checks:
        held = sum(check.passed for check in checks)
        yield f"Checks set for it: {held} of {len(checks)} hold"


def _measured(words: str, metric: str, estimate: Estimate) -> Row:
    return escape(words), escape(full(estimate, kind_of(metric))), f"{estimate.n:,}"


def _titled(title: str, header: Row, rows: Iterator[Row]) -> Iterator[str]:
    """The table under its title; nothing where it would be empty."""
    found = list(rows)
    if found:
        yield f"### {title}\n\n{_table(header, iter(found))}"


def _table(header: Row, rows: Iterator[Row]) -> str:
    found = list(rows)
    lines = [header, ["---"] * len(header), *found[:MAX_ROWS]]
    left_out = len(found) - MAX_ROWS
    more = f"\n\nThe others, {left_out:,} of them, are in audit.json." if left_out > 0 else ""
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + more
