"""The model card holds the audit's numbers in the hub's own form, and claims no more than they say."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import EvalResult, ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results
from markdown_it import MarkdownIt

from attacks.errors import AssayError
from reports.formatting import full_with_n
from reports.highlights import label_of
from reports.json_io import from_json
from reports.model import AuditReport
from reports.model_card import render_model_card
from robustness.estimate import Estimate
from tests.reports.example import example_report, no_attacks
from tests.reports.fairness_example import predictions_report
from tests.reports.hostile import hostile_report

REPORT = example_report()
CARD = render_model_card(REPORT, "plain")
LAST = Path(__file__).parent / "released" / "audit-1-last.json"


def results(card: str) -> list[EvalResult]:
    """The evaluation results as the hub's own library reads them."""
    read = ModelCard(card)
    index = read.data.to_dict()["model-index"]
    _, found = model_index_to_eval_results(index)
    assert len(found) == len(read.data.eval_results or [])
    return found


def one(found: list[EvalResult], title: str) -> EvalResult:
    (result,) = [each for each in found if each.metric_name == title]
    return result


def args_of(result: EvalResult) -> dict[str, Any]:
    args = result.metric_args
    assert isinstance(args, dict)
    return args


def test_the_metadata_read_back_as_evaluation_results() -> None:
    found = results(CARD)
    accuracy = one(found, "Accuracy")
    expected = REPORT.candidates[0].robustness.clean.accuracy
    assert (accuracy.task_type, accuracy.dataset_name) == ("text-classification", "vader sentences")
    assert (accuracy.metric_type, accuracy.metric_value) == ("accuracy", expected.value)
    assert args_of(accuracy) == {
        "n": 640,
        "low": expected.low,
        "high": expected.high,
        "confidence": 0.9,
    }
    assert accuracy.dataset_args == {"n": 640, "sha256": REPORT.provenance.data_sha256}
    f1 = one(found, "Macro F1")
    assert (f1.metric_type, args_of(f1)["average"]) == ("f1", "macro")
    assert one(found, "ROC AUC").metric_value == 0.93
    assert one(found, "Expected calibration error").metric_value == 0.041


def test_every_attack_that_can_be_compared_has_a_result_of_its_own() -> None:
    found = [each for each in results(CARD) if each.metric_type == "accuracy_under_attack"]
    attacks = [each for each in REPORT.candidates[0].robustness.attacks if each.comparable]
    assert [(each.metric_config, each.metric_value) for each in found] == [
        (label_of(REPORT, attack), attack.accuracy_under_attack.value) for attack in attacks
    ]
    assert args_of(found[1])["attack"] == "fgsm"
    assert args_of(found[1])["params"] == {"epsilon": 0.03, "special_tokens": False}
    # It has no budget, so that its accuracy is none.
    assert not [each for each in found if str(each.metric_config).startswith("fmn")]


def test_each_figure_of_an_attack_has_its_own_number_of_examples() -> None:
    attack = REPORT.candidates[0].robustness.attacks[1]
    accuracy, success = attack.accuracy_under_attack, attack.attack_success_rate
    assert accuracy.n != success.n
    cells = f"| {full_with_n(accuracy)} | {full_with_n(success)} |"
    assert cells in CARD.replace("\u200b", "")


def test_a_long_note_keeps_its_last_sentence_and_is_never_cut_within_a_word() -> None:
    words = " ".join(["lady"] * 300)
    note = f"A group has one of the words {words}. A word list is a crude sign of who is meant."
    noted = replace(REPORT, data=replace(REPORT.data, notes=[note]))
    assert f"- {note}\n" in render_model_card(noted, "plain")
    endless = replace(REPORT, data=replace(REPORT.data, notes=[f"{note} " * 5]))
    (line,) = [each for each in render_model_card(endless, "plain").splitlines() if "A group has" in each]
    assert line.endswith("who is meant. …")


def test_groups_and_disparities_have_results() -> None:
    report = predictions_report()
    found = results(render_model_card(report))
    fairness = report.candidates[0].fairness
    assert fairness is not None
    for grouping, assessment in fairness.groups.items():
        mine = [each for each in found if each.metric_config == grouping]
        measured = [value for value in assessment.disparities.values() if value.value is not None]
        worst = assessment.worst.get("accuracy")
        expected = [*([] if worst is None else [worst.estimate.value]), *(value.value for value in measured)]
        assert [each.metric_value for each in mine] == expected
    assert any(assessment.worst for assessment in fairness.groups.values())


def test_what_was_not_measured_has_no_result_and_stands_in_the_text_with_the_reason() -> None:
    clean = replace(
        REPORT.candidates[0].robustness.clean, roc_auc=Estimate.undefined("the model gives labels only")
    )
    candidate = replace(
        REPORT.candidates[0], robustness=replace(REPORT.candidates[0].robustness, clean=clean)
    )
    card = render_model_card(replace(REPORT, candidates=[candidate]))
    assert "ROC AUC" not in {each.metric_name for each in results(card)}
    assert "Not measured: ROC AUC, because the model gives labels only." in card


