"""What the report tells of robustness: curves and their numbers, changed texts, and the checks of both."""

from dataclasses import replace
from typing import Any

import pytest

from attacks.threat_model import ThreatModel
from reports.highlights import (
    attack_label,
    curve_of,
    families,
    family_key,
    label_of,
    strongest_attack,
)
from reports.html import render_html
from reports.markdown import render_markdown
from reports.model import AuditReport, CandidateResult
from reports.naming import threat_in_words
from robustness.estimate import Estimate, wilson
from robustness.results import AdversarialExample, RobustnessResult, ValidityCheck
from tests.reports.example import N
from tests.reports.page import Element, parse
from tests.reports.test_html import rows_of


def changed(report: AuditReport, **fields: Any) -> AuditReport:
    """The report with these fields of the first candidate's robustness, and no other candidate."""
    first = report.candidates[0]
    robust: RobustnessResult = replace(first.robustness, **fields)
    return replace(report, candidates=[replace(first, robustness=robust)])


def section(html: str, anchor: str) -> Element:
    (found,) = (each for each in parse(html).all("section") if each.attributes["id"] == anchor)
    return found


# Families and names.


def test_budgets_are_no_part_of_a_family() -> None:
    assert family_key("pgd", {"epsilon": 0.1, "steps": 3}) == family_key("pgd", {"steps": 3, "epsilon": 0.2})
    assert family_key("hotflip", {"max_tokens": 1}) == family_key("hotflip", {"max_tokens": 3})
    assert family_key("pgd", {"epsilon": 0.1, "target": "x"}) != family_key("pgd", {"epsilon": 0.1})


def test_attacks_are_named_with_their_budget_norm_and_target(report: AuditReport) -> None:
    labels = [attack_label(each, each.epsilons[-1] if each.epsilons else None) for each in families(report)]
    assert labels == [
        "fgsm (L∞) at epsilon 0.1",
        "fgm (L2) at epsilon 0.1",
        "pgd (L∞) at epsilon 0.1",
        "hotflip with at most 3 changed tokens",
        "fmn (L2 per token)",
        "noise (L2) towards positive at epsilon 0.1",
    ]
    flip = next(attack for attack in report.candidates[0].robustness.attacks if attack.name == "hotflip")
    assert label_of(report, flip) == "hotflip with at most 1 changed token"


@pytest.mark.parametrize(
    ("threat", "words"),
    [
        (
            ThreatModel("white-box", "embedding", "l2_per_token", 0.1),
            "White-box: sees the model's gradients; moves word embeddings within an L2 ball around each "
            "token",
        ),
        (
            ThreatModel("none", "embedding", "linf", 0.1),
            "Sees nothing: random noise; moves word embeddings within an L∞ ball",
        ),
        (
            ThreatModel("white-box", "embedding", "linf", None, "positive"),
            "White-box: sees the model's gradients; moves word embeddings as little as it takes, measured in "
            "L∞; wants the label positive",
        ),
        (ThreatModel("score", "token", None, 3.0), "Black-box: sees class scores; changes tokens"),
        (
            ThreatModel("label", "word", None, None),
            "Black-box: sees only the predicted label; changes words as far as its constraints let it",
        ),
    ],
)
def test_threat_models_are_put_in_words(threat: ThreatModel, words: str) -> None:
    assert threat_in_words(threat) == words


def test_an_attack_without_a_budget_is_not_called_the_strongest(report: AuditReport) -> None:
    first = report.candidates[0]
    attacks = [
        replace(each, accuracy_under_attack=wilson(0, N)) if each.name == "fmn" else each
        for each in first.robustness.attacks
    ]
    strongest = strongest_attack(replace(first, robustness=replace(first.robustness, attacks=attacks)))
    assert strongest is not None
    assert strongest.name != "fmn"


# Curves.


