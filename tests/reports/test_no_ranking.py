"""Two candidates whose intervals overlap are never ranked in words."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from reports.html import render_html
from reports.markdown import render_markdown
from reports.model import AuditReport, CandidateResult, Finding
from reports.tradeoffs import OVERLAP, compared, intervals_overlap, trade_off
from robustness.estimate import Estimate
from tests.reports.black_box_example import black_box_report
from tests.reports.example import example_report, with_candidates
from tests.reports.fairness_example import fairness_report
from tests.reports.page import Element, parse

RANKS = re.compile(
    r"\b(best|worst candidate|better|worse|stronger|strongest|weaker|weakest|outperform\w*|superior|inferior|"
    r"beats?|wins?|more (robust|accurate|fair)|less (robust|accurate|fair)|fairer|fairest|safer|safest|"
    r"higher than|lower than|ahead of)\b",
    re.IGNORECASE,
)
"""Words that put one thing above another."""
AXES = re.compile(r"better →|← better")
"""Which way an axis of a chart goes: of no candidate."""


def alike(report: AuditReport) -> AuditReport:
    """The report with copies of its first candidate, each a little off, all intervals overlapping."""
    first = report.candidates[0]
    copies = [shifted(first, f"copy{i}", 0.004 * i) for i in range(3)]
    for one, other in pairwise(copies):
        assert intervals_overlap(one.robustness.clean.accuracy, other.robustness.clean.accuracy)
        assert one.robustness.clean.accuracy.value != other.robustness.clean.accuracy.value
    return with_candidates(replace(report, findings=[]), copies)


def shifted(candidate: CandidateResult, name: str, by: float) -> CandidateResult:
    def moved(of: Estimate) -> Estimate:
        if of.value is None or of.low is None or of.high is None:
            return of
        return replace(of, value=of.value - by, low=of.low - by, high=of.high - by)

    found = candidate.robustness
    attacks = [
        replace(each, accuracy_under_attack=moved(each.accuracy_under_attack)) for each in found.attacks
    ]
    robust = replace(
        found,
        clean=replace(found.clean, accuracy=moved(found.clean.accuracy)),
        attacks=attacks,
        worst_case_accuracy=moved(found.worst_case_accuracy),
    )
    return replace(candidate, name=name, robustness=robust)


REPORTS = {"attacks": example_report, "black box": black_box_report, "groups": fairness_report}


def sentences(page: Element) -> Iterator[str]:
    """What the page says: every paragraph, list item, cell and description by itself."""
    for element in page.all("p", "li", "td", "th", "dd", "caption", "h2", "h3", "h4", "svg"):
        yield " ".join((element.words() + " " + element.attributes.get("aria-label", "")).split())


@pytest.mark.parametrize("name", REPORTS)
def test_no_sentence_puts_one_of_overlapping_candidates_above_another(name: str) -> None:
    report = alike(REPORTS[name]())
    told = list(sentences(parse(render_html(report)))) + render_markdown(report).splitlines()
    names = [candidate.name for candidate in report.candidates]
    ranked = [
        text for text in told if any(each in text for each in names) and RANKS.search(AXES.sub("", text))
    ]
    assert ranked == []


def test_candidates_apart_are_ranked_so_that_the_search_can_find_something() -> None:
    report = fairness_report()
    found = trade_off(report)
    assert found is not None
    words = {
        compared(each.odds, found.reference.odds) for each in found.measures if each is not found.reference
    }
    assert words == {"lower", "higher"}
    assert RANKS.search("copy1 is more robust than copy0")


def test_of_overlapping_candidates_it_is_said_that_their_intervals_overlap() -> None:
    page = parse(render_html(alike(fairness_report())))
    (section,) = (each for each in page.all("section") if each.attributes["id"] == "trade-offs")
    table = next(t for t in section.all("table") if "against copy0" in t.all("caption")[0].words())
    for row in table.all("tbody")[0].all("tr")[1:]:
        cells = [" ".join(cell.words().split()) for cell in row.all("td")]
        assert all(OVERLAP in cell for cell in cells)
        # Off the front by its estimates, which are a little lower, and by nothing that is established.
        assert cells[-1] == f"no {OVERLAP}"


def told(finding_id: str, candidate: str, where: str, also: str = "") -> Finding:
    on = "on" if where == "clean text" else "under"
    message = f"1.7 points less accurate {on} {where} than copy0 (interval 1.0 to 2.5).{also}"
    return Finding(finding_id, "warning", candidate, "accuracy", where, None, 0, message)


ATTACK = "fgsm (L∞) at epsilon 0.03"


@pytest.mark.parametrize(
    ("finding", "accuracy", "attacked"),
    [
        (told("comparison.worse", "copy1", "clean text"), "lower", OVERLAP),
        (told("comparison.better", "copy1", "clean text"), "higher", OVERLAP),
        (told("comparison.worse", "copy1", ATTACK), OVERLAP, "lower"),
        (told("comparison.worse", "copy1", "fgsm at epsilon 0.03"), OVERLAP, "lower"),
        (
            told("comparison.worse", "copy1", "x", f" Also less accurate on clean text and under {ATTACK}."),
            "lower",
            "lower",
        ),
        (
            told("comparison.worse", "copy1", "x", " Also less accurate on or under: clean text, y."),
            "lower",
            OVERLAP,
        ),
        (
            told("comparison.worse", "copy1", "x", f" Also less accurate under {ATTACK}5 and y."),
            OVERLAP,
            OVERLAP,
        ),
        (told("comparison.worse", "copy2", "clean text"), OVERLAP, OVERLAP),
        (told("fairness.disparity", "copy1", "clean text"), OVERLAP, OVERLAP),
    ],
)
def test_the_trade_off_says_of_a_pair_what_the_findings_say(
    finding: Finding, accuracy: str, attacked: str
) -> None:
    report = replace(alike(fairness_report()), findings=[finding])
    found = trade_off(report)
    assert found is not None
    assert found.attack == ATTACK
    mine, first = found.measures[1], found.reference
    assert found.standing(mine, first, "accuracy") == accuracy
    assert found.standing(mine, first, "attacked") == attacked
    opposite = {"lower": "higher", "higher": "lower", OVERLAP: OVERLAP}
    assert found.standing(first, mine, "accuracy") == opposite[accuracy]


def test_the_table_of_the_trade_off_shows_what_the_pairs_established() -> None:
    report = replace(alike(fairness_report()), findings=[told("comparison.worse", "copy1", "clean text")])
    cells = {row.split()[1]: row for row in rows_of_trade_off(report)}
    assert "lower" in cells["copy1"]
    assert cells["copy1"].endswith("no")  # the first is established to be better: no overlap excuses it
    assert cells["copy2"].endswith(f"no {OVERLAP}")


def rows_of_trade_off(report: AuditReport) -> list[str]:
    page = parse(render_html(report))
    table = next(t for t in page.all("table") if "against copy0" in t.all("caption")[0].words())
    return [" ".join(row.words().split()) for row in table.all("tbody")[0].all("tr")]


def test_a_candidate_that_is_established_to_be_beaten_is_not_excused() -> None:
    found = trade_off(fairness_report())
    assert found is not None
    last = found.measures[-1]
    assert not last.front
    assert found.is_beaten(last)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ((0.1, 0.2), (0.2, 0.3), True),
        ((0.1, 0.2), (0.21, 0.3), False),
        ((0.21, 0.3), (0.1, 0.2), False),
        ((0.1, 0.4), (0.2, 0.3), True),
        ((None, None), (0.2, 0.3), True),
    ],
)
def test_intervals_overlap_where_they_share_a_value(
    one: tuple[float | None, float | None], other: tuple[float | None, float | None], overlap: bool
) -> None:
    first, second = (Estimate(0.2, low, high, 9) for low, high in (one, other))
    assert intervals_overlap(first, second) is overlap
    assert intervals_overlap(second, first) is overlap
