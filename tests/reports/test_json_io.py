import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attacks.errors import AssayError
from reports.html import render_html
from reports.json_io import SCHEMA_FILE, from_json, json_schema, to_json
from reports.markdown import render_markdown
from reports.model import AuditReport, GateResult
from reports.verdict import verdict_of
from robustness.estimate import Estimate
from tests.reports.example import example_report, no_attacks, with_verdict

SMALL = no_attacks(example_report())
NOBODY = with_verdict(replace(SMALL, candidates=[]))
RELEASED = Path(__file__).parent / "released"
VERSIONS = sorted(RELEASED.glob("*.json"))


@pytest.mark.parametrize("make", [lambda report: report, no_attacks])
def test_a_report_survives_the_round_trip(black_box: AuditReport, make: Any) -> None:
    original = make(black_box)
    text = to_json(original)
    assert from_json(text, "audit.json") == original
    assert to_json(from_json(text, "audit.json")) == text


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_every_released_audit_loads_and_renders(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    document, report = json.loads(text), from_json(text, str(file))
    assert report.schema_version == 2
    assert report.data.label_counts == document["data"]["label_counts"]
    for candidate, written in zip(report.candidates, document["candidates"], strict=True):
        assert candidate.name == written["name"]
        assert asdict(candidate.robustness.clean) == written["robustness"]["clean"]
        attacks = zip(candidate.robustness.attacks, written["robustness"]["attacks"], strict=True)
        assert all(asdict(a.accuracy_under_attack) == b["accuracy_under_attack"] for a, b in attacks)
    assert [each.message for each in report.findings] == [each["message"] for each in document["findings"]]
    assert report.gate.passed == document["gate"]["passed"]
    assert (report.verdict.state == "do not ship") == (not report.gate.passed)
    assert from_json(to_json(report), "audit.json") == report
    assert "Clean accuracy" in render_markdown(report)
    assert "</html>" in render_html(report)


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_every_released_audit_fits_the_schema_of_its_version(file: Path) -> None:
    document = json.loads(file.read_text(encoding="utf-8"))
    schema = json.loads(
        (SCHEMA_FILE.parent / f"audit-{document['schema_version']}.json").read_text(encoding="utf-8")
    )
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    assert file.stem.startswith(f"audit-{document['schema_version']}-")


def test_the_released_audits_cover_what_the_versions_lacked() -> None:
    """Else the tests above would show nothing."""
    texts = {file.stem: file.read_text(encoding="utf-8") for file in VERSIONS}
    assert '"validation_accuracy_under_attack"' not in texts["audit-1-first"]
    assert '"confidence"' not in texts["audit-1-first"].split('"device"')[0]
    assert '"verdict"' not in texts["audit-1-last"]
    assert '"counterfactuals": [\n        {' in texts["audit-1-last"]
    assert '"mitigation": {' in texts["audit-1-last"]
    assert all(key not in texts["audit-1-before-white-box"] for key in ('"curves"', '"validity": {'))
    assert '"behaviours": [' in texts["audit-1-before-fairness"]


def first() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RELEASED / "audit-1-first.json").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize(
    ("config", "expected"),
    [({}, 0.95), ({"fairness": {"confidence": 0.8}}, 0.8), ({"fairness": {}}, 0.95), ({"fairness": 1}, 0.95)],
)
def test_the_level_of_intervals_is_taken_from_the_configuration_of_the_first_audits(
    config: dict[str, Any], expected: float
) -> None:
    document = first()
    document["provenance"]["config"] = config
    assert from_json(json.dumps(document), "audit.json").provenance.confidence == expected


