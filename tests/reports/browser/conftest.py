from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.html import render_html
from tests.reports.browser.chromium import CHROMIUM, FLAGS
from tests.reports.browser.examples import REPORTS


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """The system's Chromium. It ends with this folder: Playwright's event loop would stop others."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="package")
def rendered() -> Callable[[str], str]:
    """report.html of one of ``REPORTS``, drawn once."""
    pages: dict[str, str] = {}

    def of(name: str) -> str:
        if name not in pages:
            pages[name] = render_html(REPORTS[name]())
        return pages[name]

    return of


@pytest.fixture(scope="package")
def page_of(rendered: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The address of that file."""
    folder: Path = tmp_path_factory.mktemp("pages")

    def of(name: str) -> str:
        file = folder / f"{name.replace(' ', '-')}.html"
        if not file.exists():
            file.write_text(rendered(name), encoding="utf-8")
        return file.as_uri()

    return of
