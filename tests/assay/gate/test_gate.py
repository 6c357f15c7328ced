"""The gate: what a check may ask, what it looks at, and how it is judged."""

import re
from dataclasses import replace
from typing import Any

import pytest

from assay.changes.audited import Audited
from assay.changes.metrics import BIAS_MEANS, FLIP_RATES, METRICS
from assay.config_models import GateConfig
from assay.gate.checks import ALIASES, MOST_NAMED, check_gate, check_gate_names
from assay.gate.decide import decide
from attacks.errors import AssayError
from fairness.counterfactual.results import CounterfactualResult
from fairness.results import BiasAUC, GroupAssessment, SubgroupAUC
from reports.model import CandidateResult, GateCheck
from robustness.estimate import Estimate, wilson
from tests.reports.example import candidate

PLAIN, HARDENED = candidate("plain"), candidate("fgsm-trained")


def check(metric: str, **keys: Any) -> GateConfig:
    return GateConfig.model_validate({"metric": metric, "min": 0.5, **keys})


def decided(check: GateConfig, *candidates: CandidateResult) -> list[GateCheck]:
    return decide([check], audited(*(candidates or (PLAIN,)))).checks


def audited(*candidates: CandidateResult) -> Audited:
    return Audited(candidates, None, 0.9, 0)


CLEAN, ATTACKED = PLAIN.robustness.clean, PLAIN.robustness.attacks
FAIRNESS = PLAIN.fairness
assert FAIRNESS is not None
DOMAIN, UNDER = FAIRNESS.groups["domain"], FAIRNESS.under_attack[1].groups["domain"]
GROUPS = {"gender": ("man", "woman"), "gender & age": ("man & old", "woman & young")}
AT = {"attack": "fgsm", "epsilon": 0.03}
TWEETS = {"group": "domain", "value": "tweets"}


@pytest.mark.parametrize(
    ("asked", "observed", "name"),
    [
        (check("accuracy"), CLEAN.accuracy, "accuracy"),
        (check("macro_f1"), CLEAN.macro_f1, "macro_f1"),
        (check("roc_auc"), CLEAN.roc_auc, "roc_auc"),
        (
            check("expected_calibration_error"),
            CLEAN.expected_calibration_error,
            "expected_calibration_error",
        ),
        (check("worst_case_accuracy"), PLAIN.robustness.worst_case_accuracy, "worst_case_accuracy"),
        (
            check("accuracy_under_attack", **AT),
            ATTACKED[1].accuracy_under_attack,
            "accuracy_under_attack under fgsm at epsilon 0.03",
        ),
        (
            check("attack_success_rate", **AT),
            ATTACKED[1].attack_success_rate,
            "attack_success_rate under fgsm at epsilon 0.03",
        ),
        (
            check("accuracy_under_attack", **AT, **TWEETS),
            ATTACKED[1].by_group["domain"]["tweets"].accuracy_under_attack,
            "accuracy_under_attack of domain = tweets under fgsm at epsilon 0.03",
        ),
        (
            check("accuracy", **TWEETS),
            DOMAIN.by_group["tweets"].metrics["accuracy"],
            "accuracy of domain = tweets",
        ),
        *[
            (check(m, **TWEETS), DOMAIN.by_group["tweets"].metrics[m], f"{m} of domain = tweets")
            for m in ("selection_rate", "tpr", "fpr", "fnr", "f1")
        ],
        (
            check("tpr", **AT, **TWEETS),
            UNDER.by_group["tweets"].metrics["tpr"],
            "tpr of domain = tweets under fgsm at epsilon 0.03",
        ),
        *[(check(m, group="domain"), DOMAIN.disparities[m], f"{m} of domain") for m in DOMAIN.disparities],
        (
            check("equalized_odds_difference", **AT, group="domain"),
            UNDER.disparities["equalized_odds_difference"],
            "equalized_odds_difference of domain under fgsm at epsilon 0.03",
        ),
    ],
)
def test_every_metric_is_looked_up_where_it_was_measured(
    asked: GateConfig, observed: Estimate, name: str
) -> None:
    check_gate([asked])
    (found,) = decided(asked)
    assert found.observed is observed
    assert (found.name, found.metric, found.candidate) == (name, asked.metric, "plain")
    assert found.passed == (observed.value is not None and observed.value >= 0.5)


