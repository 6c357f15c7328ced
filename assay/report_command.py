"""``assay report``: a run that is over, rendered again; no model is loaded."""

import sys
from collections.abc import Callable
from pathlib import Path

from assay.overwriting import check_target
from assay.report_forms import Form
from assay.run_folder import RunFolder, replaced, write_whole
from assay.saved_runs import SavedRun, open_run
from attacks.errors import AssayError

STANDARD_OUTPUT = Path("-")


def run_report(
    path: Path, form: Form, output: Path | None = None, candidate: str | None = None
) -> tuple[Path | None, str]:
    """Render the run in the folder ``path`` in one form; returns where it was written, or the text.

    output: a file; ``-`` for the text; None for report.html of the run, and for the text of other forms.
    candidate: whom a model card is of.

    Raises AssayError for a run that cannot be read, an output that cannot be written or would replace what
    the report is made of, and a candidate where none is asked for.
    """
    if candidate is not None and form is not Form.model_card:
        raise AssayError(f"--candidate goes with --format model-card, not with {form.value}: leave it out.")
    saved = open_run(path)
    target = saved.folder.report if output is None and form is Form.html else output
    if target is not None and target != STANDARD_OUTPUT:
        check_target(target, [saved.folder], own=_own(saved.folder, form))
    if form is Form.csv:
        return _csv(saved, target)
    text = _renderer(form, candidate)(saved)
    if target is None or target == STANDARD_OUTPUT:
        return None, text
    write_whole(target, text)
    return target, ""


def log_run(path: Path) -> str:
    """Log the run in the folder ``path`` to MLflow; returns where, in words."""
    from assay.mlflow_log import log_audit, require_mlflow

    require_mlflow(offline=False)
    saved = open_run(path)
    return log_audit(saved.report, saved.folder)


def _renderer(form: Form, candidate: str | None) -> Callable[[SavedRun], str]:
    if form is Form.html:
        from reports.html import render_html

        return lambda saved: render_html(saved.report)
    if form is Form.markdown:
        from reports.markdown import render_markdown

        return lambda saved: render_markdown(saved.report)
    if form is Form.junit:
        from reports.junit import render_junit

        return lambda saved: render_junit(saved.report)
    if form is Form.model_card:
        from reports.model_card import render_model_card

        return lambda saved: render_model_card(saved.report, candidate)
    from reports.json_io import to_json

    return lambda saved: to_json(saved.report)


def _csv(saved: SavedRun, target: Path | None) -> tuple[Path | None, str]:
    """The outcomes, written to the file or to standard output as they come: they can be millions."""
    from assay.outcome_csv import subject_names, write_csv

    if saved.outcomes is None:
        raise AssayError(
            f"{saved.folder.outcomes}: expected the outcomes of the run's examples, but there are none. An "
            "earlier version of assay wrote the run; run the audit again (what it computed is kept)."
        )
    names = subject_names(saved.report)
    if target is None or target == STANDARD_OUTPUT:
        write_csv(saved.outcomes, names, sys.stdout.buffer)
        return None, ""
    with replaced(target) as scratch, scratch.open("wb") as sink:
        write_csv(saved.outcomes, names, sink)
    return target, ""


def _own(run: RunFolder, form: Form) -> Path | None:
    """The file of a run that holds this form of its report."""
    files = {Form.html: run.report, Form.markdown: run.summary, Form.json: run.audit, Form.junit: run.junit}
    return files.get(form)
