"""The test gate and the CI workflow that stand beside a new assay.toml."""

from collections.abc import Sequence

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

_WORKFLOW = """\
# Audits the model of assay.toml on every change; a check that fails fails the job.
name: assay

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
    env:
      # What pip installs assay from, such as a wheel of yours or git+https://...: set it as a variable of
      # the repository (Settings, Secrets and variables, Actions, Variables).
      ASSAY: ${{ vars.ASSAY }}
    steps:
      - uses: actions/checkout@v4
        with:
          lfs: true # models are often kept in it
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
          cache: pip
          cache-dependency-path: assay.toml
      - name: Install assay
        run: python -m pip install "${ASSAY:?set the repository variable ASSAY, as the workflow explains}"
      # What was computed before is taken from the ledger in the run folder, so a second run is short.
      - name: Restore the run folder
        uses: actions/cache/restore@v4
        with:
          path: runs
          key: assay-${{ runner.os }}-${{ github.run_id }}
          restore-keys: assay-${{ runner.os }}-
      - name: Audit and test
        run: python -m pytest --assay assay.toml --junitxml=runs/junit.xml tests/test_assay_gate.py
      - name: Show the summary
        if: always()
        run: if [ -f runs/assay/summary.md ]; then cat runs/assay/summary.md >> "$GITHUB_STEP_SUMMARY"; fi
      - name: Keep the report
        if: always()
        uses: actions/upload-artifact@v4
        with:
          name: assay-report
          path: |
            runs/assay/report.html
            runs/assay/audit.json
            runs/assay/summary.md
            runs/junit.xml
      - name: Keep the run folder
        if: always()
        uses: actions/cache/save@v4
        with:
          path: runs
          key: assay-${{ runner.os }}-${{ github.run_id }}
"""


def workflow(
    extras: Sequence[str] = (), *, tests: str = GATE_FILE, runs: str = "runs", name: str = "assay"
) -> str:
    """A GitHub workflow. extras: of assay that the audit needs, told in a comment.

    tests: the name of the test gate. runs, name: the run folder is ``runs/name``, as in the assay.toml.
    """
    text = _WORKFLOW.replace(f"tests/{GATE_FILE}", f"tests/{tests}")
    text = text.replace("path: runs\n", f"path: {runs}\n").replace("runs/junit", f"{runs}/junit")
    text = text.replace("runs/assay/", f"{runs}/{name}/")
    if not extras:
        return text
    needed = f"      # It needs the extras {', '.join(extras)}: assay[{','.join(extras)}] @ git+https://...\n"
    return text.replace("      ASSAY: $", f"{needed}      ASSAY: $", 1)
