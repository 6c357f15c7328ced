"""The bootstrap on counts is the bootstrap of rows."""

import numpy as np
import pytest

from attacks.errors import AssayError
from fairness.counts import GroupCounts, Outcome, count_groups
from fairness.disparities import disparity_names
from fairness.groups import columns_of, overlapping
from fairness.inference.bootstrap import bootstrap
from fairness.metrics import metric_values

SHOWN = (Outcome(1, "yes", ""),)


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, 2, n)
    y_pred = np.where(rng.random(n) < 0.8, y_true, 1 - y_true)
    return y_true, y_pred, np.array(["a", "b", "c"])[rng.integers(0, 3, n)]


def test_its_quantiles_are_those_of_resampled_rows():
    y_true, y_pred, column = rows(300)
    (grouping,) = columns_of({"g": column})
    found = bootstrap(count_groups(y_true, y_pred, grouping, 2), SHOWN, 4000, 1)
    rng = np.random.default_rng(2)
    by_rows = {"tpr": [], "accuracy_difference": []}
    for _ in range(1500):
        chosen = rng.integers(0, 300, 300)
        truth, predicted, cells = y_true[chosen], y_pred[chosen], grouping.cells[chosen]
        by_rows["tpr"].append(predicted[(truth == 1) & (cells == 0)].mean())
        accuracy = [(truth == predicted)[cells == g].mean() for g in range(3)]
        by_rows["accuracy_difference"].append(max(accuracy) - min(accuracy))
    for q in (0.025, 0.5, 0.975):
        ours = np.quantile(found.metrics["tpr"][:, 0], q)
        assert ours == pytest.approx(np.quantile(by_rows["tpr"], q), abs=0.015)
        ours = np.quantile(found.disparities["accuracy_difference"], q)
        assert ours == pytest.approx(np.quantile(by_rows["accuracy_difference"], q), abs=0.015)


def test_every_metric_and_disparity_is_resampled():
    y_true, y_pred, column = rows(200)
    (grouping,) = columns_of({"g": column})
    counts = count_groups(y_true, y_pred, grouping, 2)
    found = bootstrap(counts, SHOWN, 7, 0)
    assert list(found.metrics) == list(metric_values(counts.table, SHOWN))
    assert list(found.disparities) == disparity_names(SHOWN)
    assert {each.shape for each in found.metrics.values()} == {(7, 3)}
    assert {each.shape for each in found.disparities.values()} == {(7,)}


def test_examples_shared_by_groups_are_resampled_together():
    y_true, y_pred, column = rows(200)
    same = np.where(column == "a", "1", "0")
    grouping = overlapping("both", {"p": same, "q": same})
    found = bootstrap(count_groups(y_true, y_pred, grouping, 2), SHOWN, 50, 0)
    assert found.metrics["accuracy"][:, 0] == pytest.approx(found.metrics["accuracy"][:, 1])
    assert np.unique(found.metrics["accuracy"]).size > 10
    assert not found.disparities["accuracy_difference"].any()


def test_a_metric_that_a_group_never_has_is_undefined_in_every_resample():
    cells = np.array([[[5, 1], [0, 0]], [[4, 2], [1, 3]]])
    found = bootstrap(GroupCounts(("a", "b"), cells, np.eye(2, dtype=bool)), SHOWN, 30, 0)
    assert np.isnan(found.metrics["tpr"][:, 0]).all()
    assert np.isfinite(found.metrics["fpr"][:, 0]).all()


def test_the_same_seed_gives_the_same_resamples():
    counts = GroupCounts(("a", "b"), np.full((2, 2, 2), 9), np.eye(2, dtype=bool))
    first, second, other = (bootstrap(counts, SHOWN, 20, seed).metrics["tpr"] for seed in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


@pytest.mark.parametrize(("n_boot", "cells"), [(0, 3), (10, 0)])
def test_nothing_to_resample_is_refused(n_boot, cells):
    counts = GroupCounts(("a",), np.full((1, 2, 2), cells), np.eye(1, dtype=bool))
    with pytest.raises(AssayError, match="expected at least 1 resample"):
        bootstrap(counts, SHOWN, n_boot, 0)
