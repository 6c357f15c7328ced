"""``assay fairness``: every option, what is written and said, and what is refused."""

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assay import cli
from assay.fairness_command import Settings, run_fairness
from assay.fairness_summary import summary_lines
from assay.prediction_roles import roles_of
from attacks.errors import AssayError
from reports.json_io import from_json
from reports.model import AuditReport
from tests.assay.prediction_files import HEADER, rows, write
from tests.assay.processes import Done

Assay = Callable[..., Done]
BASE = ("--label", "label", "--prediction", "predicted")


def report_of(folder: Path) -> AuditReport:
    report: AuditReport = from_json((folder / "audit.json").read_text(encoding="utf-8"), "audit.json")
    return report


def python(code: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])},
        timeout=120,
    )


def test_the_whole_command_loads_no_model_library_and_touches_no_network(tmp_path: Path) -> None:
    write(tmp_path / "p.csv", rows())
    code = """
import socket, sys
def refuse(*a, **k): raise OSError("the network was touched")
socket.socket.connect = refuse; socket.getaddrinfo = refuse
sys.argv = ["assay", "fairness", "p.csv", *sys.argv[1:]]
import assay.cli
try: assay.cli.main()
except SystemExit as stop: code = stop.code
heavy = ("torch", "transformers", "textattack", "datasets", "tokenizers", "imblearn")
print("exit", code, [each for each in heavy if each in sys.modules])
"""
    done = python(code, *BASE, "--score", "score", "--group", "gender", folder=tmp_path)
    assert done.stdout.splitlines()[-1] in ("exit None []", "exit 0 []"), done.stdout + done.stderr
    assert {path.name for path in (tmp_path / "runs" / "p").iterdir()} == {
        "audit.json",
        "outcomes.parquet",
        "report.html",
        "summary.md",
    }


def test_its_help_takes_less_than_half_a_second_and_names_every_option(tmp_path: Path) -> None:
    # Processor time, so that a busy machine does not fail it.
    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    code = "import sys; sys.argv = ['assay', 'fairness', '--help']; import assay.cli; assay.cli.main()"
    times, text = [], ""
    for _ in range(4):
        before = spent()
        text = python(code, folder=tmp_path).stdout
        times.append(spent() - before)
    assert min(times) < 0.5
    options = [
        "--label",
        "--prediction",
        "--score",
        "--group",
        "--overlapping",
        "--intersections",
        "--labels",
    ]
    options += ["--positive-label", "--min-group-size", "--confidence", "--seed", "--output", "--name"]
    assert [each for each in options if each not in text] == []


def test_rates_are_those_that_can_be_counted(assay: Assay, tmp_path: Path) -> None:
    """40 rows a group. m: 15 of 20 toxic found, 5 of 20 others flagged; w: 10 and 10 of 20."""
    cells = [("m", 15, 5), ("w", 10, 10)]
    table = [
        [label, predicted, "", gender]
        for gender, hits, alarms in cells
        for label, predicted, n in (
            ("toxic", "toxic", hits),
            ("toxic", "normal", 20 - hits),
            ("normal", "toxic", alarms),
            ("normal", "normal", 20 - alarms),
        )
        for _ in range(n)
    ]
    write(tmp_path / "p.csv", table)
    done = assay(
        "fairness", str(tmp_path / "p.csv"), *BASE, "--group", "gender", "--output", str(tmp_path / "o")
    )
    assert done.code == 0, done.stderr
    report = report_of(tmp_path / "o")
    (candidate,) = report.candidates
    assert candidate.robustness.clean.accuracy.value == 50 / 80
    assert candidate.robustness.clean.confusion_matrix == [[25, 15], [15, 25]]
    assert candidate.robustness.clean.roc_auc.value is None
    assert candidate.fairness is not None
    assert candidate.fairness.positive_label == "toxic"
    found = candidate.fairness.groups["gender"]
    assert {group: found.by_group[group].metrics["tpr"].value for group in "mw"} == {"m": 0.75, "w": 0.5}
    assert {group: found.by_group[group].metrics["fpr"].value for group in "mw"} == {"m": 0.25, "w": 0.5}
    assert found.disparities["equalized_odds_difference"].value == 0.25
    assert found.disparities["demographic_parity_difference"].value == 0.0
    assert report.data.label_counts == {"normal": 40, "toxic": 40}
    assert report.data.groups == {"gender": {"m": 40, "w": 40}}


