"""Does an audit's fairness table agree with Fairlearn called directly on its predictions?

    python -m benchmarks.fairlearn_agreement RUN_FOLDER [--json]

Reads the labels and predictions of every example from the run's ledger and the groups from its data,
calls Fairlearn on the rows, and prints the largest absolute difference to audit.json, clean and under each
attack. Exit code 1 when one exceeds 1e-12.
"""

import argparse
import json
import sqlite3
import sys
from pathlib import Path

import fairlearn.metrics as fm
import numpy as np
from sklearn.metrics import accuracy_score

from assay.config_models import AuditConfig
from reports.json_io import from_json
from reports.model import AuditReport, CandidateResult
from robustness.data import load
from robustness.dataset import TextDataset

RATES = {
    "accuracy": accuracy_score,
    "selection_rate": fm.selection_rate,
    "tpr": fm.true_positive_rate,
    "fpr": fm.false_positive_rate,
    "fnr": fm.false_negative_rate,
}
DISPARITIES = {
    "demographic_parity_difference": fm.demographic_parity_difference,
    "demographic_parity_ratio": fm.demographic_parity_ratio,
    "equalized_odds_difference": fm.equalized_odds_difference,
    "equalized_odds_ratio": fm.equalized_odds_ratio,
    "equal_opportunity_difference": fm.equal_opportunity_difference,
    "equal_opportunity_ratio": fm.equal_opportunity_ratio,
}


def audited(report: AuditReport) -> TextDataset:
    """The test examples of the run, read again from its data."""
    config = AuditConfig.model_validate_json(json.dumps(report.provenance.config))
    train = any(candidate.train for candidate in config.candidates)
    return load(**config.data.load_arguments, seed=config.seed, need_train=train).split("test")


def predictions(
    run: Path, candidate: CandidateResult, test: TextDataset, attack: str, params: str
) -> np.ndarray:
    """(n,) int, in the order of ``test``, as the ledger has them."""
    with sqlite3.connect(f"file:{run / 'ledger.sqlite'}?mode=ro", uri=True) as ledger:
        rows = ledger.execute(
            "SELECT example_id, prediction FROM outcomes JOIN scopes ON scopes.id = scope "
            "WHERE model = ? AND data = ? AND attack = ? AND params = ?",
            (candidate.model.sha256, test.fingerprint, attack, params),
        ).fetchall()
    found = dict(rows)
    return np.array([found[example_id] for example_id in test.ids])


def disagreements(report: AuditReport, run: Path) -> dict[str, float]:
    """{"candidate, attack": largest absolute difference between audit.json and Fairlearn}."""
    test = audited(report)
    found = {}
    for candidate in report.candidates:
        fairness = candidate.fairness
        if fairness is None or fairness.positive_label is None:
            sys.exit(f"{candidate.name}: this check needs groups and two labels")
        positive = test.label_names.index(fairness.positive_label)
        tables = [("clean", "", "{}", fairness.groups)]
        for under in fairness.under_attack:
            params = json.dumps({**under.params, "seed": report.provenance.seed}, sort_keys=True)
            tables.append((f"{under.attack} {under.params['epsilon']:g}", under.attack, params, under.groups))
        for label, attack, params, groups in tables:
            y_true = (test.labels == positive).astype(int)
            y_pred = (predictions(run, candidate, test, attack, params) == positive).astype(int)
            gaps = [0.0]
            for column, assessment in groups.items():
                values = test.groups[column]
                frame = fm.MetricFrame(metrics=RATES, y_true=y_true, y_pred=y_pred, sensitive_features=values)
                for value, group in assessment.by_group.items():
                    gaps += [
                        abs(estimate.value - frame.by_group.loc[value, metric])
                        for metric, estimate in group.metrics.items()
                        if metric in RATES and estimate.value is not None
                    ]
                kept = np.isin(
                    values, [value for value, group in assessment.by_group.items() if not group.small]
                )
                gaps += [
                    abs(
                        estimate.value
                        - DISPARITIES[name](y_true[kept], y_pred[kept], sensitive_features=values[kept])
                    )
                    for name, estimate in assessment.disparities.items()
                    if name in DISPARITIES and estimate.value is not None
                ]
            found[f"{candidate.name}, {label}: {len(gaps) - 1} numbers"] = float(max(gaps))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    source = options.run / "audit.json"
    found = disagreements(from_json(source.read_text(encoding="utf-8"), str(source)), options.run)
    if options.json:
        print(json.dumps(found))
    else:
        for label, gap in found.items():
            print(f"{label}, largest difference {gap:.2g}")
    sys.exit(max(found.values()) > 1e-12)


if __name__ == "__main__":
    main()
