"""Each rule over hand-made results: when it speaks, when it is silent, and that it claims no more."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assay.config_models import AuditConfig
from assay.findings import find
from assay.measure import Measured
from assay.plan import Plan
from reports.model import CandidateResult, Finding, MitigationSummary
from robustness.behaviour.base import Expectation, Nature
from robustness.dataset import TextDataset
from robustness.estimate import Estimate, wilson
from robustness.objectives.standard import Standard
from robustness.outcomes import Outcome
from robustness.results import ValidityCheck, ValidityResult
from tests.reports.behaviour_example import behaviours
from tests.reports.example import candidate
from tests.robustness.tiny import tiny_dataset


def outcomes(right: int, n: int = 100) -> list[Outcome]:
    """``n`` examples of which the first ``right`` are right."""
    return [Outcome(f"id{i}", 1, int(i < right), (0.5, 0.5)) for i in range(n)]


def measured(result: CandidateResult, clean: int = 80, attacked: Sequence[int] = ()) -> Measured:
    return Measured(result, outcomes(clean), [outcomes(right) for right in attacked], [[] for _ in attacked])


def plan(dataset: TextDataset | None = None, *, trains: bool = False) -> Plan:
    config = AuditConfig.model_validate(
        {"data": {"path": Path("d.csv")}, "candidates": [{"name": "plain", "model": "m"}]}
    )
    objectives = {"plain": Standard()} if trains else {}
    data = dataset or replace(tiny_dataset(), groups={})
    return Plan(config, torch.device("cpu"), data, (), objectives)


def quiet(name: str = "plain") -> CandidateResult:
    """A candidate about which nothing is to be said."""
    result = replace(candidate("plain"), name=name)
    clean = replace(result.robustness.clean, truncated=0)
    robust = replace(result.robustness, attacks=[], curves=[], validity=None, clean=clean)
    return replace(result, robustness=robust, fairness=None)


def attacked_at(accuracy: dict[float, float], name: str = "plain") -> CandidateResult:
    """Clean accuracy 0.8; fgsm at the epsilons of ``accuracy`` leaves these shares."""
    result = quiet(name)
    model = candidate("plain").robustness.attacks[0]
    attacks = [
        replace(
            model,
            accuracy_under_attack=Estimate(value, value - 0.05, value + 0.05, 640),
            threat_model=replace(model.threat_model, epsilon=epsilon),
        )
        for epsilon, value in accuracy.items()
    ]
    clean = replace(result.robustness.clean, accuracy=Estimate(0.8, 0.77, 0.83, 640))
    return replace(result, robustness=replace(result.robustness, clean=clean, attacks=attacks))


def found(*results: Measured, on: Plan | None = None) -> dict[str, Finding]:
    return {finding.id: finding for finding in find(on or plan(), results)}


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    assert found(measured(quiet())) == {}


def test_test_texts_that_were_trained_on_are_a_warning() -> None:
    base = tiny_dataset(8)
    texts = (*base.texts[:6], base.texts[0], base.texts[1])
    leaky = replace(base, texts=texts, splits=np.array(["train"] * 4 + ["test"] * 4))
    finding = found(measured(quiet()), on=plan(leaky, trains=True))["data.leak"]
    assert finding.severity == "warning"
    assert finding.message == "2 of 4 test texts also occur in the training data."
    assert "data.leak" not in found(measured(quiet()), on=plan(leaky, trains=False))
    clean = replace(leaky, texts=base.texts)
    assert "data.leak" not in found(measured(quiet()), on=plan(clean, trains=True))


def test_truncated_texts_are_told() -> None:
    result = quiet()
    clean = replace(result.robustness.clean, truncated=3)
    cut = replace(result, robustness=replace(result.robustness, clean=clean))
    finding = found(measured(cut))["data.truncated"]
    assert (finding.severity, finding.candidate) == ("info", "plain")
    assert finding.message.startswith("3 of 64 texts are longer")


def test_a_collapse_is_critical_and_comes_first() -> None:
    result = attacked_at({0.03: 0.1})
    assert result.training is not None
    collapsed = replace(result, training=replace(result.training, collapsed=True))
    findings = find(plan(), [measured(collapsed, attacked=[10])])
    assert [finding.id for finding in findings] == ["training.collapse", "robustness.drop"]
    assert findings[0].severity == "critical"


def trained_for(name: str, epochs: int, n_train: int) -> Measured:
    result = quiet(name)
    assert result.training is not None
    return measured(replace(result, training=replace(result.training, epochs=epochs, n_train=n_train)))


def test_unequal_training_is_noticed_with_its_numbers() -> None:
    finding = found(trained_for("plain", 2, 1000), trained_for("hard", 4, 1000))["training.unequal"]
    assert finding.severity == "warning"
    assert "plain 2,000, hard 4,000" in finding.message
    assert "training.unequal" not in found(trained_for("plain", 2, 1000), trained_for("hard", 1, 2000))


def test_a_model_that_came_trained_is_not_compared_by_training() -> None:
    loaded = measured(replace(quiet("loaded"), training=None))
    assert "training.unequal" not in found(loaded, trained_for("hard", 4, 1000))


def test_the_attack_that_costs_most_is_named_first_and_then_the_mildest_that_costs_much() -> None:
    finding = found(measured(attacked_at({0.1: 0.1, 0.03: 0.5, 0.01: 0.7}), attacked=[80] * 3))
    assert finding["robustness.drop"].subject == "fgsm at epsilon 0.1"
    assert finding["robustness.drop"].message == (
        "Loses 70.0 points of accuracy under fgsm (L∞) at epsilon 0.1 (80.0 % on clean text, 10.0 % under "
        "attack); already 30.0 points under fgsm (L∞) at epsilon 0.03."
    )


def with_another(result: CandidateResult, left: float, **changes: Any) -> CandidateResult:
    """The candidate with one attack more: its first one, with these fields and this accuracy left."""
    first, *others = result.robustness.attacks
    other = replace(first, accuracy_under_attack=Estimate(left, left - 0.05, left + 0.05, 640), **changes)
    return replace(result, robustness=replace(result.robustness, attacks=[first, *others, other]))


def test_another_attack_costs_much_too_and_not_already() -> None:
    result = with_another(attacked_at({0.1: 0.1}), 0.5, name="fgm")
    finding = found(measured(result, attacked=[10, 50]))["robustness.drop"]
    assert finding.message.endswith("; also 30.0 points under fgm (L∞) at epsilon 0.1.")


def test_two_runs_of_one_attack_at_one_budget_are_told_apart_by_their_parameters() -> None:
    result = attacked_at({0.1: 0.1})
    params = result.robustness.attacks[0].params | {"special_tokens": True}
    finding = found(measured(with_another(result, 0.5, params=params), attacked=[10, 50]))["robustness.drop"]
    assert "accuracy under fgsm (L∞), special_tokens False at epsilon 0.1 (80.0 %" in finding.message
    assert finding.message.endswith("; also 30.0 points under fgsm (L∞), special_tokens True at epsilon 0.1.")


def checked(*passed: bool | None) -> CandidateResult:
    """A candidate with one validity check for each of ``passed``."""
    checks = [
        ValidityCheck(f"check_{i}", each, Estimate(0.4, 0.3, 0.5, 100), 0.05, f"What check {i} says.")
        for i, each in enumerate(passed)
    ]
    result = quiet()
    validity = ValidityResult(100, "linf", 0.03, checks, None)
    return replace(result, robustness=replace(result.robustness, validity=validity))


def test_a_failed_check_of_the_evaluation_is_critical_and_one_that_was_not_made_is_none() -> None:
    (finding,) = found(measured(checked(True, False, None))).values()
    assert (finding.id, finding.severity, finding.candidate) == ("validity.check_1", "critical", "plain")
    assert (finding.observed, finding.limit) == (Estimate(0.4, 0.3, 0.5, 100), 0.05)
    assert finding.message == "Its robustness figures may be too good. What check 1 says."


def test_every_failed_check_is_a_finding_of_its_own() -> None:
    assert list(found(measured(checked(False, False)))) == ["validity.check_0", "validity.check_1"]
    assert found(measured(checked(True, None))) == {}


def test_a_small_loss_is_no_finding() -> None:
    assert "robustness.drop" not in found(measured(attacked_at({0.03: 0.56}), attacked=[56]))
    assert "robustness.drop" in found(measured(attacked_at({0.03: 0.54}), attacked=[54]))


def compared(clean: tuple[int, int], *attacked: tuple[int, int]) -> dict[str, Finding]:
    """Comparisons of two candidates that get so many of 100 right, on clean text and under each attack."""
    budgets = {0.01 * (i + 1): 0.75 for i in range(len(attacked))}
    pair = [
        measured(attacked_at(budgets, name), clean[i], [each[i] for each in attacked])
        for i, name in enumerate(("plain", "hard"))
    ]
    return {each.id: each for each in find(plan(), pair) if each.id.startswith("comparison")}


def test_a_difference_is_claimed_only_where_its_interval_excludes_none() -> None:
    assert compared((80, 80), (50, 50)) == {}
    assert compared((80, 82), (50, 47)) == {}
    assert list(compared((70, 80), (50, 50))) == ["comparison.better"]


def test_a_better_candidate_is_information_and_a_worse_one_a_warning() -> None:
    (better,), (worse,) = compared((60, 80)).values(), compared((80, 60)).values()
    assert (better.id, better.severity, better.candidate) == ("comparison.better", "info", "hard")
    assert (worse.id, worse.severity, worse.candidate) == ("comparison.worse", "warning", "hard")
    # 20 gained, none lost of 100: 21/102 and 1/102, centre 20/102 = 19.61 points, half-width
    # 1.959964 * sqrt((22/102 - (20/102)^2) / 102) = 8.17 points.
    expected = (
        "20.0 points {} accurate on clean text than plain, compared example by example "
        "(interval 11.4 to 27.8)"
    )
    # The results of these two have the same accuracy, whatever their outcomes: the intervals overlap.
    overlap = "; the intervals of the two alone overlap."
    assert better.message == expected.format("more") + overlap
    assert worse.message == expected.format("less") + overlap


def test_the_largest_established_difference_is_told_and_the_others_are_named() -> None:
    told = compared((80, 60), (20, 50), (30, 70), (40, 41))
    better, worse = told["comparison.better"], told["comparison.worse"]
    assert (better.subject, worse.subject) == ("fgsm at epsilon 0.02", "clean text")
    assert better.message.endswith(" Also more accurate under fgsm (L∞) at epsilon 0.01.")
    assert "0.03" not in better.message + worse.message


def test_the_others_are_named_with_the_words_that_fit_them() -> None:
    (better,) = compared((60, 75), (20, 50), (30, 50), (30, 50)).values()
    assert better.subject == "fgsm at epsilon 0.01"
    assert better.message.endswith(
        " Also more accurate on clean text and under fgsm (L∞) at epsilon 0.02 and fgsm (L∞) at epsilon 0.03."
    )


def cut(name: str, truncated: int) -> Measured:
    result = quiet(name)
    clean = replace(result.robustness.clean, truncated=truncated)
    return measured(replace(result, robustness=replace(result.robustness, clean=clean)))


def test_what_is_found_of_every_candidate_alike_is_said_once() -> None:
    (once,) = find(plan(), [cut("plain", 3), cut("hard", 3), cut("soft", 3)])
    assert (once.id, once.candidate) == ("data.truncated", None)
    of_some = find(plan(), [cut("plain", 3), cut("hard", 3), cut("soft", 4)])
    assert [(each.candidate, each.message[0]) for each in of_some] == [
        ("plain", "3"),
        ("hard", "3"),
        ("soft", "4"),
    ]
    assert [each.candidate for each in find(plan(), [cut("plain", 3)])] == ["plain"]


def test_the_severest_come_first_and_comparisons_before_others_of_the_same() -> None:
    first, second = attacked_at({0.03: 0.1}), attacked_at({0.03: 0.2}, "hard")
    better = find(plan(), [measured(first, attacked=[10]), measured(second, attacked=[40])])
    assert [each.id for each in better] == ["robustness.drop", "robustness.drop", "comparison.better"]
    worse = find(plan(), [measured(first, attacked=[40]), measured(second, attacked=[10])])
    assert [each.id for each in worse] == ["comparison.worse", "robustness.drop", "robustness.drop"]


def test_an_attack_without_a_budget_is_no_loss_and_no_comparison() -> None:
    first, second = attacked_at({0.03: 0.7}), attacked_at({0.03: 0.7}, "hard")
    unbounded = [
        replace(
            each,
            robustness=replace(
                each.robustness,
                attacks=[
                    replace(attack, accuracy_under_attack=wilson(1, 100), minimal_norm=wilson(1, 100))
                    for attack in each.robustness.attacks
                ],
            ),
        )
        for each in (first, second)
    ]
    findings = find(plan(), [measured(unbounded[0], attacked=[1]), measured(unbounded[1], attacked=[60])])
    assert not {each.id for each in findings} & {"robustness.drop", "comparison.better", "comparison.worse"}


def test_findings_are_numbers_that_can_be_written() -> None:
    """Every finding of a whole example carries an estimate, and no words claim what is within chance."""
    example: list[Any] = [candidate("plain"), candidate("fgsm-trained")]
    n = len(example[0].robustness.attacks)
    findings = find(plan(), [measured(each, attacked=[40] * n) for each in example])
    assert findings
    for finding in findings:
        assert finding.observed is not None
        assert finding.message.endswith(".")
    assert not [each for each in findings if each.id.startswith("comparison")]


def test_examples_with_a_blank_group_are_told_with_their_number() -> None:
    dataset = tiny_dataset(8, seed=0)
    blank = np.array(["(missing)"] * 3 + ["a"] * 5)
    dataset = replace(dataset, groups={"gender": blank}, splits=np.array(["test"] * 8))
    finding = found(measured(quiet()), on=plan(dataset))["data.missing_group"]
    assert (finding.severity, finding.subject) == ("warning", "gender")
    assert finding.message.startswith("gender is blank for 3 of 8 examples")


def behaving(kind: Expectation, nature: Nature, failed: int, n: int = 100) -> CandidateResult:
    """One behavioural test of which ``failed`` of ``n`` texts fail."""
    rate = wilson(failed, n, 0.95)
    whole = behaviours("plain", 640, {})[0]
    test = replace(whole, name="odd", kind=kind, nature=nature, failure_rate=rate)
    result = quiet()
    return replace(result, robustness=replace(result.robustness, behaviours=[test]))


def test_a_behavioural_test_is_a_warning_where_it_is_sure_to_fail_often() -> None:
    (found,) = find(plan(), [measured(behaving("invariance", "natural noise", 20))])
    assert (found.id, found.severity, found.subject) == ("behaviour.failure", "warning", "odd")
    assert "changes the answer to 20.0 %" in found.message
    (found,) = find(plan(), [measured(behaving("directional", "meaning changed", 36))])
    assert "leaves the answer as sure as before on 36.0 %" in found.message
    assert find(plan(), [measured(behaving("invariance", "meaning kept", 6))]) == []


def test_a_model_that_answers_differently_when_asked_twice_is_critical() -> None:
    stable = replace(measured(quiet()), unstable=wilson(0, 50, 0.95))
    assert find(plan(), [stable]) == []
    (found,) = find(plan(), [replace(stable, unstable=wilson(3, 50, 0.95))])
    assert (found.id, found.severity) == ("validity.deterministic", "critical")
    assert "6.0 %" in found.message


def test_a_mitigation_that_changes_no_answer_is_told() -> None:
    done = MitigationSummary("threshold_optimizer", "predictions", "g", {}, "plain", [], 1.0)
    mitigated = replace(quiet("thresholds"), mitigation=done)
    told = found(measured(quiet()), measured(mitigated))["mitigation.no_effect"]
    assert (told.severity, told.candidate, told.subject) == ("warning", "thresholds", "threshold_optimizer")
    assert told.message == "The mitigation threshold_optimizer changed none of the 100 predictions of plain."
    assert "mitigation.no_effect" not in found(measured(quiet()), measured(mitigated, clean=79))
    alone = replace(mitigated, mitigation=replace(done, base=None))
    assert "mitigation.no_effect" not in found(measured(quiet()), measured(alone))


def test_advice_speaks_of_epsilon_only_where_the_objective_has_one() -> None:
    result = attacked_at({})
    assert result.training is not None
    for params, word in (({"epsilon": 0.1}, "Lower epsilon"), ({"group": "g"}, "lower the learning rate")):
        collapsed = replace(result, training=replace(result.training, collapsed=True, params=params))
        assert word in found(measured(collapsed))["training.collapse"].message
