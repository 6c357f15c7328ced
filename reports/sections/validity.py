"""Whether the robustness figures can be trusted: the checks of the evaluation itself."""

from dataclasses import dataclass

from reports.blocks import (
    Block,
    Callout,
    Cell,
    Part,
    Remark,
    Remarks,
    Row,
    Section,
    Table,
    Text,
    Tone,
    beside,
    estimate_cell,
    noted_cell,
)
from reports.formatting import Kind, counted, figure, interval, name
from reports.model import AuditReport, CandidateResult
from reports.naming import NORMS
from robustness.results import Calibration, ValidityCheck, ValidityResult

ORDER = 58


@dataclass(frozen=True)
class _Words:
    """title: what should hold. odd: what the number of the check counts or compares."""

    title: str
    odd: str
    kind: Kind = "percent"


_CHECKS = {
    "deterministic": _Words(
        "The model answers the same when asked twice", "examples with two different answers"
    ),
    "zero_gradient": _Words("Gradients show the attack where to go", "examples without a gradient"),
    "loss_rises": _Words("The attack makes the true class less likely", "examples where it does not"),
    "noise_is_weaker": _Words("Random noise does less than the attack", "examples where it does as much"),
    "more_steps_are_stronger": _Words(
        "Ten steps turn at least as many examples as one", "accuracy under ten minus under one", "points"
    ),
    "more_budget_is_stronger": _Words(
        "Twice the budget turns at least as many examples",
        "accuracy under twice minus under the budget",
        "points",
    ),
    "no_bound_breaks": _Words(
        "Without any bound the attack breaks the model", "examples it still gets right"
    ),
    "transfer_is_weaker": _Words(
        "Attacks borrowed from another candidate do no better",
        "accuracy under the model's own minus under the borrowed",
        "points",
    ),
    "confidence_hides_nothing": _Words(
        "The attack is no stronger once confidence is calibrated",
        "accuracy as it is minus calibrated",
        "points",
    ),
}
_COMPARED: tuple[tuple[str, str, Kind], ...] = (
    ("Accuracy under attack as it is", "as_is", "percent"),
    ("Accuracy under attack, calibrated", "calibrated", "percent"),
    ("Difference", "difference", "points"),
)
_RESULTS: dict[bool | None, tuple[str, Tone]] = {
    True: ("✓\u00a0holds here", "good"),
    False: ("✗\u00a0fails", "bad"),
    None: ("–\u00a0not checked", "muted"),
}


def section(report: AuditReport) -> Section | None:
    found = [candidate.robustness for candidate in report.candidates]
    if not any(each.attacks or each.validity for each in found):
        return None  # without attacks there is no evaluation of them to check
    return Section("Can these figures be trusted?", "validity", _blocks(report))


def _blocks(report: AuditReport) -> list[Block]:
    checked = [(each, each.robustness.validity) for each in report.candidates if each.robustness.validity]
    if not checked:
        return [
            Text(
                "The evaluation itself was not checked: the checks are switched off (examples = 0 under "
                "[validity]), or no example was classified correctly.",
                "muted",
            )
        ]
    return [
        _verdict(checked),
        Text(
            "A model can look robust because the attack does not work on it. Each check is something that "
            "must hold where the attack works; it fails where its whole interval lies beyond the limit "
            "(0 where none is given). “Holds here” says that it did not fail on these examples: where the "
            "interval reaches beyond the limit, so few of them cannot show that it is kept. "
            f"{_setting(checked)}",
            "muted",
        ),
        _table(report),
        *_messages(checked),
        *_calibration(report),
    ]


_Checked = list[tuple[CandidateResult, ValidityResult]]