def test_every_metric_of_the_list_goes_with_its_keys() -> None:
    values = {"attack": "fgsm", "group": "domain", "value": "tweets", "behaviour": "typos"}
    for metric, allowed in METRICS.items():
        for keys in allowed:
            check_gate([check(metric, **{key: values[key] for key in keys})])


def test_a_check_without_candidate_and_epsilon_is_one_for_each() -> None:
    found = decided(check("accuracy_under_attack", attack="fgsm"), PLAIN, HARDENED)
    assert [(each.candidate, each.name.split()[-1]) for each in found] == [
        (name, epsilon) for name in ("plain", "fgsm-trained") for epsilon in ("0.01", "0.03", "0.1")
    ]


def test_two_runs_of_one_attack_with_the_same_budget_are_told_apart() -> None:
    quick, patient = (replace(ATTACKED[1], params={**ATTACKED[1].params, "steps": n}) for n in (10, 20))
    robustness = replace(PLAIN.robustness, attacks=[quick, patient, ATTACKED[2]])
    asked = [check("accuracy_under_attack", attack="fgsm"), check("tpr", attack="fgsm", **TWEETS)]
    (first, second, alone, *rest) = decide(asked, audited(replace(PLAIN, robustness=robustness))).checks
    assert "steps 10" in first.name
    assert first.name.replace("steps 10", "steps 20") == second.name
    assert alone.name == "accuracy_under_attack under fgsm at epsilon 0.1"
    assert len({each.name for each in rest}) == len(rest) == 3


def test_a_check_of_one_candidate_leaves_the_others_alone() -> None:
    found = decided(check("accuracy", candidate="fgsm-trained"), PLAIN, HARDENED)
    assert [each.candidate for each in found] == ["fgsm-trained"]


def test_a_check_of_a_candidate_that_is_not_there_is_refused_and_not_passed_over() -> None:
    with pytest.raises(AssayError, match=r'gate.0.candidate: .* "plian"\. Did you mean "plain"\?'):
        decided(check("accuracy", candidate="plian"), PLAIN, HARDENED)


def test_an_epsilon_that_differs_in_its_last_digit_is_the_same() -> None:
    (found,) = decided(check("accuracy_under_attack", attack="fgsm", epsilon=0.3 - 0.2))
    assert 0.3 - 0.2 != 0.1
    assert found.observed is ATTACKED[2].accuracy_under_attack


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (check("accuracy_under_attack", attack="fgsm", epsilon=0.5), "fgsm was not run"),
        (check("tpr", group="domain", value="poems"), 'no tpr of domain = "poems"'),
        (check("attack_success_rate", **AT, group="domain", value="poems"), 'of domain = "poems"'),
        (check("tpr", group="age", value="old"), 'no tpr of age = "old"'),
        (check("equal_opportunity_difference", group="mentions"), "1 of the 4 groups"),
        (check("tpr", group="mentions", value="both"), "no example of the group is labelled"),
    ],
)
def test_what_was_not_measured_fails_and_says_so(asked: GateConfig, words: str) -> None:
    (found,) = decided(asked)
    assert not found.passed
    assert found.observed is not None
    assert found.observed.value is None
    assert found.message.startswith("not measured: ")
    assert words in found.message


def test_without_groups_a_check_by_group_fails() -> None:
    (found,) = decided(check("accuracy_difference", group="domain"), replace(PLAIN, fairness=None))
    assert not found.passed


def test_a_metric_of_one_class_is_found_by_its_label() -> None:
    assert FAIRNESS is not None
    tpr = Estimate(0.7, 0.6, 0.8, 50)
    tweets = replace(DOMAIN.by_group["tweets"], metrics={"tpr[hate]": tpr})
    parity = Estimate(0.2, 0.1, 0.3, 99)
    assessment = GroupAssessment({"tweets": tweets}, {"demographic_parity_difference[hate]": parity})
    result = replace(PLAIN, fairness=replace(FAIRNESS, groups={"domain": assessment}))
    (of_group,) = decided(check("tpr[hate]", **TWEETS), result)
    (between,) = decided(check("demographic_parity_difference[hate]", group="domain"), result)
    assert (of_group.observed, between.observed) == (tpr, parity)


