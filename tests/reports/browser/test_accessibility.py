"""axe-core finds nothing: every rule of WCAG 2.0 to 2.2, A to AA, and of good practice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reports.browser.chromium import needs_chromium, visit

pytestmark = needs_chromium

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

THINNED = """() => {
  const met = new Map();
  for (const each of document.querySelectorAll('tbody tr, main li, main dl > div, figure, main details')) {
    const parts = [each, ...each.querySelectorAll('*')];
    const kinds = parts.map(e => e.localName + '.' + (e.getAttribute('class') || ''));
    const kind = [each.parentElement.className, ...new Set(kinds)].sort().join(' ');
    met.set(kind, (met.get(kind) || 0) + 1);
    if (met.get(kind) > 2) each.remove();
  }
}"""
"""Takes out rows, list items and charts made as two others are: axe looks at colours for minutes."""


def violations(page: Any, *, left_out: str | None = None) -> list[str]:
    """``rule: selector`` of what axe objects to; left_out: a rule that is not asked."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    options: dict[str, Any] = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    if left_out is not None:
        options["rules"] = {left_out: {"enabled": False}}
    found = axe.run(page, options=options).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node['html'][:120]}" for each in found for node in each["nodes"]
    ][:20]


def test_axe_sees_what_is_wrong(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>x</title><img src=''><h4 style='color:#ddd'>faint</h4>")
    with visit(browser, page.as_uri()) as seen:
        rules = {each.partition(":")[0] for each in violations(seen.page)}
    assert {"image-alt", "html-has-lang", "color-contrast"} <= rules


def test_axe_finds_no_violation_on_a_whole_page(browser: Any, page_of: Callable[[str], str]) -> None:
    with visit(browser, page_of("everything"), width=375) as seen:
        seen.open_details()
        assert violations(seen.page, left_out="color-contrast") == []


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("everything", 1440, "light"),
        ("everything", 375, "dark"),
        ("summarised", 375, "light"),
        ("predictions", 1440, "dark"),
        ("bare", 375, "light"),
        ("hostile everything", 1440, "dark"),
        ("hostile inputs", 375, "light"),
    ],
)
def test_axe_finds_no_violation_in_either_scheme(
    browser: Any, page_of: Callable[[str], str], name: str, width: int, scheme: str
) -> None:
    with visit(browser, page_of(name), width=width, color_scheme=scheme) as seen:
        seen.open_details()
        seen.page.evaluate(THINNED)
        assert seen.page.evaluate("document.querySelectorAll('main *').length") > 100
        assert violations(seen.page) == []