def test_every_curve_is_drawn_over_its_own_budget(html: str) -> None:
    charts = {
        figure.all("figcaption")[0].words(): figure.all("svg")[0]
        for figure in section(html, "robustness").all("figure")
    }
    assert list(charts) == ["fgsm (L∞)", "fgm (L2)", "pgd (L∞)", "hotflip", "fmn (L2 per token)"]
    flips = [text.text for text in charts["hotflip"].all("text")]
    assert "changed tokens" in flips
    # Whole tokens only.
    assert [text for text in flips if text.isdigit()] == ["0", "1", "2", "3"]
    assert "epsilon, relative to the embedding scale" in [t.text for t in charts["fgsm (L∞)"].all("text")]
    label = charts["hotflip"].attributes["aria-label"]
    # 0.2 of 550 are kept: 110 of 640.
    assert label.startswith("Accuracy under hotflip against changed tokens. plain: 85.9 % at 0, 17.2 % at 3;")


def test_the_numbers_of_a_curve_are_those_of_the_audit(report: AuditReport, html: str) -> None:
    rows = rows_of(html, "Accuracy under hotflip")
    assert list(rows) == ["0 (clean)", "1", "3"]
    assert rows["3"][0].startswith("17.2 %")
    assert len(rows_of(html, "Accuracy under fmn (L2 per token)")) == 21


def test_areas_and_median_norms_are_told_with_intervals_and_in_a_sentence(html: str) -> None:
    rows = rows_of(html, "The curves in numbers: the higher the figure, the less an attack achieves")
    assert rows["Area under the curve of fgsm (L∞), epsilon 0 to 0.1"] == [
        "40.0 % 37.0 to 43.0 · n 640",
        "61.0 % 58.0 to 64.0 · n 640",
    ]
    assert "Area under the curve of hotflip, 0 to 3 changed tokens" in rows
    assert rows["Median minimal norm of fmn (L2 per token)"] == [
        "0.012 0.0096 to 0.0156 · n 640",
        "0.041 0.0328 or more · n 640",
    ]
    words = section(html, "robustness").words()
    # Of no candidate in particular: the figures of each stand in the table.
    assert "the share of examples that a candidate gets right, averaged over all budgets from 0" in words
    assert "how far the attacker must go to turn half of the examples, in multiples of the embedding" in words


def test_a_median_that_is_undefined_says_why(report: AuditReport) -> None:
    reason = "the attack turned no more than half of the examples"
    attacks = [
        replace(each, minimal_norm=Estimate.undefined(reason, N)) if each.minimal_norm else each
        for each in report.candidates[0].robustness.attacks
    ]
    html = render_html(changed(report, attacks=attacks))
    rows = rows_of(html, "The curves in numbers: the higher the figure, the less an attack achieves")
    assert rows["Median minimal norm of fmn (L2 per token)"] == [f"not measured {reason}"]
    assert "how far the attacker must go" not in html


def test_attacks_at_one_budget_are_in_a_table(html: str) -> None:
    rows = rows_of(html, "Accuracy under attacks without a curve")
    assert list(rows) == ["noise (L2) towards positive at epsilon 0.1"]


def test_an_audit_without_curves_tells_every_attack_in_that_table(report: AuditReport) -> None:
    html = render_html(changed(report, curves=[]))
    rows = rows_of(html, "Accuracy under attacks without a curve")
    assert len(rows) == len(report.candidates[0].robustness.attacks)
    assert not section(html, "robustness").all("figure")


def test_a_candidate_without_a_curve_leaves_its_place_empty(report: AuditReport) -> None:
    first, second = report.candidates
    without = replace(second, robustness=replace(second.robustness, curves=[]))
    rows = rows_of(render_html(replace(report, candidates=[first, without])), "Accuracy under hotflip")
    assert rows["3"][1] == "not measured"
    assert curve_of(without, families(report)[0]) is None


# Changed texts.


def examples(html: str) -> list[Element]:
    return section(html, "texts").all("ol")[0].all("li")


