"""A whole audit on tiny models: its numbers against the ledger and Fairlearn, and its files."""

import io
import json
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fairlearn.metrics
import jsonschema
import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import accuracy_score, f1_score

from assay.audit import run_audit
from assay.config import load_config
from assay.progress import Reporter
from reports.json_io import SCHEMA_FILE, from_json, to_json
from reports.model import AuditReport
from robustness.dataset import TextDataset
from tests.assay.audits import ATTACKS, FGSM, loaded, trained, write_config, write_csv
from tests.robustness.tiny import BAD, FILLER, GOOD, tiny_dataset, tiny_folder

GATE = """
[fairness]
min_group_size = 10
[[gate]]
metric = "accuracy"
min = 0.1
[[gate]]
metric = "accuracy_under_attack"
attack = "fgsm"
min = 0.1
"""

# One label in eight is wrong, so that the models cannot be right everywhere.
TRUTH = tiny_dataset(160, seed=5)
DATASET = replace(TRUTH, labels=np.where(np.arange(160) % 8 == 0, 1 - TRUTH.labels, TRUTH.labels))


@dataclass(frozen=True)
class Audited:
    report: AuditReport
    folder: Path
    progress: str

    @property
    def page(self) -> str:
        return (self.folder / "report.html").read_text(encoding="utf-8")

    @property
    def summary(self) -> str:
        return (self.folder / "summary.md").read_text(encoding="utf-8")


def audited(config: Path) -> Audited:
    told = io.StringIO()
    report = run_audit(load_config(config), Reporter(Console(file=told)))
    return Audited(report, config.parent / "runs" / "assay", told.getvalue())


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, learnt_model: Path, random_model: Path) -> Audited:
    """Two candidates, two group columns, four attacks and a gate, on 40 of 160 sentences."""
    folder = tmp_path_factory.mktemp("audit")
    write_csv(folder / "data.csv", DATASET)
    candidates = loaded(learnt_model) + trained(random_model, FGSM)
    return audited(write_config(folder, candidates, rest=ATTACKS + GATE))


def rows(audit: Audited, model: str, attack: str = "", **params: Any) -> list[sqlite3.Row]:
    """The ledger's rows of one candidate under one attack, by example id."""
    with sqlite3.connect(audit.folder / "ledger.sqlite") as connection:
        connection.row_factory = sqlite3.Row
        query = "SELECT params, outcomes.* FROM outcomes JOIN scopes ON scopes.id = scope"
        found = connection.execute(f"{query} WHERE model = ? AND attack = ?", (model, attack)).fetchall()
    connection.close()
    wanted = [row for row in found if params.items() <= json.loads(row["params"]).items()]
    return sorted(wanted, key=lambda row: row["example_id"])


def groups_of(ids: list[str]) -> dict[str, list[str]]:
    """The group columns of the data, from the data itself."""
    index = {identifier: row for row, identifier in enumerate(DATASET.ids)}
    return {
        name: [str(column[index[identifier]]) for identifier in ids]
        for name, column in DATASET.groups.items()
    }