def test_the_text_has_intervals_counts_limits_and_how_it_was_made() -> None:
    text = CARD.split("\n---\n", 1)[1]
    assert "# plain\n\n## Robustness and fairness" in text
    assert "90 % confidence intervals" in text
    assert "| Accuracy | 85.9 % (83.0 to 88.4) | 640 |" in text
    assert (
        "| All bounded attacks that reached every example (worst case) |  | 1.3 % (0.6 to 2.4), n 640 |  |"
        in text
    )
    assert "- Sentences whose mean rating is below 0.5 either way were left out." in text
    assert "it cannot show that there are no others" in text
    assert "- Seed 7, on cpu" in text
    assert "transformers 4.57.6" in text
    assert "- Checks set for it: 0 of 2 hold" in text


def test_a_failed_validity_check_stands_among_the_limits() -> None:
    card = render_model_card(REPORT, "fgsm-trained")
    assert "A validity check of the attacks failed: The loss has no gradient for many examples" in card
    assert "A validity check" not in CARD


def test_without_attacks_and_groups_nothing_is_claimed_of_them() -> None:
    card = render_model_card(no_attacks(REPORT), "plain")
    assert "nothing is known of its accuracy under attack" in card
    assert "nothing is known of differences between them" in card
    kinds = {each.metric_type for each in results(card)}
    assert kinds == {"accuracy", "f1", "roc_auc", "expected_calibration_error"}


def test_nothing_measured_at_all_still_makes_a_card() -> None:
    nothing = Estimate.undefined("no examples")
    candidate = no_attacks(REPORT).candidates[0]
    clean = replace(
        candidate.robustness.clean,
        accuracy=nothing,
        macro_f1=nothing,
        roc_auc=nothing,
        expected_calibration_error=nothing,
    )
    candidate = replace(candidate, robustness=replace(candidate.robustness, clean=clean))
    read = ModelCard(render_model_card(replace(REPORT, candidates=[candidate])))
    assert not read.data.eval_results
    assert "Not measured: accuracy, because no examples." in read.text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"hub": "stanfordnlp/sst2", "split": "validation", "hub_config": "x", "revision": "main"},
            ("stanfordnlp/sst2", "validation", "x", "main"),
        ),
        ({"path": "/home/me/x.csv", "hub": None}, ("vader-sentences", None, None, None)),
        ({"hub": "no such name <b>"}, ("vader-sentences", None, None, None)),
        ("nonsense", ("vader-sentences", None, None, None)),
    ],
)
def test_the_data_set_is_named_as_the_hub_names_it(data: Any, expected: tuple[str | None, ...]) -> None:
    report = replace(REPORT, provenance=replace(REPORT.provenance, config={"data": data}))
    first = results(render_model_card(report, "plain"))[0]
    found = (first.dataset_type, first.dataset_split, first.dataset_config, first.dataset_revision)
    assert found == expected


def test_of_several_candidates_one_must_be_named() -> None:
    with pytest.raises(AssayError, match=r"has 2: plain, fgsm-trained\. Choose with --candidate NAME"):
        render_model_card(REPORT)
    with pytest.raises(AssayError, match=r'no candidate "plane".*"plain".*There are: plain, fgsm-trained'):
        render_model_card(REPORT, "plane")
    only = replace(REPORT, candidates=REPORT.candidates[:1])
    assert ModelCard(render_model_card(only)).data.model_name == "plain"


@pytest.mark.parametrize("position", [0, 1])
def test_hostile_names_stay_text(position: int) -> None:
    report: AuditReport = hostile_report()
    card = render_model_card(report, report.candidates[position].name)
    assert len(results(card)) == len(results(render_model_card(REPORT, REPORT.candidates[position].name)))
    text = ModelCard(card).text
    kinds = {token.type for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text)}
    inline = [
        child.type
        for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text)
        for child in token.children or []
    ]
    assert "html_block" not in kinds
    assert {"html_inline", "image", "link_open"}.isdisjoint(inline)
    assert "\u202e" not in card
    assert "\x07" not in card


def test_where_the_model_lay_is_not_published() -> None:
    model = replace(REPORT.candidates[0].model, source="/home/somebody/secret/model")
    report = replace(REPORT, candidates=[replace(REPORT.candidates[0], model=model)])
    assert "somebody" not in render_model_card(report)


def test_the_card_of_an_audit_of_an_earlier_version_shows_its_swaps() -> None:
    report = from_json(LAST.read_text(encoding="utf-8"), str(LAST))
    card = render_model_card(report)
    assert "### Swapped identities" in card
    assert "### Behaviour" in card
    written = json.loads(LAST.read_text(encoding="utf-8"))
    assert (
        one(results(card), "Accuracy").metric_value
        == (written["candidates"][0]["robustness"]["clean"]["accuracy"]["value"])
    )
