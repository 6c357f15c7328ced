"""An audit with a black-box attack, killed again and again, against an undisturbed one.

    python -m benchmarks.killed --model runs/sst2/models/minilm --data dev.tsv [--sentences 500] [--kills 5]

Audits the same sentences twice, each in a process of its own: once undisturbed, and once killed with SIGKILL
``--kills`` times, at evenly spread shares of the time that the undisturbed one took, and started again. Then:

- same_result: whether audit.json is the same but for times and paths.
- attacked_twice: examples whose outcome in the ledger is not the one that was there before a kill.
- differing_outcomes: examples whose outcome is not that of the undisturbed audit: the text, the prediction,
  the success or the number of queries.
"""

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CONFIG = """
name = "killed"
runs = {runs}
[data]
path = {data}
columns = ["text", "label"]
label_map = {{ "0" = "negative", "1" = "positive" }}
max_examples = {n}
[validity]
examples = 0
[[candidates]]
name = "model"
model = {model}
[[attacks]]
name = {attack}
"""
TIMES = ("started", "seconds", "config")
Row = tuple[Any, ...]


def started(config: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "assay", "audit", str(config), "--offline"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def outcomes(ledger: Path, attack: str) -> dict[str, Row]:
    """The whole rows of an attack, times included, by example."""
    if not ledger.exists():
        return {}
    with sqlite3.connect(ledger) as database:
        rows = database.execute(
            "SELECT outcomes.* FROM outcomes JOIN scopes ON scopes.id = scope WHERE attack = ?", (attack,)
        ).fetchall()
    return {row[1]: row for row in rows}


def untimed(value: Any) -> Any:
    """JSON without what may differ between two runs of the same audit."""
    if isinstance(value, dict):
        return {key: untimed(item) for key, item in value.items() if key not in TIMES}
    return [untimed(item) for item in value] if isinstance(value, list) else value


def judged(row: Row) -> Row:
    """Prediction, skipped, success, queries and text: what must not depend on being killed."""
    _, _, _, prediction, _, skipped, success, queries, _, _, _, text = row
    return prediction, skipped, success, queries, text


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=Path, required=True, help="TSV of text and label 0 or 1, no header")
    parser.add_argument("--attack", default="textattack:pwws")
    parser.add_argument("--sentences", type=int, default=500)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        configs = []
        for name in ("undisturbed", "killed"):
            config = place / f"{name}.toml"
            values = {
                "runs": place / name,
                "data": given.data.resolve(),
                "model": Path(given.model).resolve(),
            }
            quoted = {key: json.dumps(str(value)) for key, value in values.items()}
            attack = json.dumps(given.attack)
            config.write_text(CONFIG.format(**quoted, n=given.sentences, attack=attack))
            configs.append(config)
        clock = time.perf_counter()
        if started(configs[0]).wait() != 0:
            parser.error("the undisturbed audit could not run; run it with `assay audit` to see why")
        whole = time.perf_counter() - clock
        ledger = place / "killed" / "killed" / "ledger.sqlite"
        twice: set[str] = set()
        kept: dict[str, Row] = {}
        for kill in range(given.kills):
            process = started(configs[1])
            time.sleep(whole / (given.kills + 1))
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
            now = outcomes(ledger, given.attack)
            twice |= {example for example, row in kept.items() if now.get(example) != row}
            kept = now
            print(f"kill {kill + 1}: {len(kept)} outcomes kept", file=sys.stderr)
        ended = started(configs[1]).wait()
        last = outcomes(ledger, given.attack)
        twice |= {example for example, row in kept.items() if last.get(example) != row}
        reference = outcomes(place / "undisturbed" / "killed" / "ledger.sqlite", given.attack)
        reports = [
            untimed(json.loads((place / name / "killed" / "audit.json").read_text()))
            for name in ("undisturbed", "killed")
        ]
        results = {
            "same_result": ended == 0 and reports[0] == reports[1],
            "attacked_twice": len(twice),
            "differing_outcomes": sum(judged(row) != judged(last[id_]) for id_, row in reference.items()),
            "examples": len(reference),
            "seconds_undisturbed": round(whole, 1),
        }
    if given.json:
        print(json.dumps(results))
    else:
        for name, value in results.items():
            print(f"{name}: {value}")


if __name__ == "__main__":
    main()
