"""The page of a comparison in Chromium: nothing runs, nothing is asked for, and every screen can read it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.comparison.html import render_html
from tests.reports.browser.chromium import needs_chromium, visit
from tests.reports.comparison_example import (
    comparison,
    difference,
    example_comparison,
    measure,
    without_common_candidates,
)
from tests.reports.hostile import CLOSER, IMAGE, SCRIPT, WORD, hostile_report

pytestmark = needs_chromium

NAMES = ("two", "five", "hostile", "apart")


def pages() -> dict[str, str]:
    """Two runs, five, two in which every name is an attack on the reader, and two with nothing in common."""
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
    apart = without_common_candidates()
    return {name: render_html(each) for name, each in zip(NAMES, (made, five, hostile, apart), strict=True)}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("pages")
    for name, page in pages().items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs_nothing_is_asked_for_and_no_screen_scrolls_sideways(
    name: str, browser: Any, addresses: dict[str, str]
) -> None:
    with visit(browser, addresses[name]) as seen:
        assert seen.page.title().startswith("Comparison of ")
        # The policy lets the style in.
        assert seen.page.evaluate("getComputedStyle(document.body).marginTop") == "0px"
        for width in (320, 375, 1440):
            seen.page.set_viewport_size({"width": width, "height": 800})
            assert seen.sideways() <= 0
        assert seen.noises() == []


def test_a_phone_shows_each_change_and_its_standing_before_anything_is_scrolled(
    browser: Any, addresses: dict[str, str]
) -> None:
    edges = """[...document.querySelectorAll("#metrics .scroll:not(details *)")].map(box => {
        const cell = box.querySelector("tbody tr").children[2];
        return [cell.innerText, cell.getBoundingClientRect().right, box.getBoundingClientRect().right];
    })"""
    with visit(browser, addresses["two"], width=375) as seen:
        found = seen.page.evaluate(edges)
        assert [text.split("\n")[0] for text, *_ in found] == ["lower: worse", "not tested"]
        assert all(cell <= box for _, cell, box in found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(scheme: str, browser: Any, addresses: dict[str, str]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for name in NAMES:
        with visit(browser, addresses[name], color_scheme=scheme) as seen:
            seen.open_details()
            found = axe.run(seen.page).response
            assert [each["id"] for each in found["violations"]] == []
            assert len(found["passes"]) > 10
