"""Two candidates whose intervals overlap are never ranked in words."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from reports.html import render_html
from reports.markdown import render_markdown
from reports.model import AuditReport, CandidateResult
from reports.tradeoffs import NOT_ESTABLISHED, compared, intervals_overlap, trade_off
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
    ranked = [text for text in told if any(each in text for each in names) and RANKS.search(text)]
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


def test_overlapping_candidates_are_told_that_no_difference_is_established() -> None:
    page = parse(render_html(alike(fairness_report())))
    (section,) = (each for each in page.all("section") if each.attributes["id"] == "trade-offs")
    table = next(t for t in section.all("table") if "against copy0" in t.all("caption")[0].words())
    for row in table.all("tbody")[0].all("tr")[1:]:
        cells = [" ".join(cell.words().split()) for cell in row.all("td")]
        assert all(NOT_ESTABLISHED in cell for cell in cells)
        # Off the front by its estimates, which are a little lower, and by nothing that is established.
        assert cells[-1] == f"no {NOT_ESTABLISHED}"


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
