"""report.html: one file, no script, no network, everything in it escaped."""

import re
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from reports.blocks import Figures
from reports.charts import SHAPES
from reports.formatting import counted, name, shorten, visible
from reports.highlights import verdict
from reports.model import AuditReport
from reports.sections import all_sections

TEMPLATES = Path(__file__).parent / "templates"

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

    It needs no script, loads nothing, and says so in a content security policy. Labels, names, messages and
    the configuration are hostile input: autoescape is on, and characters that could reorder or hide text are
    written out (``formatting.visible``).
    """
    template = _environment().get_template("report.html.j2")
    state, sentence = verdict(report)
    return template.render(
        title=f"Audit of {name(report.data.name)}",
        subtitle=f"{counted(len(report.candidates), 'candidate')} · {report.provenance.started}",
        state=state,
        sentence=sentence,
        sections=all_sections(report),
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shorten"] = shorten
    environment.filters["pieces"] = pieces
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    environment.globals["swatches"] = swatches
    return environment


def _readable(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def pieces(text: str) -> list[str]:
    """Where a long name may break when a line is too short for it: behind ``:``, ``_`` and ``/``."""
    return _BREAKS.split(text)


def swatches(figures: Figures) -> list[tuple[str, int, str]]:
    """The legend of charts: (name, number of the colour, outline of the mark)."""
    return [
        (series, i % len(SHAPES) + 1, _SWATCHES[SHAPES[i % len(SHAPES)]])
        for i, series in enumerate(figures.series)
    ]