def test_the_gate_passes_when_every_check_does_and_when_there_is_none() -> None:
    good, bad = check("accuracy", min=0.0), check("accuracy", min=0.99)
    assert decide([], audited(PLAIN)).passed
    assert decide([good], audited(PLAIN)).passed
    assert not decide([good, bad], audited(PLAIN)).passed


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (check("acuracy"), ['gate.0.metric: there is no metric "acuracy"', 'mean "accuracy"?']),
        (check("acuracy"), ["Others like it: ", "`assay list metrics` shows all 46, with what each is."]),
        (check("ece"), ['mean "expected_calibration_error"?']),
        (check("AUC"), ['mean "roc_auc"?']),
        (check("Equalized Odds"), ['mean "equalized_odds_difference"?']),
        (check("zzz"), ['no metric "zzz". `assay list metrics` shows']),
        (check("tpr[x", **TWEETS), ['there is no metric "tpr[x"']),
        (check("accuracy_under_attack"), ["gate.0: accuracy_under_attack goes with attack", "got none"]),
        (check("accuracy", attack="fgsm"), ["accuracy goes alone, or with group and value", "got attack"]),
        (check("accuracy", group="domain"), ["with group and value", "got group."]),
        (check("worst_case_accuracy", attack="fgsm"), ["worst_case_accuracy goes alone;", "got attack"]),
        (check("macro_f1", group="domain"), ["macro_f1 goes alone;", "got group"]),
        (check("tpr"), ["tpr goes with group and value", "got none"]),
        (check("tpr", group="domain"), ["tpr goes with group and value", "got group."]),
        (check("accuracy_difference"), ["accuracy_difference goes with group", "got none"]),
        (check("equalized_odds_difference", **TWEETS), ["goes with group,", "got group and value"]),
        (check("accuracy_under_attack", **AT, group="domain"), ["got attack and group."]),
    ],
)
def test_a_check_that_cannot_be_decided_is_refused(asked: GateConfig, words: list[str]) -> None:
    with pytest.raises(AssayError) as caught:
        check_gate([asked])
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize(
    ("labels", "asked", "words"),
    [
        (2, check("tpr[positive]", group="gender", value="man"), ['expected "tpr"', "tpr[positive]"]),
        (2, check("accuracy[positive]"), ['expected "accuracy"']),
        (3, check("accuracy_difference[mixed]", group="gender"), ['expected "accuracy_difference"']),
        (3, check("tpr", group="gender", value="man"), ["3 labels", 'for example "tpr[mixed]"']),
        (3, check("tpr[mixt]", group="gender", value="man"), ['no label "mixt"', 'mean "mixed"?']),
        (2, check("tpr", group="gender", value="womn"), ['gender = "womn"', 'mean "woman"?', "man, woman"]),
    ],
)
def test_a_class_or_a_group_that_the_data_does_not_have_is_refused(
    labels: int, asked: GateConfig, words: list[str]
) -> None:
    names = ("negative", "positive", "mixed")[:labels]
    with pytest.raises(AssayError) as caught:
        check_gate_names([asked], names, GROUPS)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_other_names_lead_to_metrics_that_are_there() -> None:
    assert set(ALIASES.values()) <= set(METRICS)
    assert not set(ALIASES) & set(METRICS)


def test_a_message_about_a_metric_names_few_of_them() -> None:
    with pytest.raises(AssayError) as caught:
        check_gate([check("demografic_parity_diference")])
    named = [name for name in METRICS if re.search(rf"\b{name}\b", str(caught.value))]
    assert 1 <= len(named) <= MOST_NAMED, str(caught.value)
    assert 'Did you mean "demographic_parity_difference"?' in str(caught.value)


def test_a_candidate_that_the_audit_does_not_have_is_refused_where_they_are_given() -> None:
    asked = [check("accuracy", candidate="plian")]
    check_gate_names(asked, ("negative", "positive"), GROUPS)
    with pytest.raises(
        AssayError, match=r'^gate\.0\.candidate: .*"plian"\. Did you mean "plain"\? There are'
    ):
        check_gate_names(asked, ("negative", "positive"), GROUPS, ["plain", "hardened"])


