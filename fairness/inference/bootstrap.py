"""The bootstrap of every count metric and disparity, without touching a row.

All of them are functions of how many examples each cell, true label and prediction has. Resampling n rows
with replacement makes these counts multinomial, so they are drawn at once. Its percentile intervals do not
hold for disparities (the largest of noisy differences is biased upward: see ``simultaneous``); it serves for
spread, for joint questions, and to compare.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attacks.errors import AssayError
from fairness.counts import GroupCounts, Outcome, group_table
from fairness.disparities import definitions, disparity_values
from fairness.metrics import metric_values

BLOCK = 400_000  # counts held at once


@dataclass(frozen=True)
class Resampled:
    """metrics: {metric: (n_boot, g)}; disparities: {name: (n_boot,)}; NaN where undefined in a resample."""

    metrics: dict[str, np.ndarray]
    disparities: dict[str, np.ndarray]


def bootstrap(counts: GroupCounts, shown: Sequence[Outcome], n_boot: int, seed: int) -> Resampled:
    """``n_boot`` resamples of all examples, those of no group included; the groups are compared as they are.

    Raises AssayError for n_boot below 1 or no examples.
    """
    n = int(counts.cells.sum())
    if n_boot < 1 or n < 1:
        raise AssayError(f"expected at least 1 resample of at least 1 example, got {n_boot} of {n}")
    rng = np.random.default_rng(seed)
    wanted = definitions(shown)
    size = max(1, BLOCK // max(counts.cells.size, counts.members.shape[1] * counts.cells[0].size))
    metrics: list[dict[str, np.ndarray]] = []
    disparities: list[dict[str, np.ndarray]] = []
    for start in range(0, n_boot, size):
        cells = rng.multinomial(n, (counts.cells / n).ravel(), size=min(size, n_boot - start))
        cells = cells.reshape(-1, *counts.cells.shape)
        values = metric_values(group_table(cells, counts.members), shown)
        overall = {
            name: each[..., 0] for name, each in metric_values(cells.sum(axis=1)[:, None], shown).items()
        }
        metrics.append(values)
        disparities.append(
            {
                each.named(kind): value
                for each in wanted
                for kind, value in disparity_values(values, overall, each).items()
            }
        )
    return Resampled(_joined(metrics), _joined(disparities))


def _joined(blocks: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
