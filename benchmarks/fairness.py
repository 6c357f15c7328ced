"""What the bootstrap of every count metric and disparity costs, and how it compares with Fairlearn's.

    python -m benchmarks.fairness [--rows 1000000] [--groups 50] [--fairlearn-rows 100000] [--json]

On one core, from arrays of labels, predictions and group names:

- million_rows_seconds: 1,000 resamples of all count metrics by group and of all disparities.
- assess_seconds: the whole assessment, with intervals that hold and tests.
- peak_mebibytes: the most memory that a process held which did both, Python and libraries included.
- fairlearn_over_ours: a resample of Fairlearn's MetricFrame with selection rate, TPR, FPR and accuracy (a
  part of ours), and 8 groups, over a resample of ours of the same rows.
"""

import argparse
import json
import multiprocessing
import os
import resource
import time
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from fairness.assess import assess
from fairness.counts import count_groups, outcomes
from fairness.groups import columns_of
from fairness.inference.bootstrap import bootstrap

LABELS = ("no", "yes")
N_BOOT = 1000
FAIRLEARN_BOOT = 3
ROUNDS = 3


def predictions(rows: int, groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, predictions and group names (rows,), the last ones as Python strings."""
    rng = np.random.default_rng(0)
    y_true = rng.integers(0, 2, rows)
    y_pred = np.where(rng.random(rows) < 0.85, y_true, 1 - y_true)
    names = np.array([f"group {g}" for g in range(groups)], dtype=object)
    return y_true, y_pred, names[rng.integers(0, groups, rows)]


def resample(y_true: np.ndarray, y_pred: np.ndarray, column: np.ndarray, n_boot: int) -> float:
    """Seconds from arrays to resampled metrics and disparities."""
    started = time.perf_counter()
    (grouping,) = columns_of({"group": column})
    bootstrap(count_groups(y_true, y_pred, grouping, 2), outcomes(LABELS, None), n_boot, 0)
    return time.perf_counter() - started


def ours(rows: int, groups: int) -> dict[str, float]:
    """In a process of its own, so that the peak is of nothing else."""
    data = predictions(rows, groups)
    seconds = median(resample(*data, N_BOOT) for _ in range(ROUNDS))
    started = time.perf_counter()
    assess(data[0], data[1], {"group": data[2]}, LABELS)
    return {
        "million_rows_seconds": seconds,
        "assess_seconds": time.perf_counter() - started,
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def fairlearn_over_ours(rows: int) -> float:
    """Per resample, of the same rows in one process; building the frame without resamples is taken off."""
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score

    y_true, y_pred, column = predictions(rows, 8)
    metrics = {
        "accuracy": accuracy_score,
        "selection_rate": selection_rate,
        "tpr": true_positive_rate,
        "fpr": false_positive_rate,
    }

    def theirs(**settings: object) -> float:
        started = time.perf_counter()
        MetricFrame(metrics=metrics, y_true=y_true, y_pred=y_pred, sensitive_features=column, **settings)
        return time.perf_counter() - started

    theirs()
    ratios = []
    for _ in range(ROUNDS):
        resampled = theirs(n_boot=FAIRLEARN_BOOT, ci_quantiles=[0.025, 0.975], random_state=0)
        per_resample = (resampled - theirs()) / FAIRLEARN_BOOT
        ratios.append(per_resample / (resample(y_true, y_pred, column, N_BOOT) / N_BOOT))
    return median(ratios)


def measure(rows: int, groups: int, fairlearn_rows: int) -> dict[str, float]:
    # For the process that is spawned, which reads them as it imports numpy. Fairlearn may use all cores.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(ours, (rows, groups))
    return {**found, "fairlearn_over_ours": fairlearn_over_ours(fairlearn_rows)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--groups", type=int, default=50)
    parser.add_argument("--fairlearn-rows", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = measure(options.rows, options.groups, options.fairlearn_rows)
    if options.json:
        print(json.dumps(found))
        return
    table = Table(title=f"{N_BOOT:,} resamples, {options.rows:,} rows, {options.groups} groups, one core")
    table.add_column("what")
    table.add_column("figure", justify="right")
    for name, figure in found.items():
        table.add_row(name, f"{figure:,.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
