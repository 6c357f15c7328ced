"""A thousand hostile texts, as inputs and as names: nothing runs, nothing is asked for, nothing moves."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reports.browser.chromium import Visit, needs_chromium, visit
from tests.reports.browser.examples import HOSTILE
from tests.reports.browser.hostile_texts import hostile_texts

pytestmark = needs_chromium

SHAPE = """() => {
  const found = new Set();
  for (const element of document.querySelectorAll('*')) {
    found.add(element.localName);
    for (const attribute of element.attributes) found.add(element.localName + '[' + attribute.name + ']');
  }
  return [...found];
}"""
POINTERS = """() => [...document.querySelectorAll('*')].flatMap(e => [...e.attributes])
  .filter(a => /^on|^style$|^src/.test(a.name) || (a.name === 'href' && !a.value.startsWith('#'))
    || /url\\((?!#)|javascript:/i.test(a.value) && a.name !== 'aria-label' && a.name !== 'content')
  .map(a => a.name + '=' + a.value.slice(0, 60))"""


def without_policy(page: str) -> str:
    """The page as a browser reads it that knows no content security policy."""
    changed = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert changed != page
    return changed


def touch(seen: Visit) -> None:
    """What a reader does: unfolds all, moves the focus and the pointer about."""
    seen.open_details()
    for _ in range(12):
        seen.page.keyboard.press("Tab")
    for y in range(100, 800, 100):
        seen.page.mouse.move(700, y)
    seen.page.wait_for_timeout(100)


def owned(seen: Visit) -> bool:
    return bool(seen.page.evaluate("'owned' in window || document.title === 'owned' || 'owned' in {}"))


def test_a_page_that_does_not_escape_would_be_noticed(browser: Any, tmp_path: Path) -> None:
    found = 0
    for i, text in enumerate(hostile_texts()[20:26]):
        page = tmp_path / f"{i}.html"
        page.write_text(f"<!doctype html><title>quiet</title><body>{text}", encoding="utf-8")
        with visit(browser, page.as_uri()) as seen:
            touch(seen)
            found += owned(seen) or bool(seen.dialogs) or bool(seen.requests)
    assert found >= 2


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_runs_and_nothing_is_asked_for_even_without_the_policy(
    browser: Any, rendered: Callable[[str], str], name: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(without_policy(rendered(name)), encoding="utf-8")
    with visit(browser, page.as_uri()) as seen:
        touch(seen)
        assert not owned(seen)
        assert seen.noises() == []
        assert seen.page.url == page.as_uri()
        assert seen.page.evaluate("[history.length, frames.length]") == [2, 0]
        assert seen.page.evaluate(POINTERS) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_the_page_is_made_of_what_the_templates_put_there(
    browser: Any, page_of: Callable[[str], str], name: str
) -> None:
    with visit(browser, page_of("everything")) as seen:
        known = set(seen.page.evaluate(SHAPE))
        code = seen.page.locator("style, script").all_text_contents()
    with visit(browser, page_of(name)) as seen:
        assert set(seen.page.evaluate(SHAPE)) <= known
        assert seen.page.locator("style, script").all_text_contents() == code


def test_all_thousand_are_shown_as_the_text_that_they_are(
    browser: Any, page_of: Callable[[str], str]
) -> None:
    texts = hostile_texts()
    assert len(set(texts)) == 1000
    words = ""
    for name in ("hostile inputs", "hostile names"):
        with visit(browser, page_of(name)) as seen:
            words += seen.page.evaluate("document.body.textContent")
    shown = "".join(words.split())
    # Their first letters, of those in which the report writes nothing out but what JSON does (settings).
    plain = [text for text in texts if text.isascii() and "".join(text.split()).isprintable()]
    starts = {start(text): start(json.dumps(text)[1:-1]) for text in plain}
    assert len(starts) > 400
    assert [each for each, in_json in starts.items() if each not in shown and in_json not in shown] == []


def start(text: str) -> str:
    return "".join(text.split())[:30]
