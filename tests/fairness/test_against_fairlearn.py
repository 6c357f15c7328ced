"""Every point value agrees with Fairlearn called directly on the rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as fm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, precision_score

from fairness.assess import assess

HATEXPLAIN = Path(__file__).parents[3] / "shared" / "data" / "hatexplain" / "hatexplain.csv"

ON_ROWS = {
    "selection_rate": (fm.selection_rate, None),
    "tpr": (fm.true_positive_rate, 1),
    "tnr": (fm.true_negative_rate, 0),
    "fpr": (fm.false_positive_rate, 0),
    "fnr": (fm.false_negative_rate, 1),
    "f1": (f1_score, 1),
}


def check_binary_column(found, y_true, y_pred, column):
    """Hold a GroupAssessment of 0/1 labels (minimum group size 1) against Fairlearn on the rows."""
    rows = {value: column == value for value in np.unique(column)}
    assert list(found.by_group) == list(rows)
    for value, mask in rows.items():
        group = found.by_group[value]
        assert group.n == mask.sum()
        assert group.metrics["accuracy"].value == pytest.approx(accuracy_score(y_true[mask], y_pred[mask]))
        both = len(set(y_true[mask])) == 2
        expected = balanced_accuracy_score(y_true[mask], y_pred[mask]) if both else None
        assert group.metrics["balanced_accuracy"].value == pytest.approx(expected)
        expected = precision_score(y_true[mask], y_pred[mask]) if 1 in y_pred[mask] else None
        assert group.metrics["precision"].value == pytest.approx(expected)
        for name, (function, needs) in ON_ROWS.items():
            if needs is not None and needs not in y_true[mask]:
                assert group.metrics[name].value is None
            else:
                expected = function(y_true[mask], y_pred[mask])
                assert group.metrics[name].value == pytest.approx(expected), (value, name)

    with_positives = np.isin(column, [value for value, mask in rows.items() if 1 in y_true[mask]])
    with_negatives = np.isin(column, [value for value, mask in rows.items() if 0 in y_true[mask]])
    everywhere = np.full(len(column), True)
    with_selected = np.isin(column, [value for value, mask in rows.items() if 1 in y_pred[mask]])
    for name, metric, where in (
        ("accuracy", accuracy_score, everywhere),
        ("balanced_accuracy", balanced_accuracy_score, with_positives & with_negatives),
        ("predictive_parity", precision_score, with_selected),
        ("f1", f1_score, with_positives),
    ):
        check_own_disparity(found, name, metric, y_true[where], y_pred[where], column[where])
    check_equality_difference(found, "false_positive", fm.false_positive_rate, y_true, y_pred, column, 0)
    check_equality_difference(found, "false_negative", fm.false_negative_rate, y_true, y_pred, column, 1)
    check_disparity(found, "demographic_parity_difference", y_true, y_pred, column, everywhere)
    check_disparity(found, "demographic_parity_ratio", y_true, y_pred, column, everywhere)
    check_disparity(found, "equal_opportunity_difference", y_true, y_pred, column, with_positives)
    check_disparity(found, "equal_opportunity_ratio", y_true, y_pred, column, with_positives)
    if with_positives.all() and with_negatives.all():
        check_disparity(found, "equalized_odds_difference", y_true, y_pred, column, everywhere)
        check_disparity(found, "equalized_odds_ratio", y_true, y_pred, column, everywhere)


def check_own_disparity(found, name, metric, y_true, y_pred, column):
    """Disparities that Fairlearn has no function for: between_groups of its MetricFrame."""
    difference, ratio = (found.disparities[f"{name}_{kind}"].value for kind in ("difference", "ratio"))
    if len(np.unique(column)) < 2:
        assert difference is None
        return
    frame = fm.MetricFrame(metrics=metric, y_true=y_true, y_pred=y_pred, sensitive_features=column)
    assert difference == pytest.approx(frame.difference()), name
    assert ratio is None if frame.group_max() == 0 else ratio == pytest.approx(frame.ratio()), name


def check_equality_difference(found, name, metric, y_true, y_pred, column, needs):
    """Dixon et al. (2018): the sum of |rate of all - rate of the group|, written out on the rows."""
    values = [value for value in np.unique(column) if needs in y_true[column == value]]
    estimate = found.disparities[f"{name}_equality_difference"]
    if len(values) < 2:
        assert estimate.value is None
        return
    rates = [metric(y_true[column == value], y_pred[column == value]) for value in values]
    assert estimate.value == pytest.approx(sum(abs(metric(y_true, y_pred) - rate) for rate in rates))


def check_disparity(found, name, y_true, y_pred, column, rows):
    estimate = found.disparities[name]
    if len(np.unique(column[rows])) < 2:
        assert estimate.value is None
        return
    expected = getattr(fm, name)(y_true[rows], y_pred[rows], sensitive_features=column[rows])
    if estimate.value is None:
        # 0 / 0 in one of the rates: Fairlearn gives NaN or passes over that rate.
        assert "is 0 in every group" in estimate.reason
        chosen = y_pred[rows]
        assert not chosen.any() or not chosen[y_true[rows] == 1].any() or not chosen[y_true[rows] == 0].any()
        return
    assert estimate.value == pytest.approx(expected), name
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 1), st.sampled_from(["a", "b", "c", "d"])),
        min_size=1,
        max_size=60,
    )
)
def test_any_binary_table_agrees_with_fairlearn(rows):
    y_true, y_pred = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    column = np.array([row[2] for row in rows])
    found = assess(y_true, y_pred, {"g": column}, ("no", "yes"), min_group_size=1).groups["g"]
    check_binary_column(found, y_true, y_pred, column)


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [
        ([0, 0, 0, 0], [0, 1, 0, 1]),
        ([1, 1, 1, 1], [0, 1, 1, 1]),
        ([1, 1, 0, 0], [1, 1, 0, 0]),
        ([0, 0, 1, 1], [0, 0, 0, 0]),
        ([0, 1, 0, 1], [1, 1, 1, 1]),
    ],
)
def test_tables_at_the_edge_agree_with_fairlearn(y_true, y_pred):
    column = np.array(["a", "a", "b", "b"])
    found = assess(np.array(y_true), np.array(y_pred), {"g": column}, ("no", "yes"), min_group_size=1)
    check_binary_column(found.groups["g"], np.array(y_true), np.array(y_pred), column)


def test_every_class_of_a_larger_task_agrees_with_fairlearn_on_it_against_the_rest():
    rng = np.random.default_rng(7)
    labels = ("x", "y", "z")
    y_true = rng.integers(0, 3, 800)
    y_pred = np.where(rng.random(800) < 0.7, y_true, rng.integers(0, 3, 800))
    column = np.array(["a", "b", "c"])[rng.integers(0, 3, 800)]
    found = assess(y_true, y_pred, {"g": column}, labels).groups["g"]
    for index, label in enumerate(labels):
        truth, chosen = (y_true == index).astype(int), (y_pred == index).astype(int)
        for value, group in found.by_group.items():
            mask = column == value
            for name, (function, _) in ON_ROWS.items():
                estimate = group.metrics[f"{name}[{label}]"]
                assert estimate.value == pytest.approx(function(truth[mask], chosen[mask]))
        for disparity in ("demographic_parity", "equalized_odds", "equal_opportunity"):
            for kind in ("difference", "ratio"):
                estimate = found.disparities[f"{disparity}_{kind}[{label}]"]
                direct = getattr(fm, f"{disparity}_{kind}")(truth, chosen, sensitive_features=column)
                assert estimate.value == pytest.approx(direct)
    frame = fm.MetricFrame(metrics=accuracy_score, y_true=y_true, y_pred=y_pred, sensitive_features=column)
    assert found.disparities["accuracy_difference"].value == pytest.approx(frame.difference())


def test_the_hatexplain_table_agrees_with_fairlearn():
    if not HATEXPLAIN.exists():
        pytest.skip(f"the HateXplain data is not at {HATEXPLAIN}")
    # A part of it: Fairlearn takes its time on rows.
    data = pd.read_csv(HATEXPLAIN).sample(1500, random_state=0)
    y_true = (data["label"] > 0).to_numpy().astype(int)
    rng = np.random.default_rng(3)
    groups = {name: data[name].astype(str).to_numpy() for name in data if str(name).startswith("label_")}
    assert len(groups) == 5
    # Predictions that err more often where a group is named, so that there are disparities to find.
    named = sum((column == "1").astype(float) for column in groups.values())
    y_pred = np.where(rng.random(len(y_true)) < 0.1 + 0.08 * named, 1 - y_true, y_true)
    result = assess(y_true, y_pred, groups, ("normal", "abusive"), min_group_size=1)
    assert result.positive_label == "abusive"
    for name, column in groups.items():
        check_binary_column(result.groups[name], y_true, y_pred, column)
        assert len(result.groups[name].by_group) == 2
