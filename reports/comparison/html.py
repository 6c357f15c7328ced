"""compare.html: a comparison as one page in the look of report.html; no script, no network."""

from markupsafe import Markup

from reports.comparison.model import Comparison
from reports.comparison.sections import all_sections
from reports.comparison.summary import headline
from reports.formatting import listed, name
from reports.html import TEMPLATES, environment, source_hash


def render_html(comparison: Comparison) -> str:
    """The whole comparison as one HTML document.

    As in report.html every name, message and setting is hostile input, and escaped. There is no script: its
    policy allows none.
    """
    first, *others = [name(run.name) for run in comparison.runs]
    _, state, sentence = headline(comparison)
    style = "\n" + (TEMPLATES / "style.css").read_text(encoding="utf-8")
    sections = all_sections(comparison)
    return (
        environment()
        .get_template("comparison.html.j2")
        .render(
            title=f"Comparison of {listed(others)} with {first}",
            state=state,
            sentence=sentence,
            sections=sections,
            style=Markup(style),
            style_hash=source_hash(style),
        )
    )