def test_an_old_audit_gets_the_verdict_that_its_gate_and_findings_give() -> None:
    document = first()
    report = from_json(json.dumps(document), "audit.json")
    assert report.verdict == verdict_of(["fgsm-trained"], report.findings, report.gate)
    assert report.verdict.state == "ship with care"
    document["gate"]["checks"][0].update(passed=False, minimum=0.99)
    document["gate"]["passed"] = False
    assert from_json(json.dumps(document), "audit.json").verdict.state == "do not ship"


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (lambda d: d["findings"][0].update(severity="awful"), r"findings\[0\]\.severity"),
        (lambda d: d["gate"]["checks"][0].update(passed="yes"), r"gate\.checks\[0\]\.passed"),
        (lambda d: d.update(candidates={}), "candidates"),
        (lambda d: d["candidates"][0].update(training=[]), r"candidates\[0\]\.training"),
        (
            lambda d: d["candidates"][0]["training"].update(history=[1]),
            r"candidates\[0\]\.training\.history\[0\]",
        ),
        (lambda d: d.update(provenance=None), "provenance"),
        (lambda d: d["provenance"].update(confidence=None), r"provenance\.confidence"),
        (lambda d: d.pop("gate"), "gate"),
        (lambda d: d["candidates"][0].update(name=None), r"candidates\[0\]\.name"),
    ],
)
def test_a_damaged_old_audit_is_refused_with_the_place(damage: Any, place: str) -> None:
    document = first()
    damage(document)
    with pytest.raises(AssayError, match=rf"; at {place}: "):
        from_json(json.dumps(document), "audit.json")


def test_curves_texts_and_checks_survive_the_round_trip(report: AuditReport) -> None:
    robust = from_json(to_json(report), "audit.json").candidates[1].robustness
    expected = report.candidates[1].robustness
    assert robust.validity == expected.validity
    assert robust.curves == expected.curves
    assert [each.examples for each in robust.attacks] == [each.examples for each in expected.attacks]
    assert robust.attacks[-2].minimal_norm == expected.attacks[-2].minimal_norm
    assert expected.attacks[-2].minimal_norm is not None


def test_a_hostile_report_survives_the_round_trip(hostile: AuditReport) -> None:
    assert from_json(to_json(hostile), "audit.json") == hostile


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_read_back_exactly(number: float) -> None:
    changed = replace(NOBODY, provenance=replace(NOBODY.provenance, seconds=number, config={"x": number}))
    read = from_json(to_json(changed), "audit.json").provenance
    assert (read.seconds.hex(), float(read.config["x"]).hex()) == (number.hex(), number.hex())


def test_the_keys_come_in_the_order_of_the_types(report: AuditReport) -> None:
    text = to_json(report)
    document = json.loads(text)
    assert list(document) == [
        "schema_version",
        "provenance",
        "data",
        "candidates",
        "findings",
        "gate",
        "verdict",
    ]
    estimate = document["candidates"][0]["robustness"]["worst_case_accuracy"]
    assert list(estimate) == ["value", "low", "high", "n", "reason"]
    assert text.startswith('{\n  "schema_version": 2,')
    assert text.endswith("}\n")


def test_the_shipped_schema_is_the_generated_one() -> None:
    shipped = json.loads(Path(SCHEMA_FILE).read_text(encoding="utf-8"))
    assert shipped == json_schema(), "run: python -m reports.json_io"


@pytest.mark.parametrize("make", [lambda report: report, no_attacks])
def test_reports_fit_the_schema(report: AuditReport, make: Any) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(to_json(make(report))), schema)


@pytest.mark.parametrize("key", ["n", "extra", "value"])
def test_the_schema_refuses_what_the_reader_refuses(report: AuditReport, key: str) -> None:
    document = json.loads(to_json(report))
    estimate = document["candidates"][0]["robustness"]["worst_case_accuracy"]
    estimate[key] = "many"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())
    with pytest.raises(AssayError, match=rf"candidates\[0\]\.robustness\.worst_case_accuracy\.{key}"):
        from_json(json.dumps(document), "audit.json")


