"""A Hugging Face model card of one candidate: its metrics as evaluation results, and a section of text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from attacks.errors import AssayError, nearest
from reports.card_text import section
from reports.formatting import NAME_LIMIT, name
from reports.highlights import label_of
from reports.model import AuditReport, CandidateResult
from reports.naming import metric_name
from robustness.estimate import Estimate

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True)
class Measurement:
    """One number of the metadata. kind: the hub's name of the metric. args: what it was computed with."""

    kind: str
    title: str
    estimate: Estimate
    config: str | None
    args: dict[str, Any]


def render_model_card(report: AuditReport, candidate: str | None = None) -> str:
    """A README.md for the model hub: metadata in YAML, and a section "Robustness and fairness".

    The metadata are a ``model-index`` as huggingface_hub makes it from its ``EvalResult``. Each metric has
    its interval, its level and the number of examples in ``args``; what was not measured has no entry there,
    and stands in the text with the reason.

    candidate: which one; None where there is but one. Raises AssayError where that does not settle it.
    """
    from huggingface_hub import EvalResult, ModelCardData

    chosen = choose(report, candidate)
    dataset = _dataset(report)
    results = [
        EvalResult(
            task_type="text-classification",
            task_name="Text Classification",
            **dataset,
            metric_type=each.kind,
            metric_value=each.estimate.value,
            metric_name=name(each.title),
            metric_config=None if each.config is None else name(each.config),
            metric_args={**_plain(each.args), **_certainty(each.estimate, report.provenance.confidence)},
        )
        for each in measurements(report, chosen)
        if each.estimate.value is not None
    ]
    data = ModelCardData(
        model_name=name(chosen.name),
        eval_results=results or None,
        pipeline_tag="text-classification",
        tags=["text-classification"],
        metrics=sorted({result.metric_type for result in results}) or None,
    )
    return f"---\n{data.to_yaml()}\n---\n\n{section(report, chosen)}"


def choose(report: AuditReport, candidate: str | None) -> CandidateResult:
    """The candidate of that name, or the only one. Raises AssayError, with the names, where there is none."""
    names = [each.name for each in report.candidates]
    if candidate is None and len(names) == 1:
        return report.candidates[0]
    listed = ", ".join(map(name, names)) or "none"
    if candidate is None:
        raise AssayError(
            f"a model card is of one candidate, and the audit has {len(names)}: {listed}. "
            "Choose with --candidate NAME."
        )
    for each in report.candidates:
        if each.name == candidate:
            return each
    raise AssayError(
        f'--candidate: the audit has no candidate "{candidate}".{nearest(candidate, names)} '
        f"There are: {listed}."
    )


def measurements(report: AuditReport, candidate: CandidateResult) -> Iterator[Measurement]:
    """Everything the metadata hold, measured or not."""
    clean, robust = candidate.robustness.clean, candidate.robustness
    binary = len(candidate.model.labels) == 2
    yield Measurement("accuracy", "Accuracy", clean.accuracy, None, {})
    yield Measurement("f1", "Macro F1", clean.macro_f1, None, {"average": "macro"})
    areas = {} if binary else {"average": "macro", "multi_class": "ovr"}
    yield Measurement("roc_auc", "ROC AUC", clean.roc_auc, None, areas)
    error = clean.expected_calibration_error
    yield Measurement("expected_calibration_error", "Expected calibration error", error, None, {})
    for attack in robust.attacks:
        if not attack.comparable:
            continue
        given = {"attack": attack.name, "params": attack.params}
        label = label_of(report, attack)
        title = f"Accuracy under {label}"
        yield Measurement("accuracy_under_attack", title, attack.accuracy_under_attack, label, given)
    if robust.attacks:
        worst = robust.worst_case_accuracy
        title = "Worst-case accuracy over the bounded attacks that reached every example"
        yield Measurement("worst_case_accuracy", title, worst, None, {})
    yield from _by_group(candidate)


def _by_group(candidate: CandidateResult) -> Iterator[Measurement]:
    """The worst group and the disparities of each grouping."""
    if candidate.fairness is None:
        return
    for grouping, assessment in candidate.fairness.groups.items():
        worst = assessment.worst.get("accuracy")
        if worst is not None:
            args = {"grouping": grouping, "group": worst.group}
            title = f"Accuracy of the worst group of {grouping}"
            yield Measurement("worst_group_accuracy", title, worst.estimate, grouping, args)
        for disparity, estimate in assessment.disparities.items():
            kind = disparity.partition("[")[0]
            title = f"{metric_name(disparity)} by {grouping}"
            yield Measurement(kind, title, estimate, grouping, {"grouping": grouping})


def _certainty(estimate: Estimate, confidence: float) -> dict[str, Any]:
    """How sure a number is."""
    if estimate.low is None or estimate.high is None:
        return {"n": estimate.n}
    return {"n": estimate.n, "low": estimate.low, "high": estimate.high, "confidence": confidence}


def _dataset(report: AuditReport) -> dict[str, Any]:
    """The data as an evaluation result names it. The type is the hub's name; of a file, the data's own."""
    given = report.provenance.config.get("data")
    config = given if isinstance(given, dict) else {}
    hub = config.get("hub")
    known = isinstance(hub, str) and _HUB_NAME.fullmatch(hub) is not None
    return {
        "dataset_name": name(report.data.name),
        "dataset_type": hub if known else _slug(report.data.name),
        "dataset_config": _text(config.get("hub_config")),
        "dataset_split": _text(config.get("split")),
        "dataset_revision": _text(config.get("revision")),
        "dataset_args": {"n": report.data.n, "sha256": report.provenance.data_sha256},
    }


def _plain(args: dict[str, Any]) -> dict[str, Any]:
    """The arguments with nothing hidden in their texts."""
    return {name(key): _plain_value(value) for key, value in args.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list):
        return [_plain_value(each) for each in value]
    return name(value) if isinstance(value, str) else value


def _slug(words: str) -> str:
    return re.sub(r"[^\w.-]+", "-", words)[:NAME_LIMIT].strip("-") or "data"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
