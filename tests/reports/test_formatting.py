import pytest

from reports import formatting
from reports.naming import in_sentence, metric_name
from robustness.estimate import Estimate


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (0.8023, "percent", "80.2"),
        (0.0, "percent", "0.0"),
        (1.0, "percent", "100.0"),
        (0.9996, "percent", "99.9"),
        (0.99949, "percent", "99.9"),
        (1 - 1e-12, "percent", "99.9"),
        (0.0004, "percent", "0.1"),
        (1e-12, "percent", "0.1"),
        (0.0006, "percent", "0.1"),
        (0.123, "points", "12.3"),
        (-0.0001, "points", "−0.1"),
        (-0.0, "points", "0.0"),
        (0.99999, "number", "0.999"),
        (0.0001, "number", "0.001"),
        (1.0, "number", "1.000"),
        (1234.56, "count", "1,234.6"),
        (0.01, "count", "0.1"),
        # Halves, of which no binary fraction is exact: away from zero, so that both shares of a whole agree.
        (0.4825, "percent", "48.3"),
        (0.5175, "percent", "51.8"),
        (0.7225, "percent", "72.3"),
        (0.5775, "percent", "57.8"),
        (-0.0025, "points", "−0.3"),
        (0.6125, "number", "0.613"),
        (2.25, "count", "2.3"),
        (0.9995, "percent", "99.9"),
        (0.9985, "percent", "99.9"),
        (1e300, "count", f"{10**300:,}.0"),
        (float("inf"), "number", "inf"),
    ],
)
def test_numbers_are_rounded_and_never_reach_an_end_they_are_not_at(
    value: float, kind: formatting.Kind, shown: str
) -> None:
    assert formatting.bare(value, kind) == shown


def test_an_estimate_is_shown_with_its_interval_and_n() -> None:
    estimate = Estimate(0.802, 0.771, 0.83, 600)
    assert formatting.full(estimate) == "80.2 % (77.1 to 83.0)"
    assert formatting.full_with_n(estimate) == "80.2 % (77.1 to 83.0), n 600"
    assert formatting.full(estimate, "number") == "0.802 (0.771 to 0.830)"
    assert formatting.full(Estimate(0.123, 0.04, 0.191, 9), "points") == "12.3 points (4.0 to 19.1)"


def test_interval_ends_follow_the_rule_of_the_ends() -> None:
    assert formatting.full(Estimate(0.9996, 0.0002, 0.9999, 9)) == "99.9 % (0.1 to 99.9)"
    assert formatting.full(Estimate(1.0, 0.98, 1.0, 9)) == "100.0 % (98.0 to 100.0)"


def test_an_undefined_estimate_says_why() -> None:
    assert formatting.full(Estimate.undefined("no examples")) == "not measured: no examples"
    assert formatting.full_with_n(Estimate.undefined("no examples")) == "not measured: no examples"


def test_a_counted_number_has_no_interval() -> None:
    assert formatting.full(Estimate.exact(2.0, 50), "count") == "2.0"


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("accuracy", "percent"),
        ("accuracy_under_attack", "percent"),
        ("tpr[hate]", "percent"),
        ("equalized_odds_difference[hate]", "points"),
        ("demographic_parity_ratio", "number"),
        ("macro_f1", "number"),
        ("f1[a_difference]", "number"),
        ("roc_auc", "number"),
        ("expected_calibration_error", "number"),
        ("mean_queries", "count"),
    ],
)
def test_the_unit_follows_from_the_metric(metric: str, kind: formatting.Kind) -> None:
    assert formatting.kind_of(metric) == kind


def test_metrics_of_one_class_are_named_with_it() -> None:
    assert metric_name("equalized_odds_difference[hate_speech]") == "Equalized odds difference (hate_speech)"
    assert metric_name("tpr") == "True positive rate"
    assert metric_name("new_metric") == "New metric"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (125.0, "2 min 5 s"),
        (3599.7, "1 h 0 min"),
        (3790, "1 h 3 min"),
    ],
)
def test_durations_are_carried_over(seconds: float, shown: str) -> None:
    assert formatting.duration(seconds) == shown


