"""What the report tells of black-box attacks: near successes, budgets that ended early, shortened texts."""

from dataclasses import replace
from typing import Any

import pytest

from reports.highlights import (
    accuracy_under,
    families,
    label_of,
    reached,
    result_of,
    run_of,
    strongest_attack,
)
from reports.html import render_html
from reports.markdown import MAX_ROWS, render_markdown
from reports.model import AuditReport
from reports.sections.texts import FEWEST_TEXTS, MOST_TEXTS, quality_in_words, shown_of_each
from reports.successes import near_in_words
from robustness.estimate import Estimate, wilson
from robustness.quality.measured import Quality
from robustness.results import AttackResult
from tests.reports.black_box_example import REACHED
from tests.reports.example import N, no_attacks
from tests.reports.page import Element
from tests.reports.test_html import rows_of
from tests.reports.test_robustness_sections import section

SUCCESS = "Success of the attacks that change texts"
ALONE = "Accuracy under attacks without a curve"


def attack(report: AuditReport, name: str) -> AttackResult:
    return next(each for each in report.candidates[0].robustness.attacks if each.name == name)


def with_attacks(report: AuditReport, *attacks: AttackResult, **config: Any) -> AuditReport:
    """One candidate under these attacks alone, without curves, groups and behavioural tests."""
    small = no_attacks(report)
    first = small.candidates[0]
    robust = replace(first.robustness, attacks=list(attacks))
    source = replace(small.provenance, config={**small.provenance.config, **config})
    return replace(small, provenance=source, candidates=[replace(first, robustness=robust)])


def headings(found: Element, level: int) -> list[str]:
    return [each.words() for each in found.all(f"h{level}")]


# Success near the original.


def test_raw_and_near_success_stand_side_by_side_outside_details(black_box_html: str) -> None:
    rows = rows_of(black_box_html, SUCCESS)
    # 440 of 550 turned, 170 of them near; 323 of 538, and 167.
    assert rows["textattack:pwws plain"] == [
        "80.0 % 76.5 to 83.1 · n 550",
        "30.9 % 27.2 to 34.9 · some judged in part",
    ]
    assert rows["textattack:pwws fgsm-trained"][0].startswith("60.0 %")
    assert rows["homoglyphs with at most 3 changed characters plain"][1] == "0.0 % 0.0 to 0.7"
    found = section(black_box_html, "robustness")
    hidden = {id(each) for details in found.all("details") for each in details.all("table")}
    (table,) = (each for each in found.all("table") if each.all("caption")[0].words() == SUCCESS)
    assert id(table) not in hidden


def test_the_limits_are_told_with_their_figures(black_box: AuditReport, black_box_html: str) -> None:
    told = (
        "A text counts as near the original with a sentence similarity of 0.84 or more, at most 20 % of the "
        "words changed and at most 4 times the perplexity."
    )
    assert told in section(black_box_html, "robustness").words()
    assert told in render_markdown(black_box).replace("\\", "")


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"similarity": {"min_similarity": 0.9}}, "with a sentence similarity of 0.9 or more. The others"),
        (
            {"similarity": {"min_similarity": 0.9, "max_changed": 0.07, "max_perplexity_ratio": None}},
            "with a sentence similarity of 0.9 or more and at most 7 % of the words changed. The others",
        ),
        ({"similarity": None}, "The others may have lost the meaning"),
        ({}, "The others may have lost the meaning"),
    ],
)
def test_only_limits_that_were_set_are_told(report: AuditReport, limits: dict[str, Any], told: str) -> None:
    assert told in near_in_words(with_attacks(report, **limits))


def test_a_reader_is_warned_that_unseen_characters_fool_the_encoder_too(black_box: AuditReport) -> None:
    warning = "of such attacks the success with any text is the one to go by."
    assert near_in_words(with_attacks(black_box, attack(black_box, "homoglyphs"))).endswith(warning)
    assert warning not in near_in_words(with_attacks(black_box, attack(black_box, "textattack:pwws")))
    assert warning in render_markdown(black_box)


def test_what_could_not_be_judged_is_told(black_box_html: str) -> None:
    found = section(black_box_html, "robustness").words()
    assert "2 notes on how near could be judged" in found
    assert "textattack:pwws, plain: Of 12 of 440 texts only the beginning was compared" in found


def test_attacks_on_embeddings_have_no_near_success(html: str) -> None:
    assert SUCCESS not in html
    assert "counts as near the original" not in html


def test_success_where_nothing_could_be_attacked_is_not_measured(black_box: AuditReport) -> None:
    reason = "no example was attacked: all were misclassified already"
    none = replace(
        attack(black_box, "textattack:pwws"),
        attack_success_rate=Estimate.undefined(reason),
        filtered_success_rate=Estimate.undefined(reason),
        notes=[],
    )
    rows = rows_of(render_html(with_attacks(black_box, none)), SUCCESS)
    assert rows == {"textattack:pwws plain": [f"not measured {reason}"] * 2}


