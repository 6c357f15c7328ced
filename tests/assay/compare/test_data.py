"""Runs of the same examples, of others, and of predictions."""

import shutil
from dataclasses import replace
from pathlib import Path

from assay.saved_runs import open_run
from tests.assay.compare.runs import LABELS, Assay, audited_run, compared, predictions, saved, with_ids
from tests.reports.example import example_report, with_verdict


def test_with_other_labels_figures_stand_side_by_side_and_nothing_is_tested(
    assay: Assay, kept: dict[str, Path], tmp_path: Path
) -> None:
    other = predictions(tmp_path, "three", 0.7, labels=(*LABELS, "spam"))
    done = assay("compare", str(kept["old"]), str(other), "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    assert "**Nothing could be compared.**" in done.stdout
    assert "are not those of old" in done.stdout
    (accuracy,) = [line for line in done.stdout.splitlines() if line.startswith("| Accuracy |")]
    assert "not compared (the runs have other labels)" in accuracy


def test_other_examples_and_lost_outcomes_make_two_samples_and_say_so(
    assay: Assay, kept: dict[str, Path], tmp_path: Path
) -> None:
    fewer = predictions(tmp_path, "fewer", 0.9, n=200)
    done = assay("compare", str(kept["old"]), str(fewer), "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    assert "Which examples fewer shares with old is not known" in done.stdout
    assert "in the same order" not in done.stdout
    copy = tmp_path / "copy"
    shutil.copytree(kept["worse"], copy)
    (copy / "outcomes.parquet").unlink()
    done = assay("compare", str(kept["old"]), str(copy), "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    assert "was not kept" in done.stdout
    assert "two samples" in done.stdout.split("### What was compared")[0]
    assert "lower: worse" in done.stdout


def test_predictions_with_ids_are_paired_by_these_in_any_order(assay: Assay, tmp_path: Path) -> None:
    ids = [f"r{i}" for i in range(400)]
    first = with_ids(tmp_path, "first", 0.9, ids)
    turned = [ids[i + 1 - 2 * (i % 2)] for i in reversed(range(400))]  # the labels alternate here too
    second = with_ids(tmp_path, "turned", 0.9, turned)
    done = assay("compare", str(first), str(second), "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    assert "400 shared with first" in done.stdout
    assert "no ids" not in done.stdout


def test_on_other_examples_nothing_is_better_and_other_groups_are_not_compared(
    assay: Assay, tmp_path: Path
) -> None:
    first = with_ids(tmp_path, "first", 0.95, [f"a{i}" for i in range(400)])
    other = with_ids(tmp_path, "other", 0.6, [f"b{i}" for i in range(400)], "mx")
    done = assay("compare", str(first), str(other), "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    assert "other shares no example with first" in done.stdout
    assert "- **lower** (other against first) Accuracy is lower in other" in done.stdout
    assert "two-sided test of two samples on other examples (none shared)" in done.stdout
    assert "lower on other examples" in done.stdout
    assert ": worse" not in done.stdout
    assert "**worse**" not in done.stdout
    groups = [line for line in done.stdout.splitlines() if " by gender |" in line]
    assert groups
    assert all(
        'not compared (the groups of gender are not the same: the other audit has no "x")' in g
        for g in groups
    )


def test_a_run_of_predictions_stands_beside_an_audit_of_models(assay: Assay, tmp_path: Path) -> None:
    report = example_report()
    gate = replace(report.gate, passed=True, checks=[])
    alone = replace(report, candidates=report.candidates[:1], findings=[], gate=gate)
    audit = audited_run(tmp_path / "audit", with_verdict(alone))
    file = predictions(tmp_path, "answers", 0.9, labels=("negative", "positive"))
    done = assay("compare", str(audit), str(file), "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    attacked = [line for line in done.stdout.splitlines() if line.startswith("| Accuracy under fgsm")]
    assert attacked
    assert all("not compared" in line for line in attacked)
    assert "| Accuracy |" in done.stdout


def test_of_a_run_without_a_common_candidate_nothing_is_said_of_how_it_is_compared() -> None:
    report = example_report()
    renamed = replace(report, candidates=[replace(each, name=f"x {each.name}") for each in report.candidates])
    made = compared(saved(report, renamed, report))
    assert [candidate.names for candidate in made.candidates] == [
        [each.name, None, each.name] for each in report.candidates
    ]
    assert len(made.notes) == 1
    assert made.notes[0].startswith("What run0 or run2 answered")
    assert compared(saved(report, renamed)).notes == []


def test_the_only_candidates_of_two_runs_are_compared_whatever_they_are_called() -> None:
    report = example_report()
    alone = replace(report, candidates=report.candidates[:1])
    other = replace(alone, candidates=[replace(alone.candidates[0], name="hardened")])
    made = compared(saved(alone, other))
    assert [candidate.names for candidate in made.candidates] == [[alone.candidates[0].name, "hardened"]]
    assert made.alone == {}


def test_a_kept_baseline_is_a_run_like_any_other(kept: dict[str, Path], tmp_path: Path) -> None:
    """What `assay baseline set` keeps: audit.json and outcomes.parquet."""
    for name in ("audit.json", "outcomes.parquet"):
        shutil.copy(kept["old"] / name, tmp_path / name)
    made = compared([open_run(tmp_path), open_run(kept["same"])])
    assert [run.shared for run in made.runs] == [600, 600]
