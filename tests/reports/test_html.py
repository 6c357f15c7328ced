import re
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from reports.html import render_html, source_hash
from reports.model import AuditReport, Finding, GateResult
from reports.sections import section_modules
from tests.reports.example import EPSILONS, no_attacks, with_verdict
from tests.reports.page import Element, parse

PAGE_TAGS = {
    "document",
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "a",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "time",
    "script",
}
LAYOUT_TAGS = {"header", "nav", "main", "section", "footer", "div", "span", "b", "strong", "ul", "li", "pre"}
DIFF_TAGS = {"ol", "bdi", "del", "ins"}
TABLE_TAGS = {
    "table",
    "caption",
    "wbr",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "dl",
    "dt",
    "dd",
    "details",
    "summary",
}
CHART_TAGS = {"figure", "figcaption", "svg", "g", "path", "line", "text"}
TAGS = PAGE_TAGS | LAYOUT_TAGS | DIFF_TAGS | TABLE_TAGS | CHART_TAGS


PAGES = ["example", "hostile", "black box", "hostile black box", "bare", "no candidates"]
PAGES += ["fairness", "predictions", "hostile predictions"]


@pytest.fixture(scope="module", params=PAGES)
def page(
    request: pytest.FixtureRequest,
    report: AuditReport,
    html: str,
    hostile_html: str,
    black_box_html: str,
    hostile_black_box_html: str,
    fairness_html: str,
    predictions_html: str,
    hostile_fairness_html: str,
) -> Element:
    made = {
        "example": lambda: html,
        "hostile": lambda: hostile_html,
        "black box": lambda: black_box_html,
        "hostile black box": lambda: hostile_black_box_html,
        "bare": lambda: render_html(no_attacks(report)),
        "fairness": lambda: fairness_html,
        "predictions": lambda: predictions_html,
        "hostile predictions": lambda: hostile_fairness_html,
        "no candidates": lambda: render_html(replace(no_attacks(report), candidates=[])),
    }
    return parse(made[request.param]())


def test_only_known_elements_and_no_handlers(page: Element) -> None:
    assert {element.tag for element in page.everything()} <= TAGS
    keys = {key for element in page.everything() for key in element.attributes}
    assert not [key for key in keys if key.startswith("on") or key in ("src", "style", "xlink:href")]