# Budgets that ended early.


def test_an_attack_that_ended_early_says_so_where_its_accuracy_is_shown(black_box_html: str) -> None:
    ended = f"{REACHED} of {N} examples, ended early"
    rows = rows_of(black_box_html, ALONE)
    # 5 of 120 are left.
    assert rows["textattack:textbugger"][0] == f"4.2 % 1.8 to 9.4 · {ended}"
    assert rows["textattack:pwws"][0] == "17.2 % 14.5 to 20.3 · n 640"
    assert rows_of(black_box_html, SUCCESS)["textattack:textbugger plain"][0].endswith(ended)
    assert (
        "a sample drawn at random; it stands in no comparison"
        in section(black_box_html, "robustness").words()
    )
    details = rows_of(black_box_html, "Attacks on plain")["textattack:textbugger"]
    assert details[2] == f"{REACHED} {N - REACHED} more not reached"


def test_an_attack_that_ended_early_is_in_no_comparison(black_box: AuditReport, black_box_html: str) -> None:
    first = black_box.candidates[0]
    family = next(each for each in families(black_box) if each.label == "textattack:textbugger")
    run = run_of(first, family, None)
    assert run is not None
    assert reached(run) == "120 of 640 examples"
    assert result_of(first, family, None) is None
    under = accuracy_under(first, family, None)
    assert under is not None
    assert (under.value, under.reason) == (None, "ended early, after 120 of 640 examples")
    caption = "The candidates side by side, with intervals of 90 % confidence"
    assert (
        rows_of(black_box_html, caption)["Accuracy under textattack:textbugger"]
        == ["not measured ended early, after 120 of 640 examples"] * 2
    )
    lowest = replace(run, accuracy_under_attack=wilson(0, REACHED))
    alone = with_attacks(black_box, lowest, attack(black_box, "textattack:pwws")).candidates[0]
    strongest = strongest_attack(alone)
    assert strongest is not None
    assert strongest.name == "textattack:pwws"


def test_of_a_curve_the_budget_that_ended_early_has_its_own_row(report: AuditReport) -> None:
    first = report.candidates[0]
    partial = [
        replace(each, n=50, unreached=N - 50) if each.threat_model.epsilon == 3.0 else each
        for each in first.robustness.attacks
    ]
    changed = replace(first, robustness=replace(first.robustness, attacks=partial))
    html = render_html(replace(report, candidates=[changed]))
    rows = rows_of(html, ALONE)
    assert list(rows) == [
        "hotflip with at most 3 changed tokens",
        "noise (L2) towards positive at epsilon 0.1",
    ]
    assert rows["hotflip with at most 3 changed tokens"][0].endswith("50 of 640 examples, ended early")


def test_complete_attacks_need_no_word_on_budgets(html: str) -> None:
    assert "ended early" not in html


# Texts made shorter.


def test_shortened_texts_are_told_apart_and_not_as_an_accuracy(
    black_box: AuditReport, black_box_html: str
) -> None:
    found = section(black_box_html, "robustness")
    assert "How much of the text the answer hangs on" in headings(found, 3)
    row = rows_of(black_box_html, "Texts made shorter while the answer stays")[
        "plain textattack:input-reduction"
    ]
    # 1, 2 and 4 words are left of 6, 8 and 4; 530 of 550 texts.
    assert row[:2] == ["96.4 % 94.5 to 97.6", "2 of 6 in 3 of 530 texts"]
    elsewhere = [
        each.all("caption")[0].words()
        for each in found.all("table")
        if any("input-reduction" in cell.words() for cell in each.all("th"))
    ]
    assert elsewhere == ["Texts made shorter while the answer stays"]
    assert "input-reduction" not in section(black_box_html, "verdict").words()
    assert "input-reduction" not in section(black_box_html, "texts").words()
    assert "input-reduction" not in section(black_box_html, "fairness").words()
    assert "input-reduction" not in render_markdown(black_box)


def test_an_audit_of_shortened_texts_alone_does_not_say_that_nothing_was_run(black_box: AuditReport) -> None:
    html = render_html(with_attacks(black_box, attack(black_box, "textattack:input-reduction")))
    found = section(html, "robustness")
    assert headings(found, 3) == ["How much of the text the answer hangs on"]
    assert "No attack was run" not in found.words()
    assert 'id="texts"' not in html


