"""When a saved audit is of this configuration and of these files."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assay.config import build_config
from assay.config_models import AuditConfig
from assay.plugin.freshness import _differences, _listed, changed_since
from assay.plugin.inputs import input_files

STARTED = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEGAN = STARTED.timestamp()


def touch(file: Path, seconds: float, text: str = "") -> Path:
    """A file that was written so long after the audit began."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (BEGAN + seconds,) * 2)
    return file


def config(base: Path, model: str = "my_model:f", **more: Any) -> AuditConfig:
    raw = {"data": {"path": "data.csv"}, "candidates": [{"name": "own", "model": model}], **more}
    return build_config(raw, base, source="assay.toml", name="assay")


@pytest.mark.parametrize(
    ("then", "now", "places"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"b": 3, "a": 1}, ["b"]),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["a.b.1.c"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"a": 1}, {}, ["a"]),
        ({}, {"a": None}, ["a"]),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": {}}, {"a": []}, ["a"]),
    ],
)
def test_differences_are_named_by_their_place(then: Any, now: Any, places: list[str]) -> None:
    assert list(_differences(then, now)) == places


def test_of_many_differences_three_are_named() -> None:
    assert _listed(["a", "b", "c"]) == "a, b, c"
    assert _listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


@pytest.mark.parametrize(("seconds", "changed"), [(-60, False), (0.9, False), (1.5, True), (3600, True)])
def test_a_file_written_after_the_audit_began_has_changed(
    seconds: float, changed: bool, tmp_path: Path
) -> None:
    touch(tmp_path / "my_model.py", -10)
    data = touch(tmp_path / "data.csv", seconds)
    # audit.json tells the start in whole seconds, in UTC.
    found = changed_since(config(tmp_path), STARTED.isoformat(timespec="seconds"))
    assert found == ([data] if changed else [])


def test_a_file_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    touch(tmp_path / "my_model.py", -10)
    assert changed_since(config(tmp_path), STARTED.isoformat()) == []


def test_inputs_are_data_suites_models_and_the_users_own_code(tmp_path: Path) -> None:
    given = {
        "data.csv": "",
        "cases.csv": "",
        "terms.csv": "",
        "my_model.py": "import helper\nfrom package.part import x\nimport numpy\nfrom . import y\n",
        "helper.py": "import my_model, deeper",
        "deeper.py": "this is no Python (",
        "package/__init__.py": "",
        "package/part.py": "",
        "model/config.json": "",
        "model/sub/weights.safetensors": "",
        "fitted.skops": "",
        "recipes.py": "",
    }
    others = ("unrelated.py", "assay.toml", "runs/assay/audit.json", "runs/assay/models/own/config.json")
    for name, text in given.items():
        touch(tmp_path / name, 0, text)
    for name in others:
        touch(tmp_path / name, 0)
    whole = config(
        tmp_path,
        candidates=[
            {"name": "own", "model": "my_model:f"},
            {"name": "folder", "model": "./model"},
            {"name": "pipeline", "model": "./fitted.skops"},
            {"name": "hub", "model": "org/name"},
            {
                "name": "served",
                "model": "https://example.org/predict",
                "labels": ["a", "b"],
                "endpoint": {"server": "mlflow"},
            },
        ],
        attacks=[{"name": "recipes:mine"}, {"name": "textattack:textfooler"}],
        suites=[{"path": "cases.csv", "functionality": "kind"}],
        counterfactual={"terms": ["terms.csv"]},
    )
    found = {str(path.relative_to(tmp_path.resolve())) for path in input_files(whole)}
    assert found == set(given)


def test_a_folder_of_data_does_not_count_the_run_in_it(tmp_path: Path) -> None:
    touch(tmp_path / "my_model.py", 0)
    touch(tmp_path / "runs" / "assay" / "audit.json", 0)
    whole = config(tmp_path, data={"path": "."})
    assert [path.name for path in input_files(whole)] == ["my_model.py", "my_model.py"]


def test_the_code_of_an_installed_package_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    touch(elsewhere / "assay_test_package" / "__init__.py", 0)
    touch(elsewhere / "assay_test_package" / "model.py", 0)
    touch(elsewhere / "assay_test_module.py", 0)
    monkeypatch.syspath_prepend(elsewhere)
    for model, names in (
        ("assay_test_package.model:f", {"__init__.py", "model.py"}),
        ("assay_test_module:f", {"assay_test_module.py"}),
        ("assay_test_nowhere:f", set()),
    ):
        assert {path.name for path in input_files(config(tmp_path / "base", model))} == names
