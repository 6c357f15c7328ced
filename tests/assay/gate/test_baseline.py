"""Keeping an audit as a baseline, reading it back, and what a gate says of it."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.changes.audited import Audited
from assay.config_models import GateConfig, GatingConfig
from assay.gate.baseline import check_apart, describe, gated, read_baseline
from assay.gate.keeping import keep, without_texts
from assay.saved_runs import SavedRun, open_run
from attacks.errors import AssayError
from fairness.counterfactual.results import CounterfactualResult, FlippedExample, TemplateEffect
from reports.formatting import moment
from reports.json_io import to_json
from tests.assay.gate.saved import assessed, wronged
from tests.assay.prediction_files import rows
from tests.reports.behaviour_example import behaviours, suites
from tests.reports.example import GROUPS, N, example_report

FALL = [GateConfig(metric="accuracy", max_drop=0.02)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def before(folder: Path) -> SavedRun:
    return open_run(assessed(folder, "before"))


@pytest.fixture(scope="module")
def after(folder: Path) -> SavedRun:
    """The same examples, with 40 answers of 400 that have become wrong."""
    return open_run(assessed(folder, "after", wronged(rows(), 40)))


def test_a_kept_baseline_reads_back_as_the_run_it_was(before: SavedRun, tmp_path: Path) -> None:
    kept = keep(before, tmp_path / "deep" / "baseline")
    run = read_baseline(kept.folder)
    assert run is not None
    assert run.report == before.report
    assert run.folder.outcomes.read_bytes() == before.folder.outcomes.read_bytes()
    assert sorted(path.name for path in kept.folder.iterdir()) == ["audit.json", "outcomes.parquet"]
    assert kept.sizes == {path.name: path.stat().st_size for path in kept.folder.iterdir()}
    assert kept.replaced is None
    assert kept.sizes["audit.json"] < 0.7 * before.folder.audit.stat().st_size


def test_a_gate_against_a_kept_baseline_is_the_gate_against_the_run(
    before: SavedRun, after: SavedRun, tmp_path: Path
) -> None:
    kept = read_baseline(keep(before, tmp_path / "baseline").folder)
    found, expected = (
        gated(FALL, Audited.of(after), GatingConfig(), baseline) for baseline in (kept, before)
    )
    assert found.checks == expected.checks
    (check,) = found.checks
    assert not check.passed
    assert check.change is not None
    assert check.change.value == pytest.approx(-0.1)
    assert check.change.n == 400
    # 40 became wrong and none right: one-sided exact McNemar, 0.5 ** 40.
    assert check.p_value == pytest.approx(0.5**40)


def test_a_baseline_says_what_it_is_and_how_many_examples_are_shared(
    before: SavedRun, folder: Path, tmp_path: Path
) -> None:
    about = describe(before, Audited.of(open_run(assessed(tmp_path, "again"))))
    assert (about.n, about.shared, about.path) == (400, 400, str(before.folder.path))
    # Rows of another file without ids, which may be those of any other examples.
    fewer = open_run(assessed(tmp_path, "fewer", rows()[:300]))
    assert describe(before, Audited.of(fewer)).shared == 0
    assert about.started == before.report.provenance.started
    assert about.name == before.report.data.name == "before"
    others = [["spam" if cell == "toxic" else cell for cell in row] for row in rows()]
    assert describe(before, Audited.of(open_run(assessed(tmp_path, "others", others)))).shared == 0
    assert describe(before, Audited(before.report.candidates, None, 0.95, 0)).shared == 0


def test_a_baseline_has_the_name_of_the_audit_where_its_configuration_gives_one(before: SavedRun) -> None:
    provenance = replace(before.report.provenance, config={"name": "nightly"})
    named = replace(before, report=replace(before.report, provenance=provenance))
    assert describe(named, Audited.of(before)).name == "nightly"


def test_a_kept_baseline_holds_no_text_of_an_example() -> None:
    first = example_report().candidates[0]
    rate = first.robustness.clean.accuracy
    flip = FlippedExample(
        "1", None, "age", "a", "b", ["a -> b"], "x", "y", None, None, ["SECRET"], ["SECRET"]
    )
    template = TemplateEffect(2, rate, rate, "a", "b", None, rate)
    swaps = CounterfactualResult(
        name="ours",
        kind="templates",
        outcome=None,
        n=1,
        not_applicable=0,
        variants=1,
        flip_rate=rate,
        mean_change=rate,
        worst_change=rate,
        largest_change=rate,
        signed_change=rate,
        by_axis={},
        by_groups={},
        by_term={},
        by_template={"age": {"a SECRET template": template}},
        flips=1,
        examples=[flip],
    )
    robustness = replace(first.robustness, behaviours=behaviours("plain", N, GROUPS), suites=suites("plain"))
    candidate = replace(first, robustness=robustness, counterfactuals=[swaps])
    report = replace(example_report(), candidates=[candidate])
    whole, kept = to_json(report), to_json(without_texts(report))
    there = {text for text in texts_in(json.loads(whole)) if text}
    assert {"SECRET"} < there
    assert len(there) > 5
    assert [text for text in there if json.dumps(text, ensure_ascii=False)[1:-1] in kept] == []
    assert "SECRET" not in kept
    assert (
        json.loads(kept)["candidates"][0]["robustness"]["clean"]
        == (json.loads(whole)["candidates"][0]["robustness"]["clean"])
    )


def texts_in(value: Any) -> Iterator[str]:
    """The texts of every example, before and after it was changed."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("original", "perturbed", "variant", "text") and isinstance(inner, list):
                yield from inner
            else:
                yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