def test_shortening_that_found_nothing_or_ended_early_says_so(black_box: AuditReport) -> None:
    nothing = replace(
        attack(black_box, "textattack:input-reduction"),
        attack_success_rate=wilson(0, 100),
        successes=0,
        examples=[],
        n=110,
        unreached=N - 110,
    )
    html = render_html(with_attacks(black_box, nothing))
    (row,) = rows_of(html, "Texts made shorter while the answer stays").values()
    assert row[0] == "0.0 % 0.0 to 3.7 · 110 of 640 examples, ended early"
    assert row[1] == "not measured"


def test_shortening_keeps_its_label(black_box: AuditReport) -> None:
    assert (
        label_of(black_box, attack(black_box, "textattack:input-reduction")) == "textattack:input-reduction"
    )
    assert "textattack:input-reduction" not in [each.label for each in families(black_box)]


# Texts.


def texts_of(html: str, attack: str) -> list[Element]:
    (found,) = (
        each
        for each in section(html, "texts").all("details")
        if each.all("summary")[0].words().startswith(f"plain, {attack}")
    )
    return found.all("li")


def test_texts_carry_how_near_they_are(black_box_html: str) -> None:
    near, short = texts_of(black_box_html, "textattack:pwws")
    assert (
        near.all("p")[-1].words()
        == "similarity 0.913 · 2 of 5 words changed · perplexity 35 before, 80 after"
    )
    assert short.all("p")[-1].words() == "1 of 3 words changed · only the beginning was compared"


def test_what_cannot_be_seen_is_written_out(black_box_html: str) -> None:
    items = texts_of(black_box_html, "homoglyphs")
    inserted = [[each.words() for each in item.all("ins")] for item in items]
    assert inserted == [
        ["gre\u0430t [U+0430 Cyrillic]", "\u0440\u0430ypal [U+0440 Cyrillic, U+0430 Cyrillic]"],
        ["gr\\u200beat"],
        ["g\\u202d\\u2066\\u202e\\u2066e\\u2069\\u2066r\\u2069\\u202c\\u2069\\u202cat"],
        ["greax\\u0008t"],
    ]
    assert "A letter of another script" in section(black_box_html, "texts").words()


def test_attacks_on_words_need_no_word_on_characters(html: str) -> None:
    assert "A letter of another script" not in section(html, "texts").words()


def test_similarities_never_round_to_one_and_unknown_ones_are_left_out() -> None:
    assert quality_in_words(None) == ""
    assert quality_in_words(Quality(0.9999, 0, 1, None, None)) == "similarity 0.999 · 0 of 1 word changed"
    assert (
        quality_in_words(Quality(1.0, 1200, 3, 12.2, None)) == "similarity 1.000 · 1,200 of 3 words changed"
    )
    assert quality_in_words(Quality(-0.1, 1, 2, 1e6, 20.0)) == (
        "similarity −0.100 · 1 of 2 words changed · perplexity 20 before, 1,000,000 after"
    )


def test_many_attacks_share_the_texts_that_are_shown(black_box: AuditReport) -> None:
    pwws = attack(black_box, "textattack:pwws")
    many = [
        replace(pwws, name=f"attack {i}", examples=pwws.examples[:1] * 100, successes=400) for i in range(30)
    ]
    report = with_attacks(black_box, *many)
    assert shown_of_each(report) == MOST_TEXTS // 30
    html = render_html(report)
    assert f"plain, attack 7: showing {MOST_TEXTS // 30} of 400" in html
    assert len(section(html, "texts").all("li")) == MOST_TEXTS
    assert f"12,000 changed texts; report.html shows {MOST_TEXTS}." in render_markdown(report)
    assert f"The others, {30 - MAX_ROWS} of them" not in render_markdown(report)
    assert shown_of_each(with_attacks(black_box, *many * 10)) == FEWEST_TEXTS
    assert shown_of_each(with_attacks(black_box)) == MOST_TEXTS


def test_names_break_behind_their_colon_on_a_narrow_screen(black_box_html: str) -> None:
    assert '<th scope="row">textattack:<wbr>pwws' in black_box_html


# The summary.


def test_the_summary_has_raw_and_near_success(black_box: AuditReport) -> None:
    text = render_markdown(black_box)
    assert (
        "| textattack:pwws (plain) | 80.0 % (76.5 to 83.1 · n 550) | 30.9 % (27.2 to 34.9 · some judged"
        in text
    )
    assert "| Accuracy under textattack:textbugger | not measured (ended early, after 120 of 640" in text


def test_the_summary_cuts_a_long_table_with_a_count(black_box: AuditReport) -> None:
    pwws = attack(black_box, "textattack:pwws")
    many = [replace(pwws, name=f"attack {i}") for i in range(MAX_ROWS + 4)]
    text = render_markdown(with_attacks(black_box, *many))
    assert "The others, 4 of them, are in report.html." in text
    assert f"attack {MAX_ROWS - 1} (plain) |" in text
    assert f"attack {MAX_ROWS} (plain) |" not in text
