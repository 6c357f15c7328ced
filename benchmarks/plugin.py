"""What the pytest plugin costs a project that does not use it.

    python -m benchmarks.plugin [--rounds 20] [--json]

pytest is started in an empty project with one test, with the plugin and with ``-p no:assay``, in turns:

- plugin_start_ms: the median difference of two starts that follow each other. At most 30 is wanted.
- plugin_processor_ms: the same of the processor time, which other work on the machine disturbs less.
- start_ms: the median start without the plugin, to compare with.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

TEST = "def test_nothing():\n    pass\n"
ROUNDS = 20


def started(folder: Path, *options: str) -> tuple[float, float]:
    """Milliseconds of one run of pytest in ``folder``: by the clock, and of the processor."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    begin, used = time.perf_counter(), _processor()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout}{done.stderr}")
    return (time.perf_counter() - begin) * 1000, (_processor() - used) * 1000


def _processor() -> float:
    """Seconds that the processes started from here have used, those of the system included."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def measure(rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text(TEST, encoding="utf-8")
        with_it, without = (), ("-p", "no:assay")
        for options in (with_it, without):  # what is compiled once and kept must not count
            started(folder, *options)
        pairs = []
        for number in range(rounds):
            # Whichever comes second finds warmer caches: they take turns.
            order = (with_it, without) if number % 2 else (without, with_it)
            found = {options: started(folder, *options) for options in order}
            pairs.append((found[with_it], found[without]))
    return {
        "plugin_start_ms": median(on[0] - off[0] for on, off in pairs),
        "plugin_processor_ms": median(on[1] - off[1] for on, off in pairs),
        "start_ms": median(off[0] for _, off in pairs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = measure(options.rounds)
    if options.json:
        print(json.dumps(found))
        return
    table = Table(title=f"The start of pytest, {options.rounds} pairs")
    table.add_column("what")
    table.add_column("milliseconds", justify="right")
    for name, figure in found.items():
        table.add_row(name, f"{figure:,.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
