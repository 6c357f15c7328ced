"""How often the intervals of disparities hold the truth, and how often their tests raise a false alarm.

    python -m benchmarks.coverage [--repetitions 250] [--json]

Populations with known rates are sampled, equal and unequal groups of 30 to 5,000 and 2 to 12 of them, with
and without a disparity, common and rare outcomes, and groups that overlap. Of every sample all disparities
are assessed as the product does it, and the percentile interval of the bootstrap is taken beside it.

- min_coverage: the smallest coverage of a 95 % interval, over all populations and disparities.
- max_coverage_pairwise: the largest of two groups of 100 and more, where each expects 10 successes and 10
  failures; with fewer, counts are so coarse that an interval which covers enough covers too often.
  Equalized odds are not among them: they are the larger of two differences, and covered more often.
- false_alarm_rate: the largest share of samples without a disparity in which its test has p <= 0.05.

The smallest of many noisy shares is too small: what looks worse than its level in the first ``repetitions``
is estimated anew from ten times as many fresh ones, whose standard error is 0.0044 by default. Differences
and ratios of one rate of two groups are not simulated but summed over all outcomes, so they have no error.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import binom

from fairness.counts import GroupCounts, Outcome
from fairness.disparities import Definition, definitions, disparities, disparity_values
from fairness.inference.bootstrap import bootstrap
from fairness.inference.score_pairs import Kind, Level, accepted, added_bounds, is_small, pairs_of
from fairness.measured import Measured
from fairness.metrics import Rate, metric_values

CONFIDENCE = 0.95
FRESH = 10  # times as many repetitions where the first ones look worse than the level
SUSPECT_LOW, SUSPECT_HIGH, SUSPECT_ALARM = 0.94, 0.975, 0.06
N_BOOT = 200
SHOWN = (Outcome(1, "yes", ""),)
EXPECTED = 10


@dataclass(frozen=True)
class Population:
    """Cells of ``sizes`` (c,) examples, with these shares of positives, TPR and FPR (c,) or one for all.

    members: (c, g), which groups the examples of a cell belong to; None where cells are groups.
    """

    name: str
    sizes: tuple[int, ...]
    positives: tuple[float, ...] | float
    tpr: tuple[float, ...] | float
    fpr: tuple[float, ...] | float
    members: tuple[tuple[int, ...], ...] | None = None

    @property
    def joined(self) -> np.ndarray:
        return np.eye(len(self.sizes), dtype=bool) if self.members is None else np.array(self.members, bool)

    @property
    def shares(self) -> np.ndarray:
        """(c, 2, 2): true label, prediction."""
        c = len(self.sizes)
        positives, tpr, fpr = (
            np.broadcast_to(np.asarray(x), c) for x in (self.positives, self.tpr, self.fpr)
        )
        cells = [
            [(1 - positives) * (1 - fpr), (1 - positives) * fpr],
            [positives * (1 - tpr), positives * tpr],
        ]
        return np.moveaxis(np.array(cells), -1, 0)

    @property
    def expected(self) -> np.ndarray:
        """(c, 2, 2) expected counts."""
        return np.asarray(self.shares * np.array(self.sizes)[:, None, None])

    def truth(self) -> dict[str, float]:
        """{disparity: its value in the population}."""
        groups = np.einsum("cij,cg->gij", self.expected, self.joined)
        values = metric_values(groups, SHOWN)
        total = metric_values(self.expected.sum(axis=0)[None], SHOWN)
        overall = {name: each[0] for name, each in total.items()}
        return {
            each.named(kind): float(value)
            for each in definitions(SHOWN)
            for kind, value in disparity_values(values, overall, each).items()
        }

    def samples(self, repetitions: int, seed: int) -> Iterator[GroupCounts]:
        rng = np.random.default_rng(seed)
        names = tuple(f"group {g}" for g in range(self.joined.shape[1]))
        for _ in range(repetitions):
            drawn = [
                rng.multinomial(n, share.ravel()) for n, share in zip(self.sizes, self.shares, strict=True)
            ]
            yield GroupCounts(names, np.array(drawn).reshape(-1, 2, 2), self.joined)


POPULATIONS = (
    Population("2 equal of 30", (30, 30), 0.5, 0.8, 0.2),
    Population("2 equal of 1,000", (1000, 1000), 0.3, 0.9, 0.1),
    Population("2 of 100, apart", (100, 100), (0.5, 0.4), (0.85, 0.7), (0.1, 0.2)),
    Population("2 of 60 and 5,000, slightly apart", (60, 5000), 0.4, (0.75, 0.8), (0.2, 0.15)),
    Population("2 of 1,000, slightly apart", (1000, 1000), 0.4, (0.80, 0.83), (0.1, 0.11)),
    Population("2 of 1,000, rare", (1000, 1000), 0.04, 0.7, 0.02),
    Population("4 of 30 to 5,000, equal", (30, 300, 1000, 5000), 0.4, 0.8, 0.15),
    Population("4 of 60 to 300, apart", (300, 150, 100, 60), 0.4, (0.9, 0.8, 0.85, 0.7), 0.2),
    Population("6 equal of 100", (100,) * 6, 0.5, 0.8, 0.2),
    Population("6 of 500, one apart", (500,) * 6, 0.4, (0.8,) * 5 + (0.65,), (0.1,) * 5 + (0.2,)),
    Population("6 of 500, rare", (500,) * 6, 0.05, (0.7, 0.7, 0.7, 0.6, 0.6, 0.6), 0.02),
    Population("12 equal of 500", (500,) * 12, 0.5, 0.8, 0.2),
    Population(
        "12 of 30 to 5,000, one apart",
        (30, 60) + (300,) * 8 + (5000, 5000), 0.4, (0.8,) * 11 + (0.7,), 0.15,
    ),
    Population(
        "3 overlapping, equal", (200, 200, 200, 60, 60), 0.4, 0.8, 0.2,
        ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)),
    ),
    Population(
        "3 overlapping, equal of unlike cells", (200, 200, 200, 150, 0), 0.4,
        (0.6, 0.6, 0.7714285714, 0.999, 0.5), 0.2, ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)),
    ),
    Population(
        "3 overlapping, apart", (300, 300, 200, 100, 100), 0.4,
        (0.8, 0.7, 0.8, 0.6, 0.8), (0.1, 0.2, 0.1, 0.2, 0.1),
        ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 0, 0)),
    ),
)  # fmt: skip

RATES = (0.01, 0.02, 0.05, 0.07, 0.1, 0.12, 0.2, 0.3, 0.4, 0.5)
PAIR_SIZES = (
    (30, 30), (30, 100), (30, 5000), (60, 300), (100, 100), (100, 300), (100, 5000), (150, 700), (1000, 1000),
)  # fmt: skip


@dataclass
class Tally:
    """Of one disparity in one population: shares of the samples in which it was defined."""

    covered: int = 0
    by_bootstrap: int = 0
    alarms: int = 0
    defined: int = 0

    @property
    def coverage(self) -> float:
        return self.covered / self.defined


def simulate(
    population: Population, wanted: Sequence[Definition], repetitions: int, seed: int, n_boot: int
) -> dict[str, Tally]:
    truth = population.truth()
    tallies = {each.named(kind): Tally() for each in wanted for kind in each.kinds}
    for repetition, counts in enumerate(population.samples(repetitions, seed)):
        resampled = bootstrap(counts, SHOWN, n_boot, repetition).disparities if n_boot else {}
        found = disparities(Measured.of(counts, SHOWN), wanted, CONFIDENCE, repetition)
        for one in found.values():
            for name, estimate in one.estimates.items():
                if estimate.value is None or one.evidence is None:
                    continue
                tally = tallies[name]
                tally.defined += 1
                tally.covered += estimate.low - 1e-9 <= truth[name] <= estimate.high + 1e-9
                tally.alarms += one.evidence.p_value <= 1 - CONFIDENCE
                if n_boot:
                    low, high = np.nanquantile(resampled[name], [0.025, 0.975])
                    tally.by_bootstrap += bool(low <= truth[name] <= high)
    return tallies


@dataclass(frozen=True)
class Row:
    """What was found of one disparity in one population; ``alarms`` is None where there is a disparity."""

    population: str
    disparity: str
    coverage: float
    bootstrap: float | None
    alarms: float | None
    pairwise: bool


def measure(repetitions: int) -> list[Row]:
    rows = []
    everything = definitions(SHOWN)
    for number, population in enumerate(POPULATIONS):
        truth = population.truth()
        pairwise = population.members is None and len(population.sizes) == 2 and min(population.sizes) >= 100
        pairwise = pairwise and population.expected.sum(axis=1).min() >= EXPECTED
        pairwise = pairwise and population.expected.min() >= EXPECTED
        first = simulate(population, everything, repetitions, number, N_BOOT)
        for each in everything:
            one_pair = pairwise and len(each.metrics) == 1
            absent = abs(truth[each.named("difference")]) < 1e-9
            tallies = {each.named(kind): first[each.named(kind)] for kind in each.kinds}
            fresh = tallies
            if any(
                tally.coverage < SUSPECT_LOW
                or (one_pair and tally.coverage > SUSPECT_HIGH)
                or (absent and tally.alarms / tally.defined > SUSPECT_ALARM)
                for tally in tallies.values()
            ):
                fresh = simulate(population, [each], FRESH * repetitions, 1000 + number, 0)
            rows += [
                Row(
                    population.name,
                    name,
                    tally.coverage,
                    tallies[name].by_bootstrap / tallies[name].defined,
                    tally.alarms / tally.defined if absent else None,
                    one_pair,
                )
                for name, tally in fresh.items()
            ]
    return rows + [row for sizes in PAIR_SIZES for row in pair_rows(*sizes)]


def pair_rows(n1: int, n2: int) -> Iterator[Row]:
    """The least and the largest coverage of one rate of two groups, over all pairs of RATES, exactly."""
    rates = sorted({*RATES, *(1 - rate for rate in RATES)})
    kinds: tuple[Kind, ...] = ("difference", "ratio")
    for kind in kinds:
        found: list[tuple[float, bool, str]] = []
        for p1 in rates:
            for p2 in rates:
                common = min(n1 * min(p1, 1 - p1), n2 * min(p2, 1 - p2)) >= EXPECTED
                name = f"{n1:,} at {p1:g}, {n2:,} at {p2:g}"
                found.append((exact_coverage(kind, n1, p1, n2, p2), common and min(n1, n2) >= 100, name))
        least = min(found)
        yield Row(least[2], f"rate {kind}", least[0], None, None, False)
        most = max((each for each in found if each[1]), default=None)
        if most is not None:
            yield Row(most[2], f"rate {kind}", most[0], None, None, True)


def exact_coverage(kind: Kind, n1: int, p1: float, n2: int, p2: float) -> float:
    """Summed over the outcomes that have more than 1e-7 of the probability."""
    x1, x2 = (np.arange(binom.ppf(1e-6, n, p), binom.isf(1e-6, n, p) + 1) for n, p in ((n1, p1), (n2, p2)))
    first, second = (grid.ravel() for grid in np.meshgrid(x1, x2, indexing="ij"))
    weight = binom.pmf(first, n1, p1) * binom.pmf(second, n2, p2)
    kept = weight > 1e-7
    if kind == "ratio":
        kept &= first + second > 0
    first, second, weight = first[kept], second[kept], weight[kept]
    both = Rate(np.concatenate([first, second]), np.repeat([n1, n2], len(first)))
    index = np.arange(len(first))
    pairs = pairs_of(both, index, index + len(first))
    truth = abs(p1 - p2) if kind == "difference" else min(p1, p2) / max(p1, p2)
    level = Level.folded(CONFIDENCE)
    inside = accepted(kind, pairs, np.full(len(weight), truth), level)
    small = is_small(pairs)
    low, high = sorted(added_bounds(kind, pairs, level), key=lambda end: float(end.sum()))
    inside |= small & (low <= truth) & (truth <= high)
    return float(weight[inside].sum() / weight.sum())


def summary(rows: Sequence[Row]) -> dict[str, float]:
    return {
        "min_coverage": min(row.coverage for row in rows),
        "max_coverage_pairwise": max(row.coverage for row in rows if row.pairwise),
        "false_alarm_rate": max(row.alarms for row in rows if row.alarms is not None),
        "min_coverage_percentile_bootstrap": min(row.bootstrap for row in rows if row.bootstrap is not None),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repetitions", type=int, default=250)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    rows = measure(options.repetitions)
    found = summary(rows)
    if options.json:
        print(json.dumps(found))
        return
    table = Table(title="coverage of 95 % intervals, and false alarms at 5 %")
    for column in ("population", "disparity"):
        table.add_column(column)
    for column in ("coverage", "percentile bootstrap", "false alarms"):
        table.add_column(column, justify="right")
    for row in rows:
        beside = [row.bootstrap, row.alarms]
        cells = ["" if value is None else f"{value:.3f}" for value in beside]
        table.add_row(row.population, row.disparity, f"{row.coverage:.3f}", *cells)
    Console().print(table)
    for name, figure in found.items():
        Console().print(f"{name}: {figure:.3f}")


if __name__ == "__main__":
    main()
