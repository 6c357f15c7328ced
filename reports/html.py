"""report.html: one file, no network, everything in it escaped; it needs no script, and has one small one."""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

import jinja2
from markupsafe import Markup

from reports.blocks import Figures, Section, is_noted, parted
from reports.drawing import SHAPES, UNSTYLED
from reports.formatting import counted, instant, listed, moment, name, shorten, visible
from reports.model import AuditReport
from reports.sections import all_sections

TEMPLATES = Path(__file__).parent / "templates"
NAMED = 3
"""Candidates up to which the title names all of them."""

_BREAKS = re.compile(r"(?<=[:_/])(?=[^:_/\s])")
_SWATCHES = {
    "circle": "M6 2a4 4 0 1 0 .01 0z",
    "square": "M2.5 2.5h7v7h-7z",
    "triangle-up": "M6 2l4.5 8h-9z",
    "diamond": "M6 1l4 5-4 5-4-5z",
    "triangle-down": "M6 10l4.5-8h-9z",
    "cross": "M4.5 1.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
}


def render_html(report: AuditReport) -> str:
    """The whole report as one HTML document.

    It loads nothing, and says so in a content security policy, which allows its one style sheet and its one
    script by their hashes and nothing else. Everything reads without the script, which adds sorting and
    filtering. Labels, names, messages and the configuration are hostile input: autoescape is on, and
    characters that could reorder or hide text are written out (``formatting.visible``).
    """
    sections = all_sections(report)
    audit = report.provenance.config.get("name")
    started = instant(report.provenance.started)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            title=title_of(report),
            audit=name(audit) if isinstance(audit, str) else "",
            subject=f"{counted(report.data.n, 'example')} of {name(report.data.name)}",
            started=moment(report.provenance.started),
            started_iso=started.strftime("%Y-%m-%dT%H:%M:%SZ") if started else "",
            version=name(report.provenance.versions.get("assay", "")) if report.provenance.versions else "",
            verdict=report.verdict,
            sections=sections,
            titles=_titles(sections),
            style=Markup(_asset("style.css")),
            style_hash=source_hash(_asset("style.css")),
            script=Markup(_asset("report.js")),
            script_hash=source_hash(_asset("report.js")),
        )
    )


def title_of(report: AuditReport) -> str:
    """What was audited: ``Audit of plain and hardened``, ``Audit of 14 candidates``."""
    names = [name(candidate.name, 40) for candidate in report.candidates]
    if not names:
        return f"Audit of {name(report.data.name)}"
    return f"Audit of {listed(names) if len(names) <= NAMED else counted(len(names), 'candidate')}"


def _titles(sections: list[Section]) -> dict[str, str]:
    """The sections that a finding can link to, by their anchors."""
    return {section.anchor: section.title for section in sections}


@cache
def _asset(file: str) -> str:
    """A style sheet or script as it stands in the page, whose hash the policy holds."""
    return "\n" + (TEMPLATES / file).read_text(encoding="utf-8")


def source_hash(text: str) -> str:
    """``'sha256-…'``, with which a policy allows one inline element (CSP Level 3, section 2.3.1)."""
    return Markup(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")


@cache
def environment() -> jinja2.Environment:
    """The templates, with everything escaped; also of other pages that look like a report."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["shorten"] = shorten
    made.filters["pieces"] = pieces
    made.filters["parted"] = parted
    made.filters["kind"] = lambda block: type(block).__name__.lower()
    made.tests["noted"] = is_noted
    made.globals["swatches"] = swatches
    return made


def _readable(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def pieces(text: str) -> list[str]:
    """Where a long name may break when a line is too short for it: behind ``:``, ``_`` and ``/``."""
    return _BREAKS.split(text)


def swatches(figures: Figures) -> list[tuple[str, str, str]]:
    """The legend of charts: (name, colour, outline of the mark)."""
    return [
        (
            series,
            f"var(--series-{i % len(SHAPES) + 1},{UNSTYLED[i % len(SHAPES)]})",
            _SWATCHES[SHAPES[i % len(SHAPES)]],
        )
        for i, series in enumerate(figures.series)
    ]