def test_checks_of_what_the_data_has_are_accepted() -> None:
    by_value = {"group": "gender", "value": "man"}
    check_gate_names([check("accuracy"), check("tpr", **by_value)], ("negative", "positive"), GROUPS)
    names = [
        check("tpr[mixed]", **by_value),
        check("demographic_parity_ratio[mixed]", group="gender"),
        check("roc_auc"),
        check("roc_auc[mixed]", **by_value),
        check("bpsn_auc[mixed]", group="gender & age", value="man & old"),
    ]
    check_gate(names)
    check_gate_names(names, ("negative", "positive", "mixed"), GROUPS)


def with_bias(**areas: Estimate) -> CandidateResult:
    """PLAIN with bias metrics of "positive" for domain; all are 0.9 but for those given."""
    good = Estimate(0.9, 0.85, 0.95, 100)
    group = SubgroupAUC(100, False, good, areas.get("bpsn_auc", good), good, good, good)
    means = {name: areas.get(name, good) for name in BIAS_MEANS}
    bias = BiasAUC(power=-5, overall_auc=good, by_group={"tweets": group}, **means)
    assert FAIRNESS is not None
    domain = replace(DOMAIN, bias={"positive": bias})
    return replace(PLAIN, fairness=replace(FAIRNESS, groups={**FAIRNESS.groups, "domain": domain}))


def test_bias_aucs_are_checked_over_the_groups_and_for_one_of_them() -> None:
    low = Estimate(0.4, 0.3, 0.5, 100)
    over_all, of_one = check("bias_score", group="domain"), check("bpsn_auc", **TWEETS)
    check_gate([over_all, of_one])
    candidate = with_bias(bias_score=low, bpsn_auc=low)
    assert [decided(each, candidate)[0].observed for each in (over_all, of_one)] == [low, low]
    assert decided(check("bnsp_auc", **TWEETS), candidate)[0].passed
    (named,) = decided(check("bpsn_auc[positive]", **TWEETS), candidate)
    assert named.observed is low
    (missing,) = decided(over_all)
    assert not missing.passed
    assert "the audit has no bias_score of domain" in missing.message


def test_the_flip_rates_are_those_of_the_texts_and_of_the_templates() -> None:
    rates = {"flip_rate": wilson(1, 100), "template_flip_rate": wilson(30, 100)}
    checks = {name: GateConfig.model_validate({"metric": name, "max": 0.1}) for name in rates}
    check_gate([*checks.values()])
    nothing = Estimate.undefined("not asked")
    runs = [
        CounterfactualResult(
            name=kind,
            kind=kind,
            outcome=None,
            n=100,
            not_applicable=0,
            variants=200,
            flip_rate=rates[metric],
            mean_change=nothing,
            worst_change=nothing,
            largest_change=nothing,
            signed_change=nothing,
            by_axis={},
            by_groups={},
            by_term={},
        )
        for metric, kind in FLIP_RATES.items()
    ]
    for name, asked in checks.items():
        (found,) = decided(asked, replace(PLAIN, counterfactuals=runs))
        assert (found.observed, found.passed) == (rates[name], name == "flip_rate")
        (unmeasured,) = decided(asked)
        assert not unmeasured.passed
        with pytest.raises(AssayError, match=r"gate.0: .* add \[counterfactual\]"):
            check_gate([asked], swaps=False)


def test_metrics_that_are_no_shares_may_have_limits_above_one() -> None:
    check_gate([check("log_loss", **TWEETS, max=2.0), check("log_loss_difference", group="domain", max=1.5)])
    with pytest.raises(AssayError, match="between 0 and 1"):
        check_gate([check("precision", **TWEETS, max=2.0)])


def test_an_attack_without_a_budget_is_gated_on_its_minimal_norm() -> None:
    (norm,) = decided(check("minimal_norm", attack="fmn", min=0.01))
    assert norm.observed is not None
    assert (norm.observed.value, norm.passed) == (0.012, True)
    (accuracy,) = decided(check("accuracy_under_attack", attack="fmn"))
    assert not accuracy.passed
    assert accuracy.message == "not measured: fmn has no budget; check its minimal_norm instead"
    (bounded,) = decided(check("minimal_norm", attack="fgsm", epsilon=0.03, min=0.01))
    assert not bounded.passed
    assert "not measured" in bounded.message


def test_a_minimal_norm_may_be_above_one() -> None:
    check_gate([check("minimal_norm", attack="fmn", min=1.5)])
