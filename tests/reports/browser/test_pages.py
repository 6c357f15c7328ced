"""Every report on a phone and on a desk, in light and dark: quiet, whole, nothing wider than the screen."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reports.browser.chromium import needs_chromium, visit
from tests.reports.browser.examples import REPORTS

pytestmark = needs_chromium

SMALL_TEXTS = """smallest => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || parent.closest('script, style')) continue;
    let size = parseFloat(getComputedStyle(parent).fontSize);
    const svg = parent.ownerSVGElement;
    if (svg) size *= svg.getScreenCTM().a;
    const words = walker.currentNode.data.trim().slice(0, 40);
    if (size < smallest - 0.01) found.push(size.toFixed(1) + ' ' + words);
  }
  return found;
}"""
HIDDEN_TEXTS = """() => [...document.querySelectorAll('main :is(h2, p, td, th, dd, li, svg text)')]
  .filter(e => e.textContent.trim() && !e.getClientRects().length)
  .map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""
DEAD_LINKS = """() => [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))
  .filter(to => !to.startsWith('#') || !document.getElementById(decodeURIComponent(to.slice(1))))"""
CHARTS_ALONE = """() => [...document.querySelectorAll('svg:not([aria-hidden])')].filter(svg =>
  svg.getAttribute('role') !== 'img' || svg.getAttribute('aria-label').length < 20
  || !svg.closest('figure').querySelector('table td')).map(svg => svg.getAttribute('aria-label'))"""


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_quiet_whole_and_as_wide_as_the_screen(
    browser: Any, page_of: Callable[[str], str], name: str
) -> None:
    with visit(browser, page_of(name), width=375) as seen:
        assert seen.sideways() <= 0
        assert seen.page.evaluate(HIDDEN_TEXTS) == []
        assert seen.page.evaluate("document.links.length") > 3
        assert seen.page.evaluate(DEAD_LINKS) == []
        assert seen.page.evaluate(CHARTS_ALONE) == []
        seen.page.set_viewport_size({"width": 320, "height": 900})
        assert seen.sideways() <= 0
        seen.page.emulate_media(color_scheme="dark")
        seen.page.set_viewport_size({"width": 1440, "height": 900})
        assert seen.sideways() <= 0
        assert seen.page.evaluate(HIDDEN_TEXTS) == []
        assert seen.noises() == []


def test_the_checks_above_see_what_they_look_for(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><main><p hidden>gone</p><p style='font-size:9px'>tiny</p><a href='#nowhere'>x</a>"
        "<div style='width:2000px'>wide</div><figure><svg role=img aria-label=short></svg></figure></main>"
        "<script>console.error('loud'); undefined.x</script><img src='//evil.example/i.png'>"
    )
    with visit(browser, page.as_uri()) as seen:
        assert seen.sideways() > 500
        assert len(seen.page.evaluate(HIDDEN_TEXTS)) == 1
        assert len(seen.page.evaluate(SMALL_TEXTS, 12)) == 1
        assert seen.page.evaluate(DEAD_LINKS) == ["#nowhere"]
        assert seen.page.evaluate(CHARTS_ALONE) == ["short"]
        assert "loud" in seen.messages
        assert len(seen.errors) == 1
        assert len(seen.requests) == 1


def test_no_text_is_smaller_than_twelve_pixels_on_a_phone(
    browser: Any, page_of: Callable[[str], str]
) -> None:
    with visit(browser, page_of("everything"), width=375) as seen:
        seen.open_details()
        assert seen.page.evaluate(SMALL_TEXTS, 12) == []


def test_the_first_tab_leads_to_the_skip_link_and_what_has_the_focus_is_seen(
    browser: Any, page_of: Callable[[str], str]
) -> None:
    with visit(browser, page_of("everything")) as seen:
        seen.page.keyboard.press("Tab")
        skip = seen.page.locator("a.skip")
        assert seen.page.evaluate("document.activeElement.className") == "skip"
        box = skip.bounding_box()
        assert box["x"] >= 0
        assert box["y"] >= 0
        outlines = []
        for _ in range(40):
            seen.page.keyboard.press("Tab")
            outlines.append(
                seen.page.evaluate(
                    "(s => [document.activeElement.tagName, s.outlineStyle, s.outlineWidth])"
                    "(getComputedStyle(document.activeElement))"
                )
            )
        assert {"A", "SUMMARY", "DIV"} <= {tag for tag, *_ in outlines}
        assert [each for each in outlines if each[1] == "none" or each[2] == "0px"] == []


def test_the_skip_link_moves_the_focus_to_the_report(browser: Any, page_of: Callable[[str], str]) -> None:
    with visit(browser, page_of("everything")) as seen:
        seen.page.keyboard.press("Tab")
        seen.page.keyboard.press("Enter")
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.closest('main') !== null")


def test_without_javascript_the_same_words_are_there(browser: Any, page_of: Callable[[str], str]) -> None:
    words = []
    for runs in (True, False):
        with visit(browser, page_of("everything"), java_script_enabled=runs) as seen:
            assert seen.noises() == []
            words.append(seen.page.locator("main section > *:not(script)").all_inner_texts())
    with_script, without = words
    missing = set("\n".join(without).split()) - set("\n".join(with_script).split())
    assert missing == set()
    assert len("".join(without)) > 0.95 * len("".join(with_script))


def test_dark_is_dark(browser: Any, page_of: Callable[[str], str]) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        with visit(browser, page_of("bare"), color_scheme=scheme) as seen:
            colours[scheme] = seen.page.evaluate(
                "['backgroundColor', 'color'].map(k => getComputedStyle(document.body)[k]"
                ".match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0))"
            )
    (page, ink), (dark_page, dark_ink) = colours["light"], colours["dark"]
    assert page > 600 > 200 > ink
    assert dark_page < 200 < 600 < dark_ink