def test_a_truncated_file_is_refused_with_its_place(report: AuditReport) -> None:
    text = to_json(report)
    with pytest.raises(AssayError, match=r"runs/a/audit\.json.*line \d+, column \d+.*cut off"):
        from_json(text[: len(text) // 2], "runs/a/audit.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected JSON"),
        ("[]", "schema_version, got a list"),
        ("{}", "an object without it"),
        ('{"schema_version": "1"}', "got '1'"),
        ('{"schema_version": true}', "got True"),
        ('{"schema_version": 3}', "newer assay"),
        ('{"schema_version": 0}', "expected a schema_version of 1, 2, got 0: there was none"),
        ('{"schema_version": 2, "x": NaN}', "finite numbers, got NaN"),
        ("[" * 100_000, "nested too deep"),
        (f'{{"schema_version": 2, "x": {"[" * 150}{"]" * 150}}}', r"nested too deep .* at x\[0\]\[0\]"),
        ('{"schema_version": 2, "data": {"n": 1e999}}', r"finite number at data\.n, got inf"),
        (
            '{"schema_version": 2, "data": {"n": 1' + "0" * 400 + "}}",
            r"finite number at data\.n, got a whole",
        ),
        ('{"schema_version": 2, "data": {"n": 1' + "0" * 9000 + "}}", "too many digits"),
        ('{"schema_version": 2, "data": {"name": "\\ud800"}}', r"text at data\.name.*half a surrogate"),
        ('{"schema_version": 2, "\\udc00": 1}', "half a surrogate"),
        ('{"schema_version": 2, "data": {"n": 1, "n": 2}}', r"each key once, got \'data\.n\' twice"),
        ('{"schema_version": 2, "schema_version": 2}', r"each key once, got \'schema_version\' twice"),
        (
            '{"schema_version": 2, "candidates": [{}, {"a": 1, "b": 2, "a": 3}]}',
            r"\'candidates\[1\]\.a\' twice",
        ),
    ],
)
def test_other_files_are_refused(text: str, message: str) -> None:
    with pytest.raises(AssayError, match=message):
        from_json(text, "audit.json")


def test_a_missing_key_and_an_impossible_estimate_are_refused(report: AuditReport) -> None:
    document = json.loads(to_json(report))
    del document["gate"]["passed"]
    with pytest.raises(AssayError, match=r"gate\.passed: .*required"):
        from_json(json.dumps(document), "audit.json")
    document = json.loads(to_json(report))
    document["candidates"][1]["robustness"]["clean"]["accuracy"]["value"] = None
    with pytest.raises(AssayError, match=r"candidates\[1\]\.robustness\.clean\.accuracy.*reason"):
        from_json(json.dumps(document), "audit.json")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), r"finite number at provenance\.config\.x\[0\], got nan"),
        ("\ud800", "half a surrogate"),
        (Path("x"), r"provenance\.config\.x\[0\], got \w*Path"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(
    report: AuditReport, value: object, message: str
) -> None:
    changed = replace(report, provenance=replace(report.provenance, config={"x": [value]}))
    with pytest.raises(AssayError, match=message):
        to_json(changed)


# What a change by hand leaves behind.

CLEAN = "candidates[1].robustness.clean.accuracy"


def at(document: Any, place: str) -> tuple[Any, Any]:
    """What holds the place, and its key there."""
    *way, last = [int(part) if part.isdecimal() else part for part in re.split(r"[.\[\]]+", place.strip("]"))]
    for part in way:
        document = document[part]
    return document, last


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (f"{CLEAN}.value", 0.9, "above its own interval, which ends at 0.8"),
        (f"{CLEAN}.value", 0.5, "below its own interval"),
        (f"{CLEAN}.value", 0.85, "by the confusion matrix 0.84"),
        (f"{CLEAN}.n", 0, "rests on no example"),
        (f"{CLEAN}.n", -5, "expected a count"),
        ("candidates[0].robustness.clean.roc_auc.high", 0.1, "above its own interval"),
        ("candidates[0].robustness.clean.confusion_matrix[0][0]", 5, "but data.n is 640"),
        ("candidates[0].robustness.clean.confusion_matrix[0]", [640], "as many columns as rows"),
        ("candidates[0].robustness.attacks[2].n", 7, "but data.n is 640"),
        ("candidates[0].robustness.attacks[2].skipped", 641, "641 of 640"),
        ("candidates[0].robustness.attacks[9].successes", 2, "5 examples shown"),
        ("candidates[0].fairness.groups.domain.by_group.tweets.n", 81, "n_by_label adds up to 80"),
        ("candidates[1].name", "plain", "another candidate"),
        ("data.label_counts.negative", 1, "add up to 351, but data.n is 640"),
        ("data.groups.domain.tweets", 641, "at most data.n = 640"),
        (f"{CLEAN}.n", 641, "641 examples, but data.n is 640"),
        ("candidates[0].robustness.worst_case_accuracy.n", 700, "700 examples, but data.n is 640"),
        ("candidates[0].robustness.attacks[2].accuracy_under_attack.n", 641, "but data.n is 640"),
        ("gate.passed", True, "but a check failed"),
        ("gate.checks[0].passed", True, "below the minimum 0.6"),
        ("gate.checks[1].passed", False, "within the limits"),
        ("gate.checks[2].passed", True, "nothing was measured"),
        ("gate.checks[0].candidate", "nobody", 'no candidate "nobody"'),
        ("verdict.state", "ship", "but the gate failed"),
        ("verdict.candidates[0].state", "ship with care", "but the gate failed"),
        ("verdict.candidates[1].state", "do not ship", "no check of the gate failed"),
        ("verdict.candidates[1].candidate", "nobody", 'no candidate "nobody"'),
    ],
)
def test_an_audit_that_contradicts_itself_is_refused_with_the_place(
    report: AuditReport, place: str, value: object, message: str
) -> None:
    document = json.loads(to_json(report))
    holder, key = at(document, place)
    assert holder[key] != value
    holder[key] = value
    with pytest.raises(AssayError) as refused:
        from_json(json.dumps(document), "audit.json")
    told = str(refused.value)
    where = told.split("; at ")[1].split(": ")[0]
    # The value of an interval's end is told at the value, a row of a matrix at the matrix.
    assert place.startswith(re.sub(r"\.(value|n)$", "", where)), told
    assert message in told