def test_nothing_is_loaded_and_the_policy_allows_this_style_and_this_script_only(page: Element) -> None:
    for element in page.everything():
        for key, value in element.attributes.items():
            assert key != "href" or value.startswith("#")
            assert "url(" not in value or "url(#" in value
    policy = next(m for m in page.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy")
    (style,), (script,) = page.all("style"), page.all("script")
    assert policy.attributes["content"] == (
        f"default-src 'none'; style-src {source_hash(style.text)}; script-src {source_hash(script.text)}; "
        "base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"@import|url\(|@font-face", style.text)
    assert not re.search(
        r"fetch|XMLHttp|innerHTML|insertAdjacentHTML|eval|import\b|cookie|storage", script.text
    )


def test_a_hash_is_that_of_the_policy_specification() -> None:
    # The example of Content Security Policy Level 3, section 8.2: sha256 of alert('Hello, world.');
    assert source_hash("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"


def test_ids_are_unique_and_links_lead_somewhere(page: Element) -> None:
    ids = Counter(e.attributes["id"] for e in page.everything() if "id" in e.attributes)
    assert [name for name, n in ids.items() if n > 1] == []
    targets = {e.attributes["href"][1:] for e in page.all("a")}
    targets |= {e.attributes["aria-labelledby"] for e in page.all("section")}
    assert targets <= set(ids)


def test_headings_are_in_order(page: Element) -> None:
    levels = [int(each.tag[1]) for each in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_landmarks_are_there_once(page: Element) -> None:
    assert {tag: len(page.all(tag)) for tag in ("header", "nav", "main", "footer")} == {
        "header": 1,
        "nav": 1,
        "main": 1,
        "footer": 1,
    }


def test_every_table_has_a_caption_scopes_and_full_rows(page: Element) -> None:
    for table in page.all("table"):
        (caption,) = table.all("caption")
        assert caption.words()
        heads = table.all("thead")[0].all("th")
        assert {head.attributes["scope"] for head in heads} == {"col"}
        for row in table.all("tbody")[0].all("tr"):
            assert [cell.tag for cell in row.children] == ["th"] + ["td"] * (len(heads) - 1)
            assert row.children[0].attributes["scope"] == "row"


def test_every_chart_is_named_and_has_its_numbers_below(page: Element) -> None:
    charts = [svg for svg in page.all("svg") if svg.attributes.get("class") == "chart"]
    figures = page.all("figure")
    assert len(charts) == len(figures)
    for figure in figures:
        (svg,) = figure.all("svg")
        assert svg.attributes["role"] == "img"
        assert len(svg.attributes["aria-label"]) > 20
        assert figure.all("details")[0].all("table")


def test_every_section_file_is_shown_in_order(black_box: AuditReport, black_box_html: str) -> None:
    sections = parse(black_box_html).all("section")
    made = [module.section(black_box) for module in section_modules()]
    expected = [section.anchor for section in made if section is not None]
    assert [section.attributes["id"] for section in sections] == expected
    assert expected[0] == "verdict"
    orders = [module.ORDER for module in section_modules()]
    assert orders == sorted(set(orders))


def test_rendering_is_deterministic_small_and_quick(report: AuditReport, html: str) -> None:
    start = time.process_time()
    assert render_html(report) == html
    assert len(html.encode()) < 1_000_000
    # Generous: the point is to notice a report that takes minutes, not to time this machine.
    assert time.process_time() - start < 30


def verdict_section(report: AuditReport) -> Element:
    """Of a page without charts, which take long and are no part of it."""
    bare = {each.name: each for each in no_attacks(report).candidates}
    report = replace(report, candidates=[bare[each.name] for each in report.candidates])
    (found,) = (s for s in parse(render_html(report)).all("section") if s.attributes["id"] == "verdict")
    return found


@pytest.mark.parametrize(
    ("passed", "keep", "state", "sentence"),
    [
        (False, 3, "Do not ship", "2 of 3 checks of the gate do not hold."),
        (False, 1, "Do not ship", "1 of 1 check of the gate does not hold."),
        (True, 0, "Ship with care", "No check was set"),
    ],
)
def test_the_verdict_stands_first(
    report: AuditReport, passed: bool, keep: int, state: str, sentence: str
) -> None:
    changed = with_verdict(replace(report, gate=GateResult(passed, report.gate.checks[:keep])))
    first = verdict_section(changed).children[1]
    assert first.words().startswith(f"{state} {sentence}")
    assert (
        parse(render_html(changed)).all("title")[0].text
        == f"Audit of plain and fgsm-trained: {state.lower()}"
    )


def test_the_title_names_what_was_audited_and_the_verdict(report: AuditReport) -> None:
    (title,) = parse(render_html(no_attacks(report))).all("title")
    assert title.text == "Audit of plain and fgsm-trained: ship with care"


def test_a_passed_gate_without_findings_says_ship(report: AuditReport) -> None:
    one = with_verdict(replace(no_attacks(report), gate=GateResult(True, [report.gate.checks[1]])))
    words = verdict_section(one).words()
    assert words.startswith("Verdict Ship The one check of the gate holds.")
    assert "No finding crossed" in words


def test_the_three_verdicts_differ_in_shape_and_not_in_colour_alone(report: AuditReport) -> None:
    outlines = set()
    for state in ("ship", "ship with care", "do not ship"):
        page = verdict_section(replace(report, verdict=replace(report.verdict, state=state)))
        (sign, _) = page.all("svg")[0].all("path")
        outlines.add(sign.attributes["d"])
    assert len(outlines) == 3


def test_each_finding_behind_the_verdict_links_to_the_section_that_shows_it(report: AuditReport) -> None:
    items = next(e for e in verdict_section(report).all("ol")).all("li")
    linked = [(item.children[0].words(), item.all("a")[0].attributes["href"]) for item in items]
    assert linked == [
        ("failed check", "#gate"),
        ("failed check", "#gate"),
        ("critical", "#robustness"),
        ("warning", "#fairness"),
    ]


def test_a_finding_whose_section_the_page_has_not_is_no_link(report: AuditReport) -> None:
    lone = replace(no_attacks(report), findings=[f for f in report.findings if f.id == "robustness.drop"])
    lone = with_verdict(replace(lone, findings=[replace(lone.findings[0], id="behaviour.failure")]))
    (item,) = next(e for e in verdict_section(lone).all("ol")).all("li")
    assert item.all("a") == []


def test_the_other_findings_are_folded_away_by_kind(report: AuditReport) -> None:
    disparity = report.findings[1]
    many = [
        replace(disparity, candidate=name, subject=f"column {i}")
        for i in range(20)
        for name in ("plain", "fgsm-trained")
    ]
    page = verdict_section(with_verdict(replace(report, findings=[*many, *report.findings])))
    (folded,) = (e for e in page.children if e.tag == "details")
    # 43 findings; two disparities and the drop are behind the verdict, beside two failed checks.
    assert folded.children[0].words() == "40 other findings, by kind"
    kinds = [each.children[0].words() for each in folded.children[1:]]
    assert kinds == ["Groups that differ, established (39, 2 candidates)", "Fairness: small group (1)"]


def test_many_candidates_are_rows_that_can_be_sorted(report: AuditReport) -> None:
    many = [replace(report.candidates[i % 2], name=f"model {i}") for i in range(14)]
    html = render_html(with_verdict(replace(report, candidates=many)))
    found = rows_of(html, "The candidates side by side, with intervals of 90 % confidence, part 1 of 2")
    assert list(found) == [f"model {i}" for i in range(14)]
    assert found["model 0"][1].startswith("85.9 %")
    assert "Audit of 14 candidates" in html


def test_the_time_is_written_for_people_and_for_machines(report: AuditReport) -> None:
    (time_of,) = parse(render_html(report)).all("time")
    assert time_of.attributes["datetime"] == "2026-02-03T10:15:00Z"
    assert time_of.text == "3 February 2026, 10:15 UTC"
    odd = replace(report, provenance=replace(report.provenance, started="some day <b>"))
    assert "some day &lt;b&gt;" in render_html(odd)
    assert parse(render_html(odd)).all("time") == []


def rows_of(html: str, caption: str) -> dict[str, list[str]]:
    (table,) = (t for t in parse(html).all("table") if t.all("caption")[0].words() == caption)
    return {
        " ".join(row.children[0].words().split()): [
            " ".join(cell.words().split()) for cell in row.children[1:]
        ]
        for row in table.all("tbody")[0].all("tr")
    }


def test_the_numbers_of_the_audit_are_in_the_tables(html: str) -> None:
    curve = rows_of(html, "Accuracy under fgsm (L∞)")
    assert list(curve) == ["0 (clean)", *(f"{epsilon:g}" for epsilon in EPSILONS)]
    # 0.86 of 640 is 550 right; 0.3 of them, 165, are kept at 0.03: 25.8 %.
    assert curve["0 (clean)"][0].startswith("85.9 %")
    assert curve["0.03"][0].startswith("25.8 %")
    checks = rows_of(html, "The checks of the gate")
    assert checks["demographic parity by mentions"] == [
        "✗ failed",
        "plain",
        "at most 10.0 points",
        "not measured only one group is large enough",
    ]


def test_small_groups_are_shown_and_marked(html: str) -> None:
    by_group = rows_of(html, "Metrics by mentions, plain")
    assert by_group["both too few to judge (n < 30)"][0] == "12"
    assert "women" in by_group
    assert "too few to judge (n &lt; 30), in no disparity: both (n 12)." in html


def test_disparities_are_shown_clean_and_under_each_attack(html: str) -> None:
    rows = rows_of(html, "Disparities under attack by domain, plain")
    assert next(iter(rows)) == "clean"
    assert len(rows) == 1 + 13
    assert rows["pgd (L∞) at epsilon 0.1"][3] == "16.0 points 7.0 to 25.0"


def test_a_collapsed_training_is_called_out(report: AuditReport) -> None:
    first = report.candidates[0]
    assert first.training is not None
    collapsed = replace(first, training=replace(first.training, collapsed=True))
    changed = replace(no_attacks(report), candidates=[collapsed])
    assert "Training of plain collapsed" in render_html(changed)


def test_no_promise_is_made(html: str) -> None:
    words = parse(html).all("body")[0].words().lower()
    assert "debias" not in words
    assert "unbiased" not in words


def test_hostile_text_is_text(hostile_html: str) -> None:
    page = parse(hostile_html)
    assert "1337" not in hostile_html
    assert len(page.all("script")) == hostile_html.count("<script") == 1
    assert not any(char in hostile_html for char in "\u202e\u2066\x07\x00")
    assert "safe\\u202etxet desrever\\u2066" in page.words()
    charts = [svg for svg in page.all("svg") if svg.attributes.get("class") == "chart"]
    assert any("<img src=x onerror" in text.text for svg in charts for text in svg.all("text"))


def test_long_names_are_cut(hostile_html: str) -> None:
    assert "x" * 100 not in hostile_html.replace("xX", "")
    assert len(hostile_html.encode()) < 1_000_000


def test_a_passed_gate_does_not_hide_a_critical_finding(report: AuditReport) -> None:
    grave = Finding("training.collapse", "critical", "plain", "n", "training", None, None, "It collapsed.")
    passed = GateResult(True, [replace(check, passed=True) for check in report.gate.checks])
    words = verdict_section(with_verdict(replace(report, gate=passed, findings=[grave]))).words()
    assert "Ship with care All 3 checks of the gate hold, but with 1 critical finding." in words


def test_a_rate_of_a_class_that_was_never_predicted_is_undefined_not_zero(report: AuditReport) -> None:
    first = report.candidates[0]
    entries = {"negative": {"precision": None, "recall": 0.0, "f1-score": 0.0, "support": 9.0}}
    clean = replace(first.robustness.clean, classification_report=entries)
    changed = replace(first, robustness=replace(first.robustness, clean=clean))
    rows = rows_of(
        render_html(replace(report, candidates=[changed])), f"Classification report of {first.name}"
    )
    assert rows["negative"][0] == "undefined"


def test_the_confidence_of_the_audit_is_told(report: AuditReport) -> None:
    changed = replace(report, provenance=replace(report.provenance, confidence=0.99))
    assert "with intervals of 99 % confidence" in render_html(changed)
    assert "with intervals of 90 % confidence" in render_html(report)