def test_the_terminal_tells_what_was_found_and_where_the_report_is(assay: Assay, tmp_path: Path) -> None:
    write(tmp_path / "p.csv", [*rows(2000), ["toxic", "toxic", "0.9", ""]])
    done = assay(
        *("fairness", str(tmp_path / "p.csv"), *BASE, "--group", "gender", "--output", str(tmp_path / "o"))
    )
    lines = done.stdout.splitlines()
    assert done.stderr == ""
    assert lines[0].startswith("p: 2,001 examples, accuracy ")
    assert lines[1] == (
        'Note: gender is blank for 1 of 2,001 rows; they are compared as a group of their own, "(missing)".'
    )
    assert lines[3] == "gender: 3 groups, 1 too small to judge"
    assert re.match(
        r"  established: equalized odds difference [\d.]+ points \(.*\), between m and w$", lines[4]
    )
    assert lines[-1] == f"Report: {tmp_path / 'o' / 'report.html'}"
    assert "|" not in done.stdout
    assert len(lines) < 20


def test_three_labels_take_a_column_of_scores_each_in_any_order(assay: Assay, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 3, 300), rng.dirichlet(np.ones(3), 300).round(6)
    p[:, 2] = 1 - p[:, 0] - p[:, 1]
    names = ["hate", "normal", "offensive"]
    table = [
        [names[y[i]], names[int(p[i].argmax())], *p[i][[2, 0, 1]].tolist(), "ab"[i % 2]] for i in range(300)
    ]
    path = write(tmp_path / "p.csv", table, ["label", "predicted", "po", "ph", "pn", "g"])
    scores = ("--score", "offensive=po", "--score", "hate=ph", "--score", "normal=pn")
    done = assay("fairness", str(path), *BASE, *scores, "--group", "g", "--output", str(tmp_path / "o"))
    assert done.code == 0, done.stderr
    (candidate,) = report_of(tmp_path / "o").candidates
    assert candidate.fairness is not None
    assert candidate.fairness.positive_label is None
    assert set(candidate.fairness.groups["g"].bias) == set(names)
    assert "roc_auc[hate]" in candidate.fairness.groups["g"].by_group["a"].metrics
    assert report_of(tmp_path / "o").data.notes[1:] == []


def test_overlapping_groups_and_intersections_are_assessed(assay: Assay, tmp_path: Path) -> None:
    table = [
        [*row, str(int(i % 3 == 0)), "yes" if i % 5 == 0 else "no", "xyz"[i % 3]]
        for i, row in enumerate(rows(600))
    ]
    path = write(tmp_path / "p.csv", table, [*HEADER, "black", "muslim", "age"])
    overlap = ("--overlapping", "identity=black,muslim", "--intersections", "2")
    columns = ("--group", "gender", "--group", "age")
    done = assay("fairness", str(path), *BASE, *overlap, *columns, "--output", str(tmp_path / "o"))
    assert done.code == 0, done.stderr
    report = report_of(tmp_path / "o")
    assert report.data.groups == {
        "gender": {"m": 300, "w": 300},
        "age": {"x": 200, "y": 200, "z": 200},
        "identity": {"black": 200, "muslim": 120},
    }
    (candidate,) = report.candidates
    assert candidate.fairness is not None
    groups = candidate.fairness.groups
    assert {name: each.kind for name, each in groups.items()} == {
        "gender": "column",
        "age": "column",
        "gender & age": "intersection",
        "identity": "overlapping",
    }
    assert {group: each.n for group, each in groups["identity"].by_group.items()} == {
        "black": 200,
        "muslim": 120,
    }
    assert "1 intersection, " in done.stdout
    # Given as --group too, an indicator is assessed by itself and crossed as well.
    done = assay("fairness", str(path), *BASE, *overlap, "--group", "black", "--output", str(tmp_path / "b"))
    assert done.code == 0, done.stderr
    (candidate,) = report_of(tmp_path / "b").candidates
    assert candidate.fairness is not None
    assert list(candidate.fairness.groups) == ["black", "identity"]


