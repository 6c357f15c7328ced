"""Where a server forbids more than the page does itself, as viewers of build artifacts do; and on paper."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.reports.browser.chromium import needs_chromium, visit

pytestmark = needs_chromium

SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
NOT_EVEN_STYLES = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'"
"""What Jenkins sends with the artifacts of a build, unless it is told otherwise."""


FOLDED = """() => [...document.querySelectorAll('main details')]
  .filter(d => !d.closest('figure') || d.closest('.printed'))
  .filter(d => ![...d.children].some(e => e.localName !== 'summary' && e.checkVisibility()))
  .filter(d => !getComputedStyle(d, '::after').content.includes('Not printed'))
  .map(d => d.textContent.trim().slice(0, 60))"""
"""What is folded on a screen, and on paper neither printed nor said to be left out. The numbers of most
charts are in other tables too."""

LEFT_OUT = """() => [...document.querySelectorAll('main .examples, main tbody')]
  .filter(e => e.checkVisibility()).map(list => {
  const told = getComputedStyle(list.closest('.examples, .scroll'), '::after').content;
  return [list.children.length, [...list.children].filter(e => e.checkVisibility()).length, told];
})"""
"""Of each list of texts and each table the items, those of them that are printed, and what is said below."""

CUT = """() => [...document.querySelectorAll('main .scroll, main pre, main dl, main svg, main p')]
  .filter(e => e.checkVisibility())
  .filter(e => e.getBoundingClientRect().left + e.scrollWidth > document.documentElement.clientWidth + 1)
  .map(e => e.className + ' ' + e.textContent.trim().slice(0, 60))"""
"""What is wider than the paper."""

OVERGROWN = """() => [...document.querySelectorAll('main .note, main .shown')]
  .filter(e => e.checkVisibility())
  .filter(e => { const [own, around] = [e, e.parentElement].map(
    each => parseFloat(getComputedStyle(each).fontSize)); return own >= around; })
  .map(e => e.textContent)"""
"""Small words that are no smaller than those that they stand beside."""

A4 = round(186 / 25.4 * 96)
"""Pixels of the width of a sheet between its margins."""


class _Handler(BaseHTTPRequestHandler):
    """One page with one policy."""

    def __init__(self, html: str, policy: str, asked: list[str], *args: Any) -> None:
        self.html, self.policy, self.asked = html, policy, asked
        super().__init__(*args)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", self.policy)
        self.end_headers()
        self.wfile.write(self.html.encode())

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""


@pytest.fixture
def serve() -> Iterator[Callable[[str, str], tuple[str, list[str]]]]:
    """The address of a page that is sent with a policy, and the paths that are asked for there."""
    servers = []

    def of(html: str, policy: str) -> tuple[str, list[str]]:
        asked: list[str] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, html, policy, asked))
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/report.html", asked

    yield of
    for server in servers:
        server.shutdown()
        server.server_close()


Serve = Callable[[str, str], tuple[str, list[str]]]


def test_the_policy_alone_stops_a_script(
    browser: Any, rendered: Callable[[str], str], tmp_path: Path
) -> None:
    foreign = "<script>document.title = 'owned'</script></main>"
    page = tmp_path / "page.html"
    page.write_text(rendered("everything").replace("</main>", foreign), encoding="utf-8")
    with visit(browser, page.as_uri()) as seen:
        assert seen.page.title() != "owned"
        assert "Content Security Policy" in " ".join(seen.messages)


def test_in_a_sandbox_without_scripts_it_looks_as_it_should(
    browser: Any, rendered: Callable[[str], str], page_of: Callable[[str], str], serve: Serve
) -> None:
    address, asked = serve(rendered("everything"), SANDBOX)
    shots = []
    for url in (page_of("everything"), address):
        with visit(browser, url, java_script_enabled=False) as seen:
            shots.append(seen.page.screenshot())
            assert seen.errors + seen.dialogs + seen.requests == []
    assert shots[0] == shots[1]
    assert asked == ["/report.html"]


def test_without_its_styles_everything_can_still_be_read(
    browser: Any, rendered: Callable[[str], str], serve: Serve
) -> None:
    address, asked = serve(rendered("everything"), NOT_EVEN_STYLES)
    with visit(browser, address, java_script_enabled=False) as seen:
        words = seen.page.locator("main").inner_text()
        heading = seen.page.locator("#verdict h2").bounding_box()
        assert seen.errors + seen.dialogs + seen.requests == []
    assert "The gate failed" in words or "Do not ship" in words
    assert heading["y"] < 900
    assert asked == ["/report.html"]


def test_print_shows_all_and_leaves_out_what_only_a_screen_needs(
    browser: Any, page_of: Callable[[str], str]
) -> None:
    with visit(browser, page_of("everything"), color_scheme="dark") as seen:
        seen.page.emulate_media(media="print", color_scheme="dark")
        assert not seen.page.locator("nav").is_visible()
        assert not seen.page.locator("a.skip").is_visible()
        assert seen.page.locator("#verdict h2").is_visible()
        colour = "getComputedStyle(document.body)"
        assert seen.page.evaluate(f"{colour}.backgroundColor") == "rgb(255, 255, 255)"
        assert seen.page.evaluate(f"{colour}.color") == "rgb(0, 0, 0)"
        assert seen.page.locator("main details").count() > 10
        assert seen.page.evaluate(FOLDED) == []
        assert seen.noises() == []


@pytest.mark.parametrize("name", ["everything", "summarised", "fairness"])
def test_nothing_is_wider_than_a_sheet_of_paper(
    browser: Any, page_of: Callable[[str], str], name: str
) -> None:
    with visit(browser, page_of(name), width=A4) as seen:
        seen.page.emulate_media(media="print")
        assert seen.page.evaluate(CUT) == []
        assert seen.page.evaluate(OVERGROWN) == []


def test_of_what_is_long_and_folded_the_first_is_printed_and_that_is_told(
    browser: Any, page_of: Callable[[str], str]
) -> None:
    """A page of an audit had 58 sheets, most of them texts and single terms that nobody reads on paper."""
    with visit(browser, page_of("summarised")) as seen:
        seen.page.emulate_media(media="print")
        lists = seen.page.evaluate(LEFT_OUT)
    assert any(printed < n for n, printed, _ in lists)
    for n, printed, told in lists:
        assert printed == n or printed == 5
        assert ("Printed are the first 5" in told) == (printed < n)


def test_a_pdf_can_be_made(browser: Any, page_of: Callable[[str], str]) -> None:
    with visit(browser, page_of("everything")) as seen:
        made = seen.page.pdf(format="A4")
    assert made.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b(?!s)", made)) > 3
