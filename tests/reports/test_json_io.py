import json
from dataclasses import replace
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
from reports.model import AuditReport
from tests.reports.example import example_report, no_attacks

SMALL = no_attacks(example_report())


@pytest.mark.parametrize("make", [lambda report: report, no_attacks])
def test_a_report_survives_the_round_trip(black_box: AuditReport, make: Any) -> None:
    original = make(black_box)
    text = to_json(original)
    assert from_json(text, "audit.json") == original
    assert to_json(from_json(text, "audit.json")) == text


def test_an_audit_from_before_curves_texts_and_checks_still_loads(report: AuditReport) -> None:
    document = json.loads(to_json(report))
    for candidate in document["candidates"]:
        del candidate["robustness"]["curves"], candidate["robustness"]["validity"]
        del candidate["robustness"]["behaviours"], candidate["robustness"]["suites"]
        for attack in candidate["robustness"]["attacks"]:
            del attack["bounded"], attack["unreached"], attack["filtered_success_rate"], attack["notes"]
            del attack["minimal_norm"], attack["successes"], attack["examples"]
            del attack["threat_model"]["target"]
    old = from_json(json.dumps(document), "audit.json")
    robust = old.candidates[0].robustness
    assert (robust.curves, robust.validity) == ([], None)
    assert all((each.successes, each.examples, each.minimal_norm) == (0, [], None) for each in robust.attacks)
    assert robust.clean == report.candidates[0].robustness.clean
    assert "Accuracy under attacks without a curve" in render_html(old)
    assert "Clean accuracy" in render_markdown(old)
    jsonschema.validate(document, json_schema())


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
    report = replace(SMALL, candidates=[])
    changed = replace(report, provenance=replace(report.provenance, seconds=number, config={"x": number}))
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
        ("[]", "schema_version, got None"),
        ("{}", "an object without it"),
        ('{"schema_version": "1"}', "got '1'"),
        ('{"schema_version": true}', "got True"),
        ('{"schema_version": 3}', "newer assay"),
        ('{"schema_version": 0}', "expected schema_version 2, got 0"),
        ('{"schema_version": 2, "x": NaN}', "finite numbers, got NaN"),
        ("[" * 100_000, "nested too deep"),
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
