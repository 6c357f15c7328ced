"""``assay compare``: what is matched, what is tested, what is said, and what is refused."""

import io
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from statsmodels.stats.multitest import multipletests

from assay.changes.audited import Audited
from assay.changes.change import Change
from assay.changes.observed import observed
from assay.changes.subject import Subject
from assay.compare.comparing import compare
from assay.compare.data import unique_names
from assay.compare.followed import followed_metrics, incomparable
from assay.compare.standings import is_better, two_sided
from assay.fairness_command import Settings, run_fairness
from assay.prediction_roles import roles_of
from assay.progress import Reporter
from assay.run_folder import RunFolder
from assay.saved_runs import SavedRun, open_run
from reports.comparison.html import render_html
from reports.comparison.markdown import render_markdown
from reports.comparison.model import Comparison
from reports.json_io import to_json
from reports.model import AuditReport, CandidateResult
from robustness.behaviour.results import BehaviouralResult
from robustness.estimate import Estimate
from tests.assay.prediction_files import write
from tests.assay.processes import Done
from tests.reports.behaviour_example import behaviours
from tests.reports.example import example_report, with_verdict
from tests.reports.fairness_example import fairness_report

Assay = Callable[..., Done]
LABELS = ("normal", "toxic")


def predictions(
    folder: Path, name: str, accuracy: float, *, n: int = 600, seed: int = 0, labels: tuple[str, ...] = LABELS
) -> Path:
    """The run folder of an assessment of n predictions, of which a share is right; the labels of all such
    files are the same."""
    truth, rng = np.random.default_rng(5).integers(len(labels), size=n), np.random.default_rng(seed)
    wrong = rng.random(n) >= accuracy
    predicted = np.where(wrong, (truth + 1) % len(labels), truth)
    rows = [
        [labels[t], labels[p], "mw"[i % 2]] for i, (t, p) in enumerate(zip(truth, predicted, strict=True))
    ]
    file = write(folder / f"{name}.csv", rows, ["label", "predicted", "gender"])
    roles = roles_of(["label"], ["predicted"], [], ["gender"], [])
    _, run = run_fairness(file, roles, Settings(output=folder / name, labels=labels))
    return run.path