def _verdict(checked: _Checked) -> Callout:
    failed = {
        name(candidate.name): count
        for candidate, validity in checked
        if (count := sum(check.passed is False for check in validity.checks))
    }
    if failed:
        told = "; ".join(f"{each}: {counted(count, 'failed check')}" for each, count in failed.items())
        return Callout(
            "bad",
            "✗ Not all of them",
            f"{told}. The accuracy under attack of such a model may say more about the attack than about the "
            "model.",
        )
    undecided = sum(check.passed is None for _, validity in checked for check in validity.checks)
    rest = f" {counted(undecided, 'check')} could not be made." if undecided else ""
    return Callout(
        "good",
        "✓ No check failed",
        f"Nothing points to an attack that did not work.{rest} Stronger attacks may still do worse.",
    )


def _setting(checked: _Checked) -> str:
    """On how many examples, in which norm and at which budget."""
    (_, first), *rest = checked
    counts = {validity.n for _, validity in checked}
    where = f"with PGD within {NORMS[first.norm]} at epsilon {first.epsilon:g}"
    if not rest or counts == {first.n}:
        return f"Checked on {counted(first.n, 'correctly classified example')}, {where}."
    each = ", ".join(f"{name(candidate.name)} {validity.n:,}" for candidate, validity in checked)
    return f"Checked on correctly classified examples ({each}), {where}."


def _table(report: AuditReport) -> Table:
    results = [
        {check.id: check for check in each.robustness.validity.checks} if each.robustness.validity else {}
        for each in report.candidates
    ]
    ids = list(dict.fromkeys(check for result in results for check in result))
    rows = [
        Row(
            _words(check).title,
            [_cell(result.get(check)) for result in results],
            f"number: {_words(check).odd}",
        )
        for check in ids
    ]
    names = [name(each.name) for each in report.candidates]
    return beside("Checks of the evaluation", "What should hold", names, rows)


def _words(check: str) -> _Words:
    return _CHECKS.get(check) or _Words(name(check.replace("_", " ").capitalize()), "as measured", "number")


def _cell(check: ValidityCheck | None) -> Cell:
    if check is None:
        return Cell(*_RESULTS[None][:1], "no example was classified correctly", "muted")
    text, tone = _RESULTS[check.passed]
    observed, kind = check.observed, _words(check.id).kind
    if observed.value is None:
        return Cell(text, "see below", tone)
    limit = f"limit {figure(check.limit, kind)}" if check.limit else ""
    return noted_cell(text, [figure(observed.value, kind), interval(observed, kind), limit], tone)


def _messages(checked: _Checked) -> list[Block]:
    """What failed and what could not be decided, in full."""
    remarks = [
        Remark("bad" if check.passed is False else "muted", word, name(candidate.name), check.message)
        for passed, word in ((False, "✗ failed"), (None, "not checked"))
        for candidate, validity in checked
        for check in validity.checks
        if check.passed is passed
    ]
    return [Remarks(remarks)] if remarks else []


def _calibration(report: AuditReport) -> list[Block]:
    """A confident model hides its gradients: how it does once its confidence is what its accuracy is."""
    found = [
        each.robustness.validity.calibration if each.robustness.validity else None
        for each in report.candidates
    ]
    fitted = next((each for each in found if each), None)
    if fitted is None:
        return []

    names = [name(candidate.name) for candidate in report.candidates]
    rows = [
        Row("Temperature", [_temperature(each) for each in found]),
        *(
            Row(title, [estimate_cell(getattr(each, field) if each else None, kind) for each in found])
            for title, field, kind in _COMPARED
        ),
    ]
    told = (
        f"Dividing a model's scores by a temperature, fitted to {counted(fitted.n_fit, 'held-out example')} "
        f"({fitted.held_out}), changes its confidence and no prediction. Where the attack turns more "
        "examples of the calibrated model, only confidence protected it."
    )
    return [
        Part(
            "With calibrated confidence",
            [Text(told, "muted"), beside("The same attack", "Measure", names, rows)],
        )
    ]


def _temperature(calibration: Calibration | None) -> Cell:
    if calibration is None:
        return estimate_cell(None)
    note = "over-confident" if calibration.temperature > 1 else "under-confident"
    return Cell(f"{calibration.temperature:.3g}", note)