def test_the_files_are_there_and_audit_json_keeps_its_schema(audit: Audited) -> None:
    text = (audit.folder / "audit.json").read_text(encoding="utf-8")
    jsonschema.validate(json.loads(text), json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    assert from_json(text, "audit.json") == audit.report
    assert to_json(audit.report) == text
    assert (audit.folder / "models" / "hardened" / "model.safetensors").exists()


def test_the_documents_name_both_candidates_every_attack_and_the_gate(audit: Audited) -> None:
    for document in (audit.summary, audit.page):
        for words in ("plain", "hardened", "fgsm", "fgm", "pgd", "passed"):
            assert words in document
    assert [candidate.name for candidate in audit.report.candidates] == ["plain", "hardened"]


def test_the_models_are_what_the_audit_is_about(audit: Audited) -> None:
    """Guards the other tests: constant predictions would make every comparison below trivial."""
    for candidate in audit.report.candidates:
        accuracy = candidate.robustness.clean.accuracy.value
        under = [attack.accuracy_under_attack.value for attack in candidate.robustness.attacks]
        assert accuracy is not None
        assert 0.7 < accuracy < 1
        assert min(value for value in under if value is not None) < accuracy
    training = audit.report.candidates[1].training
    assert training is not None
    assert (training.objective, training.epochs, training.collapsed) == ("fgsm", 6, False)


def test_the_clean_numbers_are_those_of_the_ledger(audit: Audited) -> None:
    for candidate in audit.report.candidates:
        outcomes = rows(audit, candidate.model.sha256)
        y_true, y_pred = ([row[name] for row in outcomes] for name in ("label", "prediction"))
        clean = candidate.robustness.clean
        assert len(outcomes) == audit.report.data.n == 40
        assert clean.accuracy.value == pytest.approx(accuracy_score(y_true, y_pred))
        assert clean.macro_f1.value == pytest.approx(f1_score(y_true, y_pred, average="macro"))


def test_the_attack_numbers_are_those_of_the_ledger(audit: Audited) -> None:
    for candidate in audit.report.candidates:
        survived = np.array(
            [row["prediction"] == row["label"] for row in rows(audit, candidate.model.sha256)]
        )
        right = survived.copy()
        assert len(candidate.robustness.attacks) == 4
        for attack in candidate.robustness.attacks:
            outcomes = rows(audit, candidate.model.sha256, attack.name, **attack.params)
            assert len(outcomes) == attack.n == 40
            kept = np.array([row["prediction"] == row["label"] for row in outcomes])
            assert [bool(row["skipped"]) for row in outcomes] == (~right).tolist()
            assert attack.skipped == (~right).sum()
            assert attack.accuracy_under_attack.value == pytest.approx(kept.mean())
            assert attack.attack_success_rate.value == pytest.approx(1 - kept[right].mean())
            assert attack.mean_queries.value == (3 if attack.name == "pgd" else 1)
            survived &= kept
        assert candidate.robustness.worst_case_accuracy.value == pytest.approx(survived.mean())


def test_fairness_is_what_fairlearn_says_clean_and_under_attack(audit: Audited) -> None:
    for candidate in audit.report.candidates:
        assert candidate.fairness is not None
        tables = [(rows(audit, candidate.model.sha256), candidate.fairness.groups)]
        for under in candidate.fairness.under_attack:
            tables.append((rows(audit, candidate.model.sha256, under.attack, **under.params), under.groups))
        assert len(tables) == 5
        for outcomes, groups in tables:
            y_true, y_pred = (np.array([row[name] for row in outcomes]) for name in ("label", "prediction"))
            for column, values in groups_of([row["example_id"] for row in outcomes]).items():
                assert_as_fairlearn(groups[column], y_true, y_pred, values)


def assert_as_fairlearn(found: Any, y_true: np.ndarray, y_pred: np.ndarray, values: list[str]) -> None:
    metrics = {
        "accuracy": accuracy_score,
        "selection_rate": fairlearn.metrics.selection_rate,
        "tpr": fairlearn.metrics.true_positive_rate,
        "fpr": fairlearn.metrics.false_positive_rate,
    }
    frame = fairlearn.metrics.MetricFrame(
        metrics=metrics, y_true=y_true, y_pred=y_pred, sensitive_features=values
    )
    for value, row in frame.by_group.iterrows():
        for metric in metrics:
            estimate = found.by_group[value].metrics[metric]
            if estimate.value is not None:
                assert estimate.value == pytest.approx(row[metric])
    for name in ("demographic_parity", "equalized_odds"):
        for kind in ("difference", "ratio"):
            expected = getattr(fairlearn.metrics, f"{name}_{kind}")(y_true, y_pred, sensitive_features=values)
            estimate = found.disparities[f"{name}_{kind}"]
            if estimate.value is not None:
                assert estimate.value == pytest.approx(expected)
    assert found.disparities["accuracy_difference"].value == pytest.approx(frame.difference()["accuracy"])


def test_another_seed_draws_other_random_starts_and_asks_again(tmp_path: Path, learnt_model: Path) -> None:
    attack = '[[attacks]]\nname = "pgd"\nepsilon = 0.5\nsteps = 1\nrandom_start = true\n'
    rest = f"{attack}[fairness]\nn_boot = 10\n"
    config = write_config(tmp_path, loaded(learnt_model), data='id = "id"\n', rest=rest)
    first = audited(config)
    config.write_text("seed = 1\n" + config.read_text())
    second = audited(config)
    model = second.report.candidates[0].model.sha256
    answers = [[row["probabilities"] for row in rows(second, model, "pgd", seed=seed)] for seed in (0, 1)]
    assert first.report.candidates[0].model.sha256 == model
    assert len(answers[0]) == len(answers[1]) == 160
    assert answers[0] != answers[1]


def test_progress_names_every_step(audit: Audited) -> None:
    for step in ("plain: clean text: 40", "hardened: training (fgsm)", "hardened: pgd 0.5: 40"):
        assert step in audit.progress


def test_three_labels_go_through_to_the_report(tmp_path: Path) -> None:
    labels = ("bad", "good", "mixed")
    base = tiny_dataset(150, seed=3)
    dataset = replace(base, labels=np.arange(150) % 3, label_names=labels)
    write_csv(tmp_path / "data.csv", dataset)
    (tmp_path / "models").mkdir()
    model = tiny_folder(tmp_path / "models", labels=labels, seed=4)
    gate = '[[gate]]\nmetric = "tpr[mixed]"\ngroup = "gender"\nvalue = "woman"\nmin = 0.0\n'
    attack = '[[attacks]]\nname = "fgm"\nepsilon = 1.0\n'
    done = audited(write_config(tmp_path, loaded(model), rest=attack + gate))
    (candidate,) = done.report.candidates
    assert candidate.fairness is not None
    assert "demographic_parity_difference[mixed]" in candidate.fairness.groups["gender"].disparities
    assert len(candidate.robustness.clean.confusion_matrix) == 3
    assert [check.metric for check in done.report.gate.checks] == ["tpr[mixed]"]
    assert done.report.gate.passed
    for label in labels:
        assert label in done.page


def test_sentence_pairs_go_through_to_the_report(tmp_path: Path, learnt_model: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["first,second,label"]
    for i in range(80):
        words = rng.choice(GOOD if i % 2 else BAD, size=3)
        lines.append(
            f"{' '.join(rng.choice(FILLER, size=3))},{' '.join(words)},{('negative', 'positive')[i % 2]}"
        )
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n")
    data = 'text = "first"\ntext_pair = "second"\n'
    done = audited(write_config(tmp_path, loaded(learnt_model), data=data, rest=ATTACKS))
    accuracy = done.report.candidates[0].robustness.clean.accuracy
    assert accuracy.value is not None
    # The label is told by the second text alone.
    assert accuracy.value > 0.8
    assert accuracy.n == 80
    assert "plain" in done.page


def test_without_groups_attacks_and_gate_only_clean_performance_is_told(
    tmp_path: Path, learnt_model: Path
) -> None:
    done = audited(write_config(tmp_path, loaded(learnt_model), data='id = "id"\n'))
    (candidate,) = done.report.candidates
    assert candidate.fairness is None
    assert candidate.robustness.attacks == []
    assert candidate.robustness.worst_case_accuracy.reason == "no attack with limits was run on all examples"
    assert done.report.gate.checks == []
    assert "No attack was run." in done.page
    assert "plain" in done.summary


def test_long_texts_and_a_group_of_one_are_told(tmp_path: Path, learnt_model: Path) -> None:
    base = tiny_dataset(40, seed=3)
    gender = base.groups["gender"].astype("<U9")
    gender[7] = "nonbinary"
    texts = (" ".join(["film"] * 100), *base.texts[1:])
    dataset: TextDataset = replace(base, texts=texts, groups={"gender": gender})
    write_csv(tmp_path / "data.csv", dataset)
    rest = "[fairness]\nmin_group_size = 5\n"
    done = audited(write_config(tmp_path, loaded(learnt_model), data='groups = ["gender"]\n', rest=rest))
    found = {finding.id: finding for finding in done.report.findings}
    assert found["data.truncated"].message.startswith("1 of 40 texts are longer")
    assert "nonbinary" in found["fairness.small_groups"].message
    fairness = done.report.candidates[0].fairness
    assert fairness is not None
    assert fairness.groups["gender"].by_group["nonbinary"].n == 1
    assert fairness.groups["gender"].by_group["nonbinary"].small
    assert "1 of 40 texts are longer" in done.page
    assert "nonbinary" in done.page


def test_a_model_that_comes_fine_tuned_can_be_trained_on(tmp_path: Path, learnt_model: Path) -> None:
    train = 'train = { objective = "pgd", epsilon = 0.1, steps = 1, epochs = 1, learning_rate = 1e-4 }\n'
    done = audited(write_config(tmp_path, loaded(learnt_model, "on") + train, data='id = "id"\n'))
    (candidate,) = done.report.candidates
    assert candidate.training is not None
    assert candidate.training.objective == "pgd"
    accuracy = candidate.robustness.clean.accuracy.value
    assert accuracy is not None
    # One gentle epoch from a fresh head would not get there.
    assert accuracy > 0.9