def with_ids(folder: Path, name: str, accuracy: float, ids: Sequence[str], groups: str = "mw") -> Path:
    """The same with ids, of as many rows as there are; the labels alternate."""
    rng = np.random.default_rng(len(name))
    rows = [
        [each, LABELS[i % 2], LABELS[(i + (rng.random() >= accuracy)) % 2], groups[i // 2 % len(groups)]]
        for i, each in enumerate(ids)
    ]
    file = write(folder / f"{name}.csv", rows, ["id", "label", "predicted", "gender"])
    roles = roles_of(["label"], ["predicted"], [], ["gender"], [], ["id"])
    _, run = run_fairness(file, roles, Settings(output=folder / name))
    return run.path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two models of the same accuracy, and one that is ten points worse."""
    folder = tmp_path_factory.mktemp("kept")
    return {
        "old": predictions(folder, "old", 0.9, seed=1),
        "same": predictions(folder, "same", 0.9, seed=2),
        "worse": predictions(folder, "worse", 0.8, seed=3),
    }


def audited_run(folder: Path, report: AuditReport | None = None) -> Path:
    """A run folder with an audit.json alone, as earlier versions left it."""
    folder.mkdir(parents=True)
    (folder / "audit.json").write_text(to_json(report or example_report()), encoding="utf-8")
    return folder


def saved(*reports: AuditReport) -> list[SavedRun]:
    """Runs that were never written."""
    return [SavedRun(RunFolder(Path(f"/nowhere/run{i}")), report) for i, report in enumerate(reports)]


def compared(runs: list[SavedRun], p_drop: float = 0.5, **named: float) -> Comparison:
    """With made-up changes: each metric fell by ten points, with the given p-values (by metric)."""

    def change_of(subject: Subject, now: Audited, then: Audited, candidate: str, other: str) -> Change:
        p = named.get(subject.metric, p_drop)
        value = Estimate(0.5, 0.4, 0.6, 100)
        return Change(value, value, Estimate(-0.1, -0.15, -0.05, 100), p, 1 - p, "a made-up test", 100)

    return compare(runs, change_of, Reporter(Console(file=io.StringIO())))


def standings(comparison: Comparison) -> dict[str, Any]:
    """{metric: standing} of the first candidate in the second run."""
    found = {}
    for measure in comparison.candidates[0].measures:
        (difference, *_) = measure.differences
        found[measure.metric] = difference and difference.standing
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_real_drop_is_told_and_a_difference_by_chance_is_not(
    assay: Assay, kept: dict[str, Path], tmp_path: Path
) -> None:
    before = contents(kept["old"].parent)
    done = assay("compare", *map(str, kept.values()), "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert done.stdout.strip().endswith(f"Comparison: {tmp_path / 'out' / 'compare.html'}")
    assert (tmp_path / "out" / "compare.md").read_text(encoding="utf-8") in done.stdout
    (accuracy,) = [line for line in done.stdout.splitlines() if line.startswith("| Accuracy |")]
    same, worse = accuracy.split(" | ")[2:4]
    assert "no difference established" in same
    assert "lower: worse" in worse
    assert "two-sided exact McNemar test on 600 shared examples" in done.stdout
    assert "in the same order" in done.stdout
    assert "<title>Comparison of same and worse with old: " in page
    assert contents(kept["old"].parent) == before


@pytest.mark.parametrize(
    ("format_", "files", "markdown"),
    [("html", ["compare.html"], False), ("markdown", ["compare.md"], True)],
)
def test_a_format_alone_writes_only_that(
    assay: Assay, kept: dict[str, Path], tmp_path: Path, format_: str, files: list[str], markdown: bool
) -> None:
    runs = [str(kept["old"]), str(kept["same"])]
    done = assay("compare", *runs, "--output", str(tmp_path / "out"), "--format", format_)
    assert done.code == 0, done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == files
    assert done.stdout.startswith("## Comparison of same with old") == markdown
    assert ("Comparison: " in done.stdout) == (not markdown)


def test_without_a_folder_it_goes_to_runs_and_markdown_alone_writes_nothing(
    assay: Assay, kept: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [str(kept["old"]), str(kept["same"] / "audit.json")]
    assert assay("compare", *runs, "--format", "markdown").stdout.startswith("## Comparison")
    assert list(tmp_path.iterdir()) == []
    assert assay("compare", *runs).code == 0
    assert sorted(path.name for path in (tmp_path / "runs" / "compare").iterdir()) == [
        "compare.html",
        "compare.md",
    ]


def _truncated(folder: Path) -> None:
    text = (folder / "audit.json").read_text(encoding="utf-8")
    (folder / "audit.json").write_text(text[: len(text) // 2], encoding="utf-8")


def _newer(folder: Path) -> None:
    document = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    (folder / "audit.json").write_text(json.dumps({**document, "schema_version": 99}), encoding="utf-8")


def _damaged(folder: Path) -> None:
    (folder / "outcomes.parquet").write_bytes(b"PAR1 and nothing more")


def _gone(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_truncated, "expected JSON, got something else at line"),
        (_newer, "A newer assay wrote it"),
        (_damaged, "expected the outcomes of an audit, got something else"),
        (_gone, "expected the folder of a run, with an audit.json in it"),
    ],
)
def test_a_run_that_cannot_be_read_ends_with_code_2_and_writes_nothing(
    assay: Assay, kept: dict[str, Path], tmp_path: Path, damage: Callable[[Path], None], told: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(kept["same"], copy)
    damage(copy)
    done = assay("compare", str(kept["old"]), str(copy), "--output", str(tmp_path / "out"))
    assert done.code == 2
    assert told in done.stderr
    assert str(copy) in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_one_run_alone_and_one_run_twice_are_refused(
    assay: Assay, kept: dict[str, Path], tmp_path: Path
) -> None:
    old = kept["old"]
    alone = assay("compare", str(old))
    assert (alone.code, "expected two runs or more to compare" in alone.stderr) == (2, True)
    (tmp_path / "link").symlink_to(old)
    for again in (old, old / "audit.json", old / ".." / old.name, tmp_path / "link"):
        twice = assay("compare", str(old), str(kept["same"]), str(again))
        assert (twice.code, "the same run as" in twice.stderr) == (2, True), again
    assert assay("compare").code == 2


def test_runs_of_another_task_are_refused_with_both_sets_of_labels(
    assay: Assay, kept: dict[str, Path], tmp_path: Path
) -> None:
    done = assay("compare", str(kept["old"]), str(audited_run(tmp_path / "other")))
    assert done.code == 2
    assert "(normal, toxic), got negative, positive" in done.stderr


def test_a_folder_that_cannot_be_made_is_refused(assay: Assay, kept: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    runs = [str(kept["old"]), str(kept["same"])]
    done = assay("compare", *runs, "--output", str(tmp_path / "file" / "out"))
    assert done.code == 2
    assert "Choose another one with --output" in done.stderr


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


@pytest.mark.parametrize(
    ("name", "format_", "written"),
    [("c.html", None, True), ("c.md", None, True), ("c.md", "html", False), ("c.html", "markdown", False)],
)
def test_an_output_that_ends_as_a_file_is_that_file(
    assay: Assay, kept: dict[str, Path], tmp_path: Path, name: str, format_: str | None, written: bool
) -> None:
    target = tmp_path / "new" / name
    extra = [] if format_ is None else ["--format", format_]
    done = assay("compare", str(kept["old"]), str(kept["same"]), "--output", str(target), *extra)
    if not written:
        assert done.code == 2
        assert f"--format {format_} does not write {target.suffix}" in done.stderr
        assert not target.parent.exists()
        return
    assert done.code == 0, done.stderr
    assert list(target.parent.iterdir()) == [target]
    text = target.read_text(encoding="utf-8")
    assert text.startswith("<!" if name == "c.html" else "## Comparison of same with old")
    assert (f"Comparison: {target}" in done.stdout) == (name == "c.html")


def test_a_folder_that_ends_as_a_file_is_a_folder(
    assay: Assay, kept: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "c.html").mkdir()
    done = assay("compare", str(kept["old"]), str(kept["same"]), "--output", str(tmp_path / "c.html"))
    assert done.code == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "c.html").iterdir()) == ["compare.html", "compare.md"]


def test_the_worst_case_is_followed_only_where_there_is_more_than_one_attack() -> None:
    report = example_report()
    one = report.candidates[0]
    bounded = [each for each in one.robustness.attacks if each.bounded]
    for n, followed in ((1, False), (2, True)):
        few = replace(one, robustness=replace(one.robustness, attacks=bounded[:n]))
        metrics = [each.subject.metric for each in followed_metrics(report, [few, few])]
        assert ("worst_case_accuracy" in metrics) == followed


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


def test_a_hostile_folder_name_is_text(assay: Assay, kept: dict[str, Path], tmp_path: Path) -> None:
    evil = tmp_path / "<img src=x onerror=alert(1)>|`@all"
    shutil.copytree(kept["same"], evil)
    done = assay("compare", str(kept["old"]), str(evil), "--output", str(tmp_path / "out"))
    assert done.code == 0, done.stderr
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "&lt;img src=x" in page
    assert "<img" not in done.stdout.split("Comparison: ")[0]


def test_only_candidates_of_one_name_or_the_only_ones_are_compared() -> None:
    report = example_report()
    renamed = replace(report, candidates=[replace(report.candidates[0], name="new"), report.candidates[1]])
    both = compared(saved(report, renamed))
    assert [each.names for each in both.candidates] == [["fgsm-trained", "fgsm-trained"]]
    assert both.alone == {"run0": ["plain"], "run1": ["new"]}
    singles = [replace(each, candidates=each.candidates[:1]) for each in (report, renamed)]
    only = compared(saved(*singles))
    assert [each.names for each in only.candidates] == [["plain", "new"]]
    assert only.alone == {}
    assert "It is plain in run0, new in run1." in render_html(only)


def test_no_candidate_in_common_leaves_two_lists_and_no_test() -> None:
    report = example_report()
    other = replace(report, candidates=[replace(each, name=f"new {each.name}") for each in report.candidates])
    made = compared(saved(report, other))
    assert made.candidates == []
    assert made.tests == 0
    assert "Only in run1, and not compared: new plain, new fgsm-trained." in render_markdown(made)


def test_p_values_are_adjusted_over_the_whole_comparison() -> None:
    """Statsmodels is the oracle: two candidates in two runs are one family."""
    report = example_report()
    runs = saved(report, report, report)
    made = compared(runs, 0.6, accuracy=0.0001, macro_f1=0.004, roc_auc=0.02)
    found = [
        difference
        for candidate in made.candidates
        for measure in candidate.measures
        for difference in measure.differences
        if difference is not None and difference.p_value is not None
    ]
    assert made.tests == len(found) > 50
    raw = [each.p_value for each in found if each.p_value is not None]
    assert {round(p, 6) for p in raw} == {0.0002, 0.008, 0.04, 0.8}
    expected = multipletests(raw, method="fdr_bh")[1]
    assert [each.adjusted for each in found] == pytest.approx(expected.tolist())
    assert [each.established for each in found] == [p <= 0.05 for p in expected]
    words = standings(made)
    assert words["accuracy"] == "lower"
    assert words["roc_auc"] == "no difference established"  # 0.04 by itself


def test_a_small_p_value_with_an_interval_around_zero_establishes_nothing() -> None:
    def change_of(subject: Subject, now: Audited, then: Audited, candidate: str, other: str) -> Change:
        value = Estimate(0.5, 0.4, 0.6, 100)
        return Change(value, value, Estimate(-0.1, -0.3, 0.1, 100), 1e-6, 1.0, "a made-up test", 100)

    report = example_report()
    made = compare(saved(report, report), change_of, Reporter(Console(file=io.StringIO())))
    assert set(standings(made).values()) == {"no difference established"}


def test_both_directions_are_tested() -> None:
    value = Estimate(0.5, 0.4, 0.6, 100)
    change = Change(value, value, Estimate(0.1, 0.0, 0.2, 100), 0.98, 0.03, "", 100)
    assert two_sided(change) == pytest.approx(0.06)
    assert two_sided(replace(change, p_drop=0.6, p_rise=0.6)) == 1.0
    assert two_sided(replace(change, p_rise=None)) is None
    assert two_sided(replace(change, change=Estimate.undefined("nothing"))) is None


@pytest.mark.parametrize(
    ("metric", "higher", "better"),
    [
        ("accuracy", True, True),
        ("worst_case_accuracy", False, False),
        ("expected_calibration_error", True, False),
        ("failure_rate", False, True),
        ("template_flip_rate", True, False),
        ("equalized_odds_difference", False, None),
        ("roc_auc_difference", True, None),
        ("demographic_parity_difference[toxic]", True, None),
    ],
)
def test_better_is_said_only_where_the_direction_is_known(
    metric: str, higher: bool, better: bool | None
) -> None:
    assert is_better(metric, higher=higher) is better


def test_the_worst_case_over_other_attacks_is_not_compared() -> None:
    report = example_report()
    fewer = replace(
        report,
        candidates=[
            replace(each, robustness=replace(each.robustness, attacks=each.robustness.attacks[1:]))
            for each in report.candidates
        ],
    )
    worst_case = Subject("worst_case_accuracy")
    assert standings(compared(saved(report, report), 1e-6))["worst_case_accuracy"] == "lower"
    made = compared(saved(report, fewer), 1e-6)
    assert standings(made)["worst_case_accuracy"] is None
    (worst,) = [each for each in made.candidates[0].measures if each.metric == "worst_case_accuracy"]
    assert worst.differences[0] is not None
    assert worst.differences[0].change.reason == "the runs did not run the same attacks"
    there = [observed(worst_case, made.runs[i].report.candidates[0]) for i in (0, 1)]
    assert worst.observed == there


def test_a_behavioural_test_with_other_settings_and_other_swaps_are_not_compared() -> None:
    report = example_report()
    tests = behaviours("plain", 640, {})[-1:]
    harsher = [replace(each, params={**each.params, "tolerance": 0.5}) for each in tests]

    def run(found: list[BehaviouralResult], swaps: object) -> tuple[SavedRun, CandidateResult]:
        about = replace(report.provenance, config={"counterfactual": swaps})
        result = report.candidates[0]
        return (
            saved(replace(report, provenance=about))[0],
            replace(result, robustness=replace(result.robustness, behaviours=found)),
        )

    negation, flips = Subject("failure_rate", behaviour="negation"), Subject("flip_rate")
    first = run(tests, {"axes": ["gender"]})
    assert incomparable(negation, run(tests, None), first) is None
    assert incomparable(negation, run(harsher, None), first) == "its settings are not the same"
    assert incomparable(flips, run([], {"axes": ["gender"]}), first) is None
    assert incomparable(flips, run([], {"axes": ["religion"]}), first) == "other identities were swapped"
    labels = [each.label for each in followed_metrics(report, [first[1], None])]
    assert "Failure rate of negation" in labels


def test_rates_of_another_label_are_not_compared() -> None:
    report = fairness_report()
    other = replace(
        report,
        candidates=[
            replace(each, fairness=each.fairness and replace(each.fairness, positive_label="negative"))
            for each in report.candidates
        ],
    )
    assert report.candidates[0].fairness is not None
    assert report.candidates[0].fairness.positive_label != "negative"
    assert standings(compared(saved(report, report), 1e-6))["equalized_odds_difference"] == "lower"
    assert standings(compared(saved(report, other), 1e-6))["equalized_odds_difference"] is None


def test_attacks_of_one_name_with_other_parameters_are_two_rows_with_two_names() -> None:
    report = example_report()
    candidate = report.candidates[0]
    (pgd, *_) = [each for each in candidate.robustness.attacks if each.name == "pgd"]
    slower = replace(pgd, params={**pgd.params, "steps": 50})
    other = replace(candidate, robustness=replace(candidate.robustness, attacks=[slower]))
    labels = [
        each.label for each in followed_metrics(report, [candidate, other]) if each.subject.attack == "pgd"
    ]
    assert len(labels) == len(set(labels)) == 4
    assert any("steps 50" in label for label in labels)


def test_the_largest_disparities_do_not_depend_on_the_order_of_the_runs() -> None:
    report = fairness_report()
    one, two = report.candidates[0], report.candidates[3]
    there = {each.subject.metric for each in followed_metrics(report, [one, two]) if each.topic == "groups"}
    back = {each.subject.metric for each in followed_metrics(report, [two, one]) if each.topic == "groups"}
    assert there == back
    by_grouping: dict[str, int] = {}
    for each in followed_metrics(report, [one, two]):
        if each.subject.group is not None:
            by_grouping[each.subject.group] = by_grouping.get(each.subject.group, 0) + 1
    assert set(by_grouping) == {"domain", "mentions", "identity", "domain & mentions"}
    assert set(by_grouping.values()) == {3}


def test_what_was_measured_nowhere_has_no_row() -> None:
    report = example_report()
    clean = replace(report.candidates[0].robustness.clean, roc_auc=Estimate.undefined("labels only"))
    bare = [replace(each, robustness=replace(each.robustness, clean=clean)) for each in report.candidates[:1]]
    without = replace(report, candidates=bare)
    assert "roc_auc" not in standings(compared(saved(without, without)))
    assert "roc_auc" in standings(compared(saved(without, replace(report, candidates=report.candidates[:1]))))


def test_five_runs_are_compared_with_the_first_alone() -> None:
    report = example_report()
    made = compared(saved(*[report] * 5))
    assert [run.name for run in made.runs] == ["run0", "run1", "run2", "run3", "run4"]
    assert {len(measure.differences) for each in made.candidates for measure in each.measures} == {4}


def test_folders_of_one_name_are_told_apart_by_those_above_them() -> None:
    paths = ["/a/x/demo", "/a/y/demo", "/b/y/demo", "/b/other"]
    runs = [SavedRun(RunFolder(Path(path)), example_report()) for path in paths]
    assert unique_names(runs) == ["x/demo", "a/y/demo", "b/y/demo", "other"]


def test_a_kept_baseline_is_a_run_like_any_other(kept: dict[str, Path], tmp_path: Path) -> None:
    """What `assay baseline set` keeps: audit.json and outcomes.parquet."""
    for name in ("audit.json", "outcomes.parquet"):
        shutil.copy(kept["old"] / name, tmp_path / name)
    made = compared([open_run(tmp_path), open_run(kept["same"])])
    assert [run.shared for run in made.runs] == [600, 600]