def test_dangerous_characters_become_visible_and_others_stay() -> None:
    assert formatting.visible("a\u202eb\u2066\x07\ud800") == "a\\u202eb\\u2066\\u0007\\ud800"
    assert formatting.visible("\ufffe\ufdd0\U0001ffff") == "\\ufffe\\ufdd0\\u1ffff"
    assert formatting.visible("naïve עברית 中文 👩‍💻\n\t") == "naïve עברית 中文 👩‍💻\n\t"


def test_a_name_is_one_short_line_that_is_never_empty() -> None:
    assert formatting.name("a\n b") == "a b"
    assert formatting.name(" ") == "(empty)"
    assert formatting.name("x" * 10_000) == "x" * 79 + "…"
    assert formatting.name("x" * 80) == "x" * 80


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("roc_auc[hate]", "number"),
        ("roc_auc_difference", "number"),
        ("log_loss_difference", "number"),
        ("equalized_odds_difference[hate]", "points"),
        ("false_positive_equality_difference", "points"),
        ("positive_aeg", "number"),
        ("bias_score", "number"),
        ("balanced_accuracy", "percent"),
        ("precision[hate]", "percent"),
    ],
)
def test_every_metric_has_its_unit(metric: str, kind: formatting.Kind) -> None:
    assert formatting.kind_of(metric) == kind


@pytest.mark.parametrize(
    ("p", "shown"), [(0.0, "<\u00a00.001"), (0.0009, "<\u00a00.001"), (0.04962, "0.050"), (1.0, "1.000")]
)
def test_a_p_value_is_never_shown_as_zero(p: float, shown: str) -> None:
    assert formatting.p_value(p) == shown


@pytest.mark.parametrize(
    ("n", "shown"), [(7, "7"), (99, "99"), (101, "110"), (12_345, "13,000"), (12_000, "12,000")]
)
def test_a_forecast_is_rounded_up_to_two_digits(n: int, shown: str) -> None:
    assert formatting.two_digits(n) == shown


def test_a_metric_keeps_its_capitals_within_a_sentence() -> None:
    assert [
        in_sentence(each) for each in ("equalized_odds_difference", "roc_auc_difference", "f1", "tpr")
    ] == [
        "equalized odds difference",
        "ROC AUC difference",
        "F1",
        "true positive rate",
    ]


def test_no_line_ends_between_a_number_and_its_unit() -> None:
    told = "falls 3.1 points to 84.0 % (81 % to 86 %); 5 pointers, 1 point"
    assert formatting.unbroken(told) == (
        "falls 3.1\u00a0points to 84.0\u00a0% (81\u00a0% to 86\u00a0%); 5 pointers, 1\u00a0point"
    )


@pytest.mark.parametrize(("p", "shown"), [(0.012, "p = 0.012"), (1.0, "p = 1.000"), (1e-9, "p <\u00a00.001")])
def test_a_p_value_stands_in_a_sentence(p: float, shown: str) -> None:
    assert formatting.p_words(p) == shown


def test_an_interval_below_zero_has_a_true_minus() -> None:
    assert formatting.full(Estimate(-0.24, -0.3, 0.01, 9), "points") == "−24.0 points (−30.0 to 1.0)"
    assert formatting.bare(float("-inf")) == "−inf"


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("One. Two three.", 15, "One. Two three."),
        ("One two. Three four five.", 16, "One two. …"),
        ("One two, three four.", 16, "One two, three …"),
        ("One two, three four.", 15, "One two …"),
        ("One two three four", 15, "One two three …"),
        ("x" * 20, 10, "x" * 9 + "…"),
        ("a " + "x" * 20, 10, "a " + "x" * 7 + "…"),
    ],
)
def test_a_text_is_cut_after_a_sentence_or_a_word(text: str, limit: int, shown: str) -> None:
    assert formatting.abridged(text, limit) == shown
    assert len(shown) <= limit
