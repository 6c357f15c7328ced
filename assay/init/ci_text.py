"""The test gate and the CI workflow that stand beside a new assay.toml."""

import posixpath
import re
import shlex
from collections.abc import Sequence

from assay.init.toml import quoted
from attacks.errors import AssayError

GATE_FILE = "test_assay_gate.py"
GATE = '''"""Tests of the audited models. Each check of the gate of assay.toml is a test of its own.

Run: pytest --assay assay.toml, or name the file in pyproject.toml:
[tool.pytest.ini_options]
assay = "assay.toml"
"""


def test_the_figures_can_be_trusted(assay_audit):
    failed = [finding.message for finding in assay_audit.findings if finding.id.startswith("validity")]
    assert not failed, failed


def test_every_label_is_recognised_now_and_then(assay_candidate):
    """A model that never gives one of its labels can still have a high accuracy."""
    confusion = assay_candidate.robustness.clean.confusion_matrix
    never = [row for row, counts in enumerate(confusion) if sum(counts) and not counts[row]]
    assert not never, f"{assay_candidate.name} never gives the labels number {never} where they are right"
'''

# What a path must not hold where GitHub reads patterns and expressions in it, and begin with.
_PATTERN = re.compile(r"[*?\[\]\\]|\$\{\{|^[!#~]|^\s|\s$")

# Commands run in the folder of the assay.toml, paths of actions are seen from the root of the repository.
_WORKFLOW = """\
# Audits the model of <config> on every change; a check that fails fails the job.
name: <title>

on:
  pull_request:
  push:
    branches: [main]
  workflow_dispatch:

permissions:
  contents: read

jobs:
  audit:
    runs-on: ubuntu-latest
    timeout-minutes: 60
<defaults>    env:
      # What pip installs assay from, such as a wheel of yours or git+https://...: set it as a variable of
      # the repository (Settings, Secrets and variables, Actions, Variables).
<extras>      ASSAY: ${{ vars.ASSAY }}
    steps:
      - uses: actions/checkout@v4
        with:
          lfs: true # models are often kept in it
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
          cache: pip
          cache-dependency-path: |
            <config>
      - name: Install assay
        run: python -m pip install "${ASSAY:?set the repository variable ASSAY, as the workflow explains}"
      # What was computed before is taken from the ledger in the run folder, so a second run is short.
      - name: Restore the run folder
        uses: actions/cache/restore@v4
        with:
          path: |
            <runs>
          key: assay-${{ runner.os }}-${{ github.run_id }}
          restore-keys: assay-${{ runner.os }}-
      - name: Audit and test
        run: |
          python -m pytest --assay assay.toml --junitxml=<junit here> <tests here>
      - name: Show the summary
        if: always()
        run: |
          if [ -f <summary here> ]; then cat <summary here> >> "$GITHUB_STEP_SUMMARY"; fi
      - name: Keep the report
        if: always()
        uses: actions/upload-artifact@v4
        with:
          name: assay-report
          path: |
            <run>/report.html
            <run>/audit.json
            <run>/summary.md
            <runs>/junit.xml
      - name: Keep the run folder
        if: always()
        uses: actions/cache/save@v4
        with:
          path: |
            <runs>
          key: assay-${{ runner.os }}-${{ github.run_id }}
"""


def workflow(
    extras: Sequence[str] = (),
    *,
    tests: str = GATE_FILE,
    runs: str = "runs",
    name: str = "assay",
    folder: str = "",
) -> str:
    """A GitHub workflow. extras: of assay that the audit needs, told in a comment.

    tests: the name of the test gate. runs, name: the run folder is ``runs/name``, as in the assay.toml.
    folder: that of the assay.toml, as seen from the root of the repository; "" for the root itself.
    Raises AssayError for a folder or run folder that GitHub would read as something else, or not find.
    """
    from_root = posixpath.normpath(posixpath.join(folder, runs))
    refused = [each for each in (folder, runs, name) if _PATTERN.search(each) or not each.isprintable()]
    if refused or from_root.startswith(".."):
        raise AssayError(
            f"{quoted((refused or [runs])[0])}: expected a path inside the repository that a GitHub workflow "
            "can name: without * ? [ ] \\ and not beginning with ! # ~. Rename the folder, or change runs or "
            "name in the assay.toml."
        )
    here = posixpath.normpath(runs)
    defaults = f"    defaults:\n      run:\n        working-directory: {quoted(folder)}\n"
    needed = f"      # It needs the extras {', '.join(extras)}: assay[{','.join(extras)}] @ git+https://...\n"
    filled = {
        "config": posixpath.join(folder, "assay.toml"),
        "title": quoted(f"assay of {folder}") if folder else "assay",
        "defaults": defaults if folder else "",
        "extras": needed if extras else "",
        "runs": from_root,
        "run": f"{from_root}/{name}",
        "junit here": shlex.quote(f"{here}/junit.xml"),
        "summary here": shlex.quote(f"{here}/{name}/summary.md"),
        "tests here": shlex.quote(f"tests/{tests}"),
    }
    return re.sub(rf"<({'|'.join(filled)})>", lambda found: filled[found[1]], _WORKFLOW)