@pytest.mark.parametrize(("metric", "refused"), [("accuracy", True), ("minimal_norm", False)])
def test_a_change_of_more_than_the_whole_scale_is_refused(
    report: AuditReport, metric: str, refused: bool
) -> None:
    for value in (1.5, -1.5):
        changed = [replace(report.gate.checks[0], metric=metric, change=Estimate(value, None, None, 640))]
        text = to_json(replace(report, gate=replace(report.gate, checks=[*changed, *report.gate.checks[1:]])))
        if refused:
            with pytest.raises(AssayError, match=r"checks\[0\]\.change\.value: expected a change between"):
                from_json(text, "audit.json")
        else:
            from_json(text, "audit.json")


def test_a_share_above_one_is_refused_even_with_its_interval(report: AuditReport) -> None:
    document = json.loads(to_json(report))
    worst = document["candidates"][0]["robustness"]["worst_case_accuracy"]
    worst.update(value=1.4, low=1.3, high=1.5)
    with pytest.raises(AssayError, match=r"worst_case_accuracy\.value: expected a share .* got 1\.4"):
        from_json(json.dumps(document), "audit.json")


@pytest.mark.parametrize(
    ("decide", "changes", "refused"),
    [
        ("certain-fail", {"passed": True}, False),
        ("certain-pass", {"passed": True}, True),
        ("certain-pass", {"passed": False, "minimum": 0.2}, False),
        ("estimate", {"passed": False, "minimum": 0.2, "max_drop": 0.05}, False),
        ("estimate", {"passed": False, "minimum": 0.2}, True),
    ],
)
def test_a_decision_is_doubted_only_where_its_own_numbers_contradict_it(
    report: AuditReport, decide: str, changes: dict[str, Any], refused: bool
) -> None:
    checks = [replace(report.gate.checks[0], decide=decide, **changes)]  # type: ignore[arg-type]
    gate = GateResult(passed=all(check.passed for check in checks), checks=checks)
    text = to_json(with_verdict(replace(report, gate=gate)))
    if refused:
        with pytest.raises(AssayError, match=r"gate\.checks\[0\]\.passed"):
            from_json(text, "audit.json")
    else:
        assert from_json(text, "audit.json").gate == gate


def test_a_byte_order_mark_that_an_editor_left_does_no_harm(report: AuditReport) -> None:
    assert from_json("\ufeff" + to_json(report), "audit.json") == report
