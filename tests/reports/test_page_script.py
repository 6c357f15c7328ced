"""What the script of the page adds in a browser: sorting and filtering, under the page's own policy."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.html import render_html
from tests.reports.example import example_report, no_attacks, with_candidates

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
N = 14

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page with 14 candidates, whose numbers of parameters are no order of their names."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    report = no_attacks(example_report())
    first = report.candidates[0]
    sizes = [900, 1_200, 30_000, None, *(5_000 + 7 * i for i in range(N - 4))]
    many = [
        replace(first, name=f"model {i}", model=replace(first.model, num_parameters=size))
        for i, size in enumerate(sizes)
    ]
    file: Path = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(render_html(with_candidates(report, many)), encoding="utf-8")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.goto(file.as_uri())
        yield opened
        browser.close()


def costs(page: Any) -> Any:
    return page.locator("table", has_text="What each candidate costs")


def column(page: Any) -> list[str]:
    return [text.split("\n")[0] for text in costs(page).locator("tbody td:nth-child(2)").all_inner_texts()]


def test_a_column_sorts_by_number_with_the_keyboard_and_back(page: Any) -> None:
    head = costs(page).locator("thead th").nth(1)
    before = column(page)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    rising = column(page)
    assert rising[:3] == ["900", "1,200", "5,000"]
    assert rising[-2:] == ["30,000", "not known"]
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    falling = column(page)
    # What is not known stays last, whichever way.
    assert (falling[0], falling[-1]) == ("30,000", "not known")
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert column(page) == before


def test_names_sort_as_people_count(page: Any) -> None:
    head = costs(page).locator("thead th").nth(0)
    head.locator("button").click()
    names = costs(page).locator("tbody th").all_inner_texts()
    assert names == [f"model {i}" for i in range(N)]
    head.locator("button").click()
    assert costs(page).locator("tbody th").first.inner_text() == f"model {N - 1}"
    head.locator("button").click()


def test_a_long_table_is_filtered_and_says_how_many_are_left(page: Any) -> None:
    line = page.locator("#trade-offs .filter").first
    line.locator("input").fill("model 1")
    # model 1, and model 10 to 13.
    assert line.locator("[role=status]").inner_text() == f"5 of {N} shown"
    assert costs(page).locator("tbody tr:visible").count() == 5
    line.locator("input").fill("")
    assert costs(page).locator("tbody tr:visible").count() == N


def test_printing_opens_what_is_folded_away_and_closes_it_again(page: Any) -> None:
    closed = page.locator("details:not([open])").count()
    assert closed > 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == closed
