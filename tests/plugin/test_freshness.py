"""When a saved audit is of this configuration and of these files."""

import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay import recorded_inputs as recorded
from assay.config import build_config, load_config
from assay.config_models import AuditConfig
from assay.input_files import input_files
from assay.plugin.freshness import _differences, _listed, saved_audit, written_since
from assay.recorded_inputs import changed, record
from assay.run_folder import RunFolder

LONG_AGO = 1_000_000_000.0


def put(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
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


# What files held when the audit began, and what they hold now.


def swap(file: Path, text: str) -> None:
    """Another file in its place that looks older than the audit, as ``mv`` and ``rsync -a`` leave it."""
    new = put(file.with_name("new"), text)
    os.utime(new, (LONG_AGO, LONG_AGO))
    new.replace(file)


def rewrite(file: Path, text: str) -> None:
    """Other text of the same length, and the time of the old one."""
    before = file.stat()
    time.sleep(0.02)  # a clock of files goes in steps
    file.write_text(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture(params=[-1e12, 1e12], ids=["told by stat", "told by content"])
def settled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether what ``stat`` tells is trusted, which it is not for files as young as those of tests."""
    monkeypatch.setattr(recorded, "SETTLED", request.param)


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("name", ["data.csv", "my_model.py", "model/sub/weights.safetensors"])
@pytest.mark.parametrize("put_in", [swap, rewrite])
def test_a_file_of_other_content_has_changed_whatever_its_time(
    name: str, put_in: Any, tmp_path: Path
) -> None:
    for each in ("data.csv", "my_model.py", "model/sub/weights.safetensors"):
        put(tmp_path / each, "x = 1")
    candidates = [{"name": "own", "model": "my_model:f"}, {"name": "folder", "model": "./model"}]
    audit = config(tmp_path, candidates=candidates)
    then = json.loads(json.dumps(record(audit)))
    assert changed(audit, then) == []
    put_in(tmp_path / name, "x = 2")
    assert changed(audit, then) == [tmp_path / name]
    put_in(tmp_path / name, "x = 1")
    assert changed(audit, then) == []


@pytest.mark.usefixtures("settled")
def test_the_same_content_with_another_time_has_not_changed(tmp_path: Path) -> None:
    """As after a fresh checkout."""
    for name in ("data.csv", "my_model.py"):
        put(tmp_path / name, name)
    audit = config(tmp_path)
    then = record(audit)
    for name in ("data.csv", "my_model.py"):
        (tmp_path / name).unlink()
        put(tmp_path / name, name)
        os.utime(tmp_path / name, (time.time() + 3600,) * 2)
    assert changed(audit, then) == []


def test_a_file_that_nothing_was_written_to_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "my_model.py")
    put(tmp_path / "data.csv", "a")
    audit = config(tmp_path)
    young = record(audit)
    assert [each["stat"] for each in young.values()] == [None, None]
    monkeypatch.setattr(recorded, "SETTLED", -1e12)
    old = record(audit)
    read: list[str] = []
    monkeypatch.setattr(recorded, "_sha256", lambda path: read.append(path.name) or "")
    assert changed(audit, old) == []
    assert read == []
    changed(audit, young)
    assert sorted(read) == ["data.csv", "my_model.py"]


def test_what_comes_to_a_folder_or_goes_from_it_changes_it(tmp_path: Path) -> None:
    put(tmp_path / "data.csv")
    for name in ("config.json", "weights.safetensors"):
        put(tmp_path / "model" / name)
    audit = config(tmp_path, "./model")
    then = record(audit)
    gone, new = tmp_path / "model" / "config.json", put(tmp_path / "model" / "adapter.json")
    gone.unlink()
    assert changed(audit, then) == [new, gone]
    (tmp_path / "data.csv").unlink()
    shutil.rmtree(tmp_path / "model")
    assert changed(audit, then) == []  # nothing is there that could be something else


def test_a_file_that_cannot_be_read_is_not_the_one_that_was_audited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = put(tmp_path / "data.csv")
    put(tmp_path / "my_model.py")
    audit, read = config(tmp_path), recorded._sha256
    then = record(audit)

    def refuse(path: Path) -> str:
        if path == data:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(recorded, "_sha256", refuse)
    assert list(record(audit)) == [str(tmp_path / "my_model.py")]
    assert changed(audit, then) == [data]


# Audits that recorded nothing of their inputs.


@pytest.mark.parametrize(("seconds", "old"), [(60, True), (-60, False)])
def test_without_a_record_a_file_that_was_put_there_after_the_audit_began_has_changed(
    seconds: float, old: bool, tmp_path: Path
) -> None:
    data = put(tmp_path / "data.csv")
    os.utime(put(tmp_path / "my_model.py"), (LONG_AGO, LONG_AGO))
    os.utime(data, (LONG_AGO, LONG_AGO))  # nobody can set the time at which this was done
    # audit.json tells the start in whole seconds, in UTC.
    started = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    assert written_since(config(tmp_path), started) == ([] if old else [data, tmp_path / "my_model.py"])


def test_without_a_record_a_file_that_was_written_later_has_changed(tmp_path: Path) -> None:
    data = put(tmp_path / "data.csv")
    put(tmp_path / "my_model.py")
    later = datetime.now(UTC) + timedelta(seconds=60)
    for seconds, found in ((0.9, []), (2.5, [data])):
        os.utime(data, (int(later.timestamp()) + seconds,) * 2)
        assert written_since(config(tmp_path), later.isoformat(timespec="seconds")) == found
    data.unlink()
    assert written_since(config(tmp_path), later.isoformat()) == []


# The audit in a run folder.


def test_a_saved_audit_is_taken_as_it_is_while_its_outcomes_are_there(audited: Path) -> None:
    audit, run = load_config(audited / "assay.toml"), RunFolder(audited / "runs" / "assay")
    saved, reason = saved_audit(audit, run)
    assert saved is not None
    assert (saved.folder, reason) == (run, "")
    away = run.outcomes.rename(run.path / "away")
    try:
        assert saved_audit(audit, run) == (None, f"{run.outcomes} is not there")
    finally:
        away.rename(run.outcomes)


def test_the_outcomes_of_another_audit_are_no_audit(audited: Path) -> None:
    run = RunFolder(audited / "runs" / "assay")
    document = json.loads(run.audit.read_text(encoding="utf-8"))
    document["provenance"]["seconds"] += 1
    run.audit.write_text(json.dumps(document), encoding="utf-8")
    saved, reason = saved_audit(load_config(audited / "assay.toml"), run)
    assert saved is None
    assert "outcomes of another audit" in reason


# Which files count.


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
        put(tmp_path / name, text)
    for name in others:
        put(tmp_path / name)
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
    put(tmp_path / "my_model.py")
    put(tmp_path / "runs" / "assay" / "audit.json")
    whole = config(tmp_path, data={"path": "."})
    assert [path.name for path in input_files(whole)] == ["my_model.py", "my_model.py"]


def test_data_that_lies_in_the_run_folder_counts(tmp_path: Path) -> None:
    """As that of `assay demo` does."""
    put(tmp_path / "my_model.py")
    data = put(tmp_path / "runs" / "assay" / "data.csv")
    put(tmp_path / "runs" / "assay" / "audit.json")
    whole = config(tmp_path, data={"path": "runs/assay/data.csv"})
    assert list(input_files(whole)) == [data, tmp_path / "my_model.py"]
    folder = config(tmp_path, data={"path": "runs/assay"})
    assert [path.name for path in input_files(folder)] == ["my_model.py"]


def test_the_code_of_an_installed_package_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    put(elsewhere / "assay_test_package" / "__init__.py")
    put(elsewhere / "assay_test_package" / "model.py")
    put(elsewhere / "assay_test_module.py")
    monkeypatch.syspath_prepend(elsewhere)
    for model, names in (
        ("assay_test_package.model:f", {"__init__.py", "model.py"}),
        ("assay_test_module:f", {"assay_test_module.py"}),
        ("assay_test_nowhere:f", set()),
    ):
        assert {path.name for path in input_files(config(tmp_path / "base", model))} == names
