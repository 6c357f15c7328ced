"""Chromium, and what a page did while it was looked at."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@dataclass
class Visit:
    """A page that is open. Each list holds what must not be: messages of the console that are warnings or
    errors, errors of scripts, dialogs, and every request but the first one."""

    page: Any
    messages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def noises(self) -> list[str]:
        return [*self.messages, *self.errors, *self.dialogs, *self.requests]

    def open_details(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")

    def sideways(self) -> int:
        """Pixels by which the page is wider than the window, with everything unfolded."""
        self.open_details()
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return wider


@contextmanager
def visit(browser: Any, url: str, *, width: int = 1440, height: int = 900, **context: Any) -> Iterator[Visit]:
    """``url`` in a browser without a history. context: arguments of Playwright's ``new_context``."""
    opened = browser.new_context(viewport={"width": width, "height": height}, **context)
    page = opened.new_page()
    seen = Visit(page)
    page.on("console", lambda m: seen.messages.append(m.text) if m.type in ("warning", "error") else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: seen.requests.append(request.url))
    try:
        page.goto(url)
        assert seen.requests.pop(0) == url
        yield seen
    finally:
        opened.close()
