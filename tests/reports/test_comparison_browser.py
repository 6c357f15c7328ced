"""The page of a comparison in Chromium: nothing runs, nothing is asked for, and every screen can read it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.comparison.html import render_html
from tests.reports.comparison_example import comparison, difference, example_comparison, measure
from tests.reports.hostile import CLOSER, IMAGE, SCRIPT, WORD, hostile_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


def pages() -> dict[str, str]:
    """Two runs, five, and two in which every name is an attack on the reader."""
    changes = [difference(520, 500, 0.2, established=False)] * 4
    made = example_comparison()
    evil = [SCRIPT, IMAGE, CLOSER, WORD]
    runs = [
        replace(run, name=f"{CLOSER}{i}", path=WORD, report=hostile_report(run.report))
        for i, run in enumerate(made.runs)
    ]
    named = [replace(made.candidates[0], names=[IMAGE, SCRIPT])]
    hostile = replace(made, runs=runs, candidates=named, notes=evil, alone={f"{CLOSER}1": evil})
    five = comparison([measure("Accuracy", [500, *[520] * 4], changes)], runs=5)
    return {"two": render_html(made), "five": render_html(five), "hostile": render_html(hostile)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("pages")
    for name, page in pages().items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in ("two", "five", "hostile")}


@pytest.mark.parametrize("name", ["two", "five", "hostile"])
def test_nothing_runs_nothing_is_asked_for_and_no_screen_scrolls_sideways(
    name: str, browser: Any, addresses: dict[str, str]
) -> None:
    with browser.new_page() as page:
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(addresses[name])
        assert page.title().startswith("Comparison of ")
        assert (
            page.evaluate("getComputedStyle(document.body).marginTop") == "0px"
        )  # the policy lets the style in
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        for width in (320, 375, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert said == []
        assert asked == [addresses[name]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(scheme: str, browser: Any, addresses: dict[str, str]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for name in ("two", "five", "hostile"):
        with browser.new_page(color_scheme=scheme) as page:
            page.goto(addresses[name])
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            found = axe.run(page).response
            assert [each["id"] for each in found["violations"]] == []
            assert len(found["passes"]) > 10