def test_an_earlier_baseline_is_replaced_and_named(before: SavedRun, after: SavedRun, tmp_path: Path) -> None:
    keep(before, tmp_path)
    (tmp_path / "README.md").write_text("ours")
    kept = keep(after, tmp_path)
    assert (
        kept.replaced == f"the baseline before of {moment(before.report.provenance.started)} (400 examples)"
    )
    assert open_run(tmp_path).report == after.report
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "audit.json", "outcomes.parquet"]


def test_a_damaged_baseline_can_be_replaced(before: SavedRun, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text("{")
    assert keep(before, tmp_path).replaced == "a baseline that could not be read"
    assert open_run(tmp_path).report == before.report


def test_a_write_that_fails_leaves_no_mixture_of_two_baselines(
    before: SavedRun, after: SavedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(before, tmp_path)
    replacing = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).name == "audit.json":
            raise OSError(28, "No space left on device")
        replacing(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(AssayError, match=r"cannot be written \(No space left on device\)"):
        keep(after, tmp_path)
    with pytest.raises(AssayError, match="expected the folder of a run"):
        read_baseline(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["outcomes.parquet"]


def test_a_run_without_outcomes_cannot_be_a_baseline(before: SavedRun, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "audit.json").write_text(before.folder.audit.read_text())
    with pytest.raises(AssayError, match=r"there is no outcomes\.parquet.*run the audit again"):
        keep(open_run(old), tmp_path / "baseline")
    assert not (tmp_path / "baseline").exists()


def test_the_folder_of_a_run_is_not_overwritten(before: SavedRun, tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"")
    for folder in (tmp_path, before.folder.path):
        with pytest.raises(AssayError, match=r"this is the folder of a run.*--to FOLDER"):
            keep(before, folder)


@pytest.mark.parametrize("left", ["report.html", "summary.md"])
def test_a_run_without_a_ledger_is_one_too(
    before: SavedRun, after: SavedRun, tmp_path: Path, left: str
) -> None:
    """Those of `assay fairness` have none."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("audit.json", "outcomes.parquet", left):
        (folder / name).write_bytes((after.folder.path / name).read_bytes())
    there = {path.name: path.read_bytes() for path in folder.iterdir()}
    for target in (folder, after.folder.path):
        with pytest.raises(AssayError, match=rf"this is the folder of a run.*it has .*{left}.*--to FOLDER"):
            keep(before, target)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == there


def test_a_folder_that_cannot_be_made_is_refused(before: SavedRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AssayError, match="cannot be written"):
        keep(before, tmp_path / "file" / "baseline")
    with pytest.raises(AssayError, match="this is a file"):
        keep(before, tmp_path / "file")


def test_no_baseline_yet_is_no_mistake(tmp_path: Path) -> None:
    assert read_baseline(None) is None
    assert read_baseline(tmp_path / "baseline") is None


@pytest.mark.parametrize("damage", ["audit.json", "outcomes.parquet", "nothing in it"])
def test_a_damaged_baseline_is_refused_at_once(before: SavedRun, tmp_path: Path, damage: str) -> None:
    if damage != "nothing in it":
        keep(before, tmp_path)
        whole = (tmp_path / damage).read_bytes()
        (tmp_path / damage).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AssayError):
        read_baseline(tmp_path)


def test_a_run_cannot_be_its_own_baseline(tmp_path: Path) -> None:
    check_apart(None, tmp_path)
    check_apart(tmp_path / "baseline", tmp_path)
    with pytest.raises(AssayError, match=r"gating\.baseline: .* is the run folder.*assay baseline set"):
        check_apart(tmp_path / "x" / "..", tmp_path)


def test_against_a_baseline_without_outcomes_the_samples_are_compared(
    before: SavedRun, after: SavedRun, tmp_path: Path
) -> None:
    (tmp_path / "audit.json").write_text(before.folder.audit.read_text())
    result = gated(FALL, Audited.of(after), GatingConfig(), read_baseline(tmp_path))
    (check,) = result.checks
    assert result.baseline is not None
    assert result.baseline.shared == 0
    assert check.p_value is not None
    assert 0.5**40 < check.p_value < 0.05
    assert not check.passed
