"""What only a browser can show: that nothing runs, and that no screen has to scroll sideways."""

import html as markup
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


def dom_after_load(page: str, folder: Path) -> str:
    """The document as the browser holds it once everything has loaded and run."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def title_of(dom: str) -> str:
    found = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert found, dom[:500]
    return found[1]


def without_policy(page: str) -> str:
    changed = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert changed != page
    return changed


def test_this_browser_would_run_a_script(tmp_path: Path) -> None:
    page = "<!doctype html><title>quiet</title><img src=x onerror=\"document.title='owned'\">"
    assert title_of(dom_after_load(page, tmp_path)) == "owned"


@pytest.mark.parametrize("name", ["hostile_html", "hostile_black_box_html", "hostile_fairness_html"])
def test_hostile_text_does_not_run_even_without_the_policy(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    title = title_of(dom_after_load(without_policy(request.getfixturevalue(name)), tmp_path))
    assert title.startswith("Audit of ")


def test_the_policy_alone_stops_a_script(html: str, tmp_path: Path) -> None:
    injected = html.replace("</main>", "<script>document.title='owned'</script></main>")
    assert title_of(dom_after_load(injected, tmp_path)) == title_of(html) != "owned"


@pytest.mark.parametrize("width", [320, 375, 1440])
def test_the_page_never_scrolls_sideways(
    html: str,
    hostile_html: str,
    black_box_html: str,
    hostile_black_box_html: str,
    fairness_html: str,
    hostile_fairness_html: str,
    width: int,
    tmp_path: Path,
) -> None:
    pages = [html, black_box_html, hostile_black_box_html, fairness_html, hostile_fairness_html]
    opened = [page.replace("<details>", "<details open>") for page in pages]
    frames = "".join(
        f'<iframe style="width:{width}px;height:800px;border:0" srcdoc="{markup.escape(page)}"></iframe>'
        for page in (*opened, hostile_html)
    )
    script = (
        "<script>onload=()=>{document.title=[...document.querySelectorAll('iframe')]"
        ".map(f=>f.contentDocument.documentElement.scrollWidth).join(' ')}</script>"
    )
    page = f"<!doctype html><meta charset=utf-8><title>waiting</title>{frames}{script}"
    # A vertical scroll bar may take some of the width; nothing may be wider than the frame.
    widths = [int(each) for each in title_of(dom_after_load(page, tmp_path)).split()]
    assert len(widths) == 6
    assert max(widths) <= width