def with_examples(report: AuditReport, *given: AdversarialExample) -> str:
    attacks = [
        replace(each, examples=list(given), successes=431) if each.examples else each
        for each in report.candidates[0].robustness.attacks
    ]
    return render_html(changed(report, attacks=attacks))


def test_changed_words_are_marked_as_taken_out_and_put_in(html: str) -> None:
    first = examples(html)[0]
    assert [each.words() for each in first.all("del")] == ["funny"]
    assert [each.words() for each in first.all("ins")] == ["tapping"]
    about, text = first.all("p")
    assert [each.words() for each in about.all("bdi")] == [
        "sentences.csv:2",
        "positive",
        "positive",
        "negative",
    ]
    assert text.attributes["dir"] == "auto"


def test_the_number_of_all_texts_is_told_beside_those_shown(report: AuditReport) -> None:
    one = AdversarialExample("id", "positive", "positive", "negative", ["a good film"], ["a bad film"])
    html = with_examples(report, one)
    summaries = [each.words() for each in section(html, "texts").all("summary")]
    assert summaries == [
        "plain, hotflip with at most 1 changed token: showing 1 of 431",
        "plain, hotflip with at most 3 changed tokens: showing 1 of 431",
    ]


def test_both_texts_of_a_pair_are_shown(report: AuditReport) -> None:
    pair = AdversarialExample(
        "id", "yes", "yes", "no", ["first one", "a second"], ["first one", "the second"]
    )
    _, one, other = examples(with_examples(report, pair))[0].all("p")
    assert one.words() == "first one"
    assert [each.words() for each in other.all("del", "ins")] == ["a", "the"]


def test_hostile_texts_stay_texts(report: AuditReport) -> None:
    script = "<script>document.title='owned'</script>"
    text = AdversarialExample(
        f"</li>{script}",
        script,
        f"</bdi>{script}",
        script,
        [f"good </del>{script} \u202eevil\u2066 {'y' * 5000}"],
        [f"bad </ins>{script} \u202eevil\u2066 {'y' * 5000}"],
    )
    html = with_examples(report, text)
    assert html.count("<script") == 1  # that of the page itself
    assert not any(char in html for char in "\u202e\u2066")
    assert "y" * 2000 not in html
    assert "\\u202eevil\\u2066" in examples(html)[0].words()


def test_without_changed_texts_there_is_no_section(report: AuditReport) -> None:
    attacks = [replace(each, examples=[]) for each in report.candidates[0].robustness.attacks]
    html = render_html(changed(report, attacks=attacks))
    assert "Texts that fooled the models" not in html


def test_the_summary_counts_the_texts_and_shows_none(report: AuditReport) -> None:
    text = render_markdown(report)
    # 550 are right of plain, 538 of the other; 0.4 + 0.8 and 0.15 + 0.45 of them are turned.
    assert "The attacks fooled a model with 983 changed texts; report.html shows 20." in text
    assert "tapping" not in text
    attacks = [replace(each, examples=[]) for each in report.candidates[0].robustness.attacks]
    assert "changed text" not in render_markdown(changed(report, attacks=attacks)).replace(
        "changed token", ""
    )


# Checks of the evaluation.


def test_checks_are_told_in_words_with_their_numbers(html: str) -> None:
    rows = {
        row.split(" number:")[0]: cells for row, cells in rows_of(html, "Checks of the evaluation").items()
    }
    assert rows["Gradients show the attack where to go"] == [
        "✓ holds here 0.0 % · 0.0 to 3.7 · limit 5.0 %",
        "✗ fails 37.0 % · 28.2 to 46.8 · limit 5.0 %",
    ]
    assert rows["Attacks borrowed from another candidate do no better"] == ["– not checked see below"] * 2
    assert rows["The attack is no stronger once confidence is calibrated"][1] == (
        "✗ fails 30.0 points · 20.0 to 40.0"
    )


