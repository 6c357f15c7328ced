"""How long report.html of a large audit takes, and how large it is.

    python -m benchmarks.report [--rows 100000] [--intersections 1] [--four] [--saved AUDIT.json ...] [--json]

The audit has 20 attacks, 2 candidates and 3 columns of groups. Its outcomes are random; from there on
everything is the library's own: rates, intervals, curves, disparities and findings.

- render_seconds: drawing report.html, median of 5; cold_seconds: the first time in this process.
- report_mb, audit_mb: its size and that of audit.json, in millions of bytes; load_seconds: reading that back.
- four_seconds, four_mb: report.html with 4 candidates (--four).
- demo_seconds, demo_mb, demo_2_seconds ...: report.html of saved audits, such as that of ``assay demo``.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.synthetic_audit import audit_of
from reports.html import render_html
from reports.json_io import from_json, to_json
from reports.model import AuditReport

ROUNDS = 5
MILLION = 1e6


def drawn(report: AuditReport) -> tuple[list[float], float]:
    """Seconds of each of ``ROUNDS`` drawings, and the millions of bytes of one."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        html = render_html(report)
        seconds.append(time.perf_counter() - started)
    return seconds, len(html.encode()) / MILLION


def measure(rows: int, intersections: int, four: bool, saved: list[Path]) -> dict[str, float]:
    report = audit_of(rows, 2, intersections=intersections)
    seconds, size = drawn(report)
    text = to_json(report)
    started = time.perf_counter()
    from_json(text, "audit.json")
    found = {
        "render_seconds": median(seconds),
        "cold_seconds": seconds[0],
        "report_mb": size,
        "audit_mb": len(text.encode()) / MILLION,
        "load_seconds": time.perf_counter() - started,
    }
    if four:
        seconds, size = drawn(audit_of(rows, 4, intersections=intersections))
        found |= {"four_seconds": median(seconds), "four_mb": size}
    for i, path in enumerate(saved, start=1):
        seconds, size = drawn(from_json(path.read_text(encoding="utf-8"), str(path)))
        name = "demo" if i == 1 else f"demo_{i}"
        found |= {f"{name}_seconds": median(seconds), f"{name}_mb": size}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--intersections", type=int, default=1, help="columns that are crossed at most")
    parser.add_argument("--four", action="store_true", help="draw a report of 4 candidates too")
    parser.add_argument("--saved", type=Path, nargs="*", default=[], help="audit.json of real audits")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = measure(options.rows, options.intersections, options.four, options.saved)
    if options.json:
        print(json.dumps(found))
        return
    table = Table(title=f"{options.rows:,} examples, 20 attacks, 2 candidates, 3 columns of groups")
    table.add_column("what")
    table.add_column("figure", justify="right")
    for name, figure in found.items():
        table.add_row(name, f"{figure:,.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
