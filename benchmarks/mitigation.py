"""What each mitigation buys on HateXplain: accuracy, equalized odds between groups, accuracy under FGSM.

    python -m benchmarks.mitigation HATEXPLAIN [--seeds 0 1 2] [--only NAME ...] [--runs FOLDER] [--json]

HATEXPLAIN is hatexplain.csv. For each seed the audit of examples/mitigation.toml is run, the one that users
get: the data is cut anew, the plain model and every mitigated one are trained and chosen on training and
validation data, and all are judged on the test data, 30 % of the posts. A mitigation reaches the target
where the equalized odds difference for religion is at most two thirds of the plain model's of the same seed,
at a cost of at most 2 points of accuracy. Run folders are kept in ``--runs``: an interrupted benchmark goes
on where it stopped. Without an attack (``--set attacks=[]``) it is much quicker.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from rich.console import Console
from rich.table import Table

from assay.audit import run_audit
from assay.config import load_config
from assay.config_models import AuditConfig
from assay.progress import Reporter
from attacks.errors import AssayError
from reports.model import AuditReport, CandidateResult

EXAMPLE = Path(__file__).parents[1] / "examples" / "mitigation.toml"
GROUP = "label_religion"
DISPARITY = "equalized_odds_difference"
SHARE = 2 / 3
"""What may be left of the plain model's disparity."""
COST = 0.02
"""The accuracy that it may cost."""


@dataclass(frozen=True)
class Row:
    """One candidate at one seed, on test data.

    low, high: the interval of ``disparity``. attacked: accuracy under attack; None without attacks.
    """

    seed: int
    accuracy: float
    disparity: float
    low: float
    high: float
    attacked: float | None

    def reaches(self, plain: "Row") -> bool:
        """Whether the disparity falls by a third at a cost of at most 2 points."""
        return self.disparity <= SHARE * plain.disparity and self.accuracy >= plain.accuracy - COST


def config_of(options: argparse.Namespace, seed: int) -> AuditConfig:
    """The example's configuration for one seed, with the plain candidate and those asked for."""
    overrides = {
        "data.path": str(options.data),
        "runs": str(options.runs),
        "name": f"mitigation-{seed}",
        "seed": str(seed),
        **dict(each.split("=", 1) for each in options.set),
    }
    config = load_config(EXAMPLE, overrides)
    if not options.only:
        return config
    chosen = [each for each in config.candidates if each.name in {"plain", *options.only}]
    if unknown := {*options.only} - {each.name for each in chosen}:
        raise AssayError(
            f"{EXAMPLE.name} has no candidate {', '.join(sorted(unknown))}; it has "
            f"{', '.join(each.name for each in config.candidates)}."
        )
    return config.model_copy(update={"candidates": chosen})


def rows_of(report: AuditReport, seed: int) -> dict[str, Row]:
    """{candidate: its row}; raises AssayError where a figure is undefined."""
    return {candidate.name: _row(candidate, seed) for candidate in report.candidates}


def _row(candidate: CandidateResult, seed: int) -> Row:
    if candidate.fairness is None:
        raise AssayError(f"{candidate.name}: the data has no groups; the benchmark compares {GROUP}.")
    disparity = candidate.fairness.groups[GROUP].disparities[DISPARITY]
    figures = [
        candidate.robustness.clean.accuracy.value,
        disparity.value,
        disparity.low,
        disparity.high,
    ]
    numbers = [figure for figure in figures if figure is not None]
    if len(numbers) < len(figures):
        raise AssayError(f"{candidate.name}: a figure is undefined ({disparity.reason}). Use more data.")
    attacks = candidate.robustness.attacks
    return Row(seed, *numbers, attacks[0].accuracy_under_attack.value if attacks else None)


def summary(rows: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, object]]:
    """For each candidate its rows, their means, and on how many seeds it reaches the target."""
    plain = rows["plain"]
    found: dict[str, dict[str, object]] = {}
    for name, mine in rows.items():
        means = _mean(mine)
        found[name] = {
            "rows": [asdict(row) for row in mine],
            "mean": {key: value for key, value in asdict(means).items() if key != "seed"},
            "reached_seeds": sum(row.reaches(base) for row, base in zip(mine, plain, strict=True)),
            "reached_on_average": means.reaches(_mean(plain)),
        }
    return found


def _mean(rows: Sequence[Row]) -> Row:
    keys = ("accuracy", "disparity", "low", "high")
    attacked = [row.attacked for row in rows if row.attacked is not None]
    return Row(
        -1, *(mean(getattr(row, key) for row in rows) for key in keys), mean(attacked) if attacked else None
    )


def table(rows: Mapping[str, Sequence[Row]]) -> Table:
    """Means over the seeds, with the range; the interval of the disparity is shown for each seed."""
    found, seeds = summary(rows), len(rows["plain"])
    shown = Table(title=f"{seeds} seeds: mean (lowest to highest)")
    columns = ["candidate", "accuracy", "EO difference", "95 % intervals", "under attack", "reached"]
    for column in columns:
        shown.add_column(column, justify="left" if column == "candidate" else "right")
    for name, mine in rows.items():
        reached = f"{found[name]['reached_seeds']} of {seeds}" + (
            ", on average" if found[name]["reached_on_average"] else ""
        )
        shown.add_row(
            name,
            _spread([row.accuracy for row in mine]),
            _spread([row.disparity for row in mine]),
            "; ".join(f"{row.low:.3f} to {row.high:.3f}" for row in mine),
            _spread([row.attacked for row in mine if row.attacked is not None]),
            "" if name == "plain" else reached,
        )
    return shown


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "not run"
    return f"{mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, metavar="HATEXPLAIN")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="beside the plain model")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as in assay audit")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    rows: dict[str, list[Row]] = {}
    for seed in options.seeds:
        config = config_of(options, seed)
        for name, row in rows_of(run_audit(config, Reporter()), seed).items():
            rows.setdefault(name, []).append(row)
    if options.json:
        print(json.dumps(summary(rows)))
        return
    Console(width=140).print(table(rows))


if __name__ == "__main__":
    main()