def test_every_option_reaches_the_report(assay: Assay, tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", rows(200))
    options = ("--positive-label", "normal", "--min-group-size", "50", "--confidence", "0.9", "--seed", "7")
    names = ("--labels", "toxic,normal", "--name", "mine", "--output", str(tmp_path / "o"))
    done = assay("fairness", str(path), *BASE, "--group", "gender", *options, *names)
    assert done.code == 0, done.stderr
    report = report_of(tmp_path / "o")
    (candidate,) = report.candidates
    assert candidate.fairness is not None
    assert (candidate.fairness.positive_label, candidate.fairness.min_group_size) == ("normal", 50)
    assert (report.provenance.confidence, report.provenance.seed) == (0.9, 7)
    assert (report.data.name, candidate.name) == ("mine", "mine")
    assert candidate.model.labels == ["toxic", "normal"]
    assert report.provenance.config["predictions"] == str(path)
    assert report.provenance.config["group"] == ["gender"]
    assert len(report.provenance.data_sha256) == 64


def test_the_same_predictions_give_the_same_report_but_for_the_time(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", rows(300))
    roles = roles_of(["label"], ["predicted"], ["score"], ["gender"], [])
    made = [run_fairness(path, roles, Settings(output=tmp_path / str(i)))[0] for i in range(2)]
    assert made[0].candidates == made[1].candidates
    assert made[0].findings == made[1].findings
    assert list(summary_lines(made[0])) == list(summary_lines(made[1]))


def test_a_planted_gap_becomes_a_finding_and_none_is_made_up(tmp_path: Path) -> None:
    roles = roles_of(["label"], ["predicted"], [], ["gender"], [])
    for gap, found in ((0.3, True), (0.0, False)):
        path = write(tmp_path / "p.csv", rows(2000, gap))
        report, _ = run_fairness(path, roles, Settings(output=tmp_path / "o"))
        assert any(each.id == "fairness.disparity" for each in report.findings) is found


def test_what_a_reader_must_know_stands_in_the_notes(tmp_path: Path) -> None:
    table = [["a", "a", "0.9", "g"], ["b", "a", "0.2", "g"], ["a", "a", "0.8", "h"]] * 30
    path = write(tmp_path / "p.csv", table)
    roles = roles_of(["label"], ["predicted"], ["a=score"], ["gender"], [])
    report, _ = run_fairness(path, roles, Settings(labels=("a", "b", "c")[:2], output=tmp_path / "o"))
    assert report.data.notes[1:] == [
        "Labels that are never predicted: b.",
        "In 30 of 90 rows the prediction is not the label with the highest score: a threshold other than 0.5 "
        "was used, or the scores are those of another label.",
    ]


def test_groups_that_differ_only_in_spelling_are_named_and_not_merged(tmp_path: Path) -> None:
    values = ["man", "Man", "man ", "woman", "woman"]
    path = write(tmp_path / "p.csv", [[*row[:3], values[i % 5]] for i, row in enumerate(rows(200))])
    report, _ = run_fairness(
        path, roles_of(["label"], ["predicted"], [], ["gender"], []), Settings(output=tmp_path / "o")
    )
    assert report.data.groups == {"gender": {"Man": 40, "man": 40, "man ": 40, "woman": 80}}
    assert report.data.notes[1:] == [
        "gender has values that differ only in case or space, and are compared as different groups: "
        '"Man" (40 rows) and "man" (40 rows) and "man " (40 rows).'
    ]


def test_scores_that_contradict_nearly_all_predictions_are_probably_those_of_another_label(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "p.csv", rows(200))
    for given, told in (("toxic=score", False), ("normal=score", True)):
        roles = roles_of(["label"], ["predicted"], [given], ["gender"], [])
        report, _ = run_fairness(path, roles, Settings(output=tmp_path / "o"))
        said = [note for note in report.data.notes if "highest score" in note]
        assert bool(said) is told
    assert said[0].startswith(
        "In 200 of 200 rows the prediction is not the label with the highest score: these are probably the "
        "scores of another label."
    )


def summary_of(values: str, wrong: dict[str, int], folder: Path, n: int = 100) -> list[str]:
    """What is said of ``n`` rows a group, balanced, of which so many are wrong of either label."""
    table = [
        [label, ("b" if label == "a" else "a") if i < wrong[value] else label, "", value]
        for value in values
        for label in "ab"
        for i in range(n // 2)
    ]
    path = write(folder / "p.csv", table)
    roles = roles_of(["label"], ["predicted"], [], ["gender"], [])
    return list(summary_lines(run_fairness(path, roles, Settings(output=folder / "o"))[0]))


def test_the_lowest_accuracy_is_named_only_where_it_is_established_that_accuracies_differ(
    tmp_path: Path,
) -> None:
    apart = summary_of("xy", {"x": 2, "y": 20}, tmp_path)
    (line,) = (line for line in apart if "lowest accuracy" in line)
    assert line.startswith("  lowest accuracy: y, 60.0 % (")
    for wrong in ({"x": 5, "y": 6}, {"x": 5, "y": 9}):
        alike = summary_of("xy", wrong, tmp_path)
        assert not [line for line in alike if "lowest accuracy" in line]
    alone = summary_of("x", {"x": 5}, tmp_path)
    assert [line for line in alone if "not compared" in line]
    assert not [line for line in alone if "lowest accuracy" in line]


def test_of_more_than_two_groups_some_are_said_to_differ_and_the_extremes_are_named(tmp_path: Path) -> None:
    lines = summary_of("xyz", {"x": 2, "y": 8, "z": 20}, tmp_path)
    (line,) = (line for line in lines if "established: overall accuracy" in line or ": accuracy diff" in line)
    assert line.endswith(", some groups differ (extremes: z and x)")
    lines = summary_of("xz", {"x": 2, "z": 20}, tmp_path)
    (line,) = (line for line in lines if ": accuracy diff" in line)
    assert line.endswith(", between z and x")


def test_a_failed_assessment_leaves_no_empty_folder_behind(assay: Assay, tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", [*rows(10), ["toxic", "", "0.5", "m"]])
    kept = tmp_path / "kept"
    kept.mkdir()
    for folder in (tmp_path / "new" / "deep", kept / "deep", kept):
        done = assay("fairness", str(path), *BASE, "--group", "gender", "--output", str(folder))
        assert done.code == 2
        assert "the prediction is missing" in done.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == ["kept", "p.csv"]
    assert not list(kept.iterdir())


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder in which nobody can write: /proc")
def test_a_folder_that_cannot_be_written_is_found_out_before_anything_is_read(tmp_path: Path) -> None:
    roles = roles_of(["label"], ["predicted"], [], ["gender"], [])
    for folder, told in (("/proc/self", "made or written"), ("/proc/none/o", "made or written")):
        with pytest.raises(AssayError, match=told):
            run_fairness(tmp_path / "not there.csv", roles, Settings(output=Path(folder)))


def test_a_column_of_ids_is_refused_as_such(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", [[*row[:3], f"user {i}"] for i, row in enumerate(rows(1200))])
    roles = roles_of(["label"], ["predicted"], [], ["gender"], [])
    with pytest.raises(AssayError, match=r'"gender": 1,200 different values .* probably an id'):
        run_fairness(path, roles, Settings(output=tmp_path / "o"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(min_group_size=0), "--min-group-size: expected at least 1, got 0"),
        (
            Settings(confidence=95),
            "--confidence: expected a number between 0 and 1, for example 0.95, got 95",
        ),
        (Settings(name="a/b"), "--name: expected a name that can be a folder"),
    ],
)
def test_settings_out_of_range_are_refused_before_anything_is_read(settings: Settings, message: str) -> None:
    roles = roles_of(["label"], ["predicted"], [], ["gender"], [])
    with pytest.raises(AssayError, match=re.escape(message)):
        run_fairness(Path("not there.csv"), roles, settings)


def test_an_audit_is_not_overwritten(assay: Assay, tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", rows(40))
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "ledger.sqlite").write_text("")
    done = assay("fairness", str(path), *BASE, "--group", "gender", "--output", str(tmp_path / "o"))
    assert done.code == 2
    assert "the folder holds an audit, whose report would be lost" in done.stderr
    done = assay("fairness", str(path), *BASE, "--group", "gender", "--output", str(path))
    assert done.code == 2
    assert "the folder cannot be made or written" in done.stderr


def test_a_baseline_is_not_overwritten_and_a_run_of_the_same_command_is(assay: Assay, tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", rows(40))
    command = ("fairness", str(path), *BASE, "--group", "gender", "--output")
    for _ in range(2):
        assert assay(*command, str(tmp_path / "o")).code == 0
    assert assay("baseline", "set", str(tmp_path / "o"), "--to", str(tmp_path / "kept")).code == 0
    before = {file: file.read_bytes() for file in (tmp_path / "kept").iterdir()}
    done = assay(*command, str(tmp_path / "kept"))
    assert done.code == 2
    assert "the folder holds a baseline, which would be lost. Choose another one with --output" in done.stderr
    assert {file: file.read_bytes() for file in (tmp_path / "kept").iterdir()} == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["fairness"],
        ["fairness", "p.csv"],
        ["fairness", "p.csv", *BASE, "--intersections", "0"],
        ["fairness", "p.csv", *BASE, "--nope"],
    ],
)
def test_wrong_usage_ends_with_code_2(assay: Assay, arguments: list[str]) -> None:
    done = assay(*arguments)
    assert done.code == 2
    assert "Usage" in done.stdout + done.stderr


def test_a_repeated_label_option_is_refused_and_not_the_last_one_taken(assay: Assay, tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", rows(40))
    done = assay("fairness", str(path), *BASE, "--label", "score", "--group", "gender")
    assert (done.code, done.stdout) == (2, "")
    assert "--label: expected the name of one column, got label, score." in done.stderr
