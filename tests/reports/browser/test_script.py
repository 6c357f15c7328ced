"""What the script of the page adds in a browser: sorting and filtering, under the page's own policy."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reports import html
from reports.html import render_html
from tests.reports.browser.chromium import needs_chromium, visit
from tests.reports.example import example_report, no_attacks, with_candidates

N = 14

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page with 14 candidates, whose numbers of parameters are no order of their names."""
    report = no_attacks(example_report())
    first = report.candidates[0]
    sizes = [900, 1_200, 30_000, None, *(5_000 + 7 * i for i in range(N - 4))]
    many = [
        replace(first, name=f"model {i}", model=replace(first.model, num_parameters=size))
        for i, size in enumerate(sizes)
    ]
    file: Path = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(render_html(with_candidates(report, many)), encoding="utf-8")
    with visit(browser, file.as_uri()) as seen:
        yield seen.page


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


CELLS = [
    "0.045",
    "<\u00a00.001",
    "not measured: too few",
    "1,200",
    "−0.4 points",
    "0.001",
    "80.2 %",
    "+3.1 %",
    "",
]


@pytest.mark.parametrize("more_missing", [0, 9])
def test_signs_units_and_bounds_sort_by_what_they_mean(browser: Any, more_missing: int) -> None:
    """Also where most of a column was not measured."""
    cells = [*CELLS, *["not measured"] * more_missing]
    rows = "".join(f"<tr><th>{i}</th><td>{cell}</td></tr>" for i, cell in enumerate(cells))
    script = (Path(html.__file__).parent / "templates" / "report.js").read_text(encoding="utf-8")
    head = "<thead><tr><th>Name</th><th>Value</th></tr></thead>"
    opened = browser.new_page()
    opened.set_content(
        f'<div class="scroll"><table>{head}<tbody>{rows}</tbody></table></div><script>{script}</script>'
    )
    button = opened.locator("thead button").nth(1)
    button.click()
    rising = opened.locator("tbody td").all_inner_texts()
    numbers = ["−0.4 points", "<\u00a00.001", "0.001", "0.045", "+3.1 %", "80.2 %", "1,200"]
    missing = ["not measured: too few", "", *["not measured"] * more_missing]
    assert rising == [*numbers, *missing]
    button.click()
    assert opened.locator("tbody td").all_inner_texts() == [*numbers[::-1], *missing]
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_wider_than_a_phone_has_a_shade_until_its_end_is_reached(
    page: Any, browser: Any, scheme: str
) -> None:
    opened = browser.new_page()
    opened.emulate_media(color_scheme=scheme)
    opened.set_viewport_size({"width": 375, "height": 800})
    opened.goto(page.url)
    opened.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    wide = next(
        each
        for each in opened.locator(".scroll").all()
        if each.evaluate("(it) => it.scrollWidth > it.clientWidth + 60")
    )

    def contrast() -> int:
        """How far the right edge beside the caption, where no text is, differs from the page around it."""
        picture = Image.open(BytesIO(wide.screenshot())).convert("L")
        return abs(picture.getpixel((picture.width - 2, 3)) - picture.getpixel((picture.width - 60, 3)))

    assert contrast() > 30
    wide.evaluate("(it) => it.scrollTo(it.scrollWidth, 0)")
    assert contrast() < 5
    opened.emulate_media(media="print")
    assert wide.evaluate("(it) => getComputedStyle(it).backgroundImage") == "none"
    opened.close()