def test_failed_and_undecided_checks_are_told_in_full_and_the_others_not(html: str) -> None:
    remarks = [each.words() for each in section(html, "validity").all("ul")[0].all("li")]
    assert [each.partition(" ")[2].split(":")[0] for each in remarks] == [
        "failed fgsm-trained The loss has no gradient for many examples",
        "failed fgsm-trained PGD is stronger on the calibrated model (temperature 38.2, fitted to 400 "
        "validation examples)",
        "checked plain Not checked",
        "checked fgsm-trained Not checked",
    ]
    words = section(html, "validity").words()
    assert "✗ Not all of them" in words
    assert "It holds." not in words
    assert "Checked on 100 correctly classified examples, with PGD within L∞ at epsilon 0.03." in words


def test_calibrated_figures_stand_beside_the_others(html: str) -> None:
    rows = rows_of(html, "The same attack")
    assert rows["Temperature"] == ["1.31 over-confident", "38.2 over-confident"]
    assert rows["Accuracy under attack as it is"][1].startswith("80.0 %")
    assert rows["Accuracy under attack, calibrated"][1].startswith("50.0 %")
    assert rows["Difference"][1] == "30.0 points 20.0 to 40.0"


def test_when_no_check_failed_it_promises_no_more_than_that(report: AuditReport) -> None:
    words = section(render_html(changed(report)), "validity").words()
    assert "✓ No check failed" in words
    assert "1 check could not be made." in words
    assert "Stronger attacks may still do worse." in words


def test_without_checks_a_sentence_says_so(report: AuditReport) -> None:
    found = section(render_html(changed(report, validity=None)), "validity")
    assert not found.all("table")
    assert "The evaluation itself was not checked" in found.words()


def test_without_attacks_nothing_is_said_of_checks(report: AuditReport) -> None:
    bare = [
        replace(each, robustness=replace(each.robustness, attacks=[], curves=[], validity=None))
        for each in report.candidates
    ]
    html = render_html(replace(report, candidates=bare))
    assert "validity" not in [each.attributes["id"] for each in parse(html).all("section")]
    assert "were not checked" not in html
    assert section(html, "robustness").words().endswith("No attack was run.")


def test_a_candidate_without_checks_is_marked(report: AuditReport) -> None:
    first, second = report.candidates
    unchecked: CandidateResult = replace(second, robustness=replace(second.robustness, validity=None))
    html = render_html(replace(report, candidates=[first, unchecked]))
    rows = rows_of(html, "Checks of the evaluation")
    assert {cells[1] for cells in rows.values()} == {"– not checked no example was classified correctly"}
    assert rows_of(html, "The same attack")["Temperature"][1] == "not measured"


def test_candidates_on_different_samples_are_told_apart(report: AuditReport) -> None:
    first, second = report.candidates
    assert second.robustness.validity is not None
    fewer = replace(second.robustness.validity, n=37)
    other = replace(second, robustness=replace(second.robustness, validity=fewer))
    words = section(render_html(replace(report, candidates=[first, other])), "validity").words()
    assert "Checked on correctly classified examples (plain 100, fgsm-trained 37), with PGD" in words


def test_a_check_that_the_report_does_not_know_is_shown_all_the_same(report: AuditReport) -> None:
    assert report.candidates[0].robustness.validity is not None
    check = ValidityCheck("a_new_check", False, Estimate(0.25, 0.2, 0.3, 9), 0.1, "It <b>failed</b>.")
    validity = replace(report.candidates[0].robustness.validity, checks=[check], calibration=None)
    html = render_html(changed(report, validity=validity))
    ((_, cells),) = rows_of(html, "Checks of the evaluation").items()
    assert cells == ["✗ fails 0.250 · 0.200 to 0.300 · limit 0.100"]
    assert "It <b>failed</b>." in section(html, "validity").words()
