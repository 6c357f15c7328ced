"""Gaps that grow are told with both sides; gaps that do not, are not."""

from dataclasses import replace

import numpy as np

from assay.gap_findings import compared_gaps, widened_by_attack
from assay.measure import Measured
from robustness.outcomes import Outcome
from tests.assay.test_findings import attacked_at, plan
from tests.robustness.tiny import tiny_dataset

N = 400


def on_groups():
    """A plan whose test examples are N of each of two groups, of both labels in turn."""
    base = tiny_dataset(2)
    n = 2 * N
    return plan(
        replace(
            base,
            ids=tuple(f"id{i}" for i in range(n)),
            texts=tuple(f"text {i}" for i in range(n)),
            labels=np.arange(n) % 2,
            groups={"g": np.repeat(["a", "b"], N)},
            splits=np.full(n, "test"),
        )
    )


def outcomes(*shares):
    """N outcomes of each group, this share of them right."""
    found = []
    for group, share in enumerate(shares):
        for i in range(N):
            row = group * N + i
            label = row % 2
            # Right ones are spread over both labels.
            right = (i // 2) < round(share * N / 2)
            found.append(Outcome(f"id{row}", label, label if right else 1 - label, (0.5, 0.5)))
    return found


def measured(name, clean, attacked):
    return Measured(attacked_at({0.03: 0.5}, name), outcomes(*clean), [outcomes(*attacked)], [[]])


def test_an_attack_that_sets_groups_further_apart_is_told() -> None:
    [told] = widened_by_attack(on_groups(), measured("plain", (0.9, 0.85), (0.7, 0.3)))
    assert (told.id, told.severity) == ("fairness.widened_by_attack", "warning")
    assert told.subject == "g under fgsm at epsilon 0.03"
    assert "accuracy is 40.0 points lower for texts with g = b than for those with g = a" in told.message
    assert "against 5.0 points lower on clean text: the gap grows by 35.0 points (" in told.message


def test_an_attack_that_costs_all_groups_alike_is_not() -> None:
    assert list(widened_by_attack(on_groups(), measured("plain", (0.9, 0.8), (0.4, 0.3)))) == []


def test_an_attack_that_did_not_reach_all_examples_is_not_compared() -> None:
    cut = measured("plain", (0.9, 0.85), (0.7, 0.3))
    [attack] = cut.result.robustness.attacks
    robust = replace(cut.result.robustness, attacks=[replace(attack, unreached=5)])
    cut = replace(cut, result=replace(cut.result, robustness=robust))
    assert list(widened_by_attack(on_groups(), cut)) == []


def test_a_candidate_that_hardens_one_group_only_is_told_against_the_first() -> None:
    first = measured("plain", (0.9, 0.9), (0.3, 0.3))
    other = measured("hardened", (0.9, 0.9), (0.8, 0.4))
    [told] = compared_gaps(on_groups(), first, other)
    assert (told.id, told.candidate, told.severity) == (
        "fairness.widened_by_candidate",
        "hardened",
        "warning",
    )
    assert "under fgsm (L∞) at epsilon 0.03" in told.message
    assert (
        "40.0 points lower for texts with g = b than for those with g = a, against 0.0 points lower with "
        "plain" in told.message
    )
    assert list(compared_gaps(on_groups(), first, first)) == []


def test_a_candidate_that_narrows_a_gap_is_told_as_information() -> None:
    first = measured("plain", (0.9, 0.9), (0.8, 0.4))
    other = measured("mitigated", (0.9, 0.9), (0.5, 0.45))
    [told] = compared_gaps(on_groups(), first, other)
    assert (told.id, told.candidate, told.severity) == ("fairness.narrowed_by_candidate", "mitigated", "info")
    assert (
        "40.0 points lower for texts with g = b than for those with g = a with plain, against 5.0 points "
        "lower with" in told.message
    )
    assert "the gap shrinks by 35.0 points (" in told.message
