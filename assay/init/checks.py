"""The [[gate]] checks of a new assay.toml: what any model should pass, and no guess of how good it is."""

import math
from collections.abc import Iterator

from assay.init.guess import Guess
from assay.init.models import Model
from assay.init.toml import quoted

ENOUGH = 40
"""Examples of a group that has the 30 which a comparison needs, however the sample falls."""
CHANCE = 0.5
"""What must be exceeded where the labels are not known."""


def checks(guessed: Guess | None, model: Model | None, n: int, *, baseline: bool) -> Iterator[str]:
    """[gating] and [[gate]]. Absolute limits are lenient; those against the baseline are strict.

    n: examples that are audited. baseline: whether there is one: else its checks are comments, as without
    one they would fail.
    """
    yield "# What later audits are compared with: keep a good one with `assay baseline set runs/assay`,"
    yield "# and then take the checks with max_drop below, which fail where there is none yet."
    yield "[gating]"
    yield 'baseline = "baseline"'
    yield "false_discovery_rate = 0.05  # so many of the failures against the baseline may be chance"
    yield "smallest_difference = 0.01   # a change of less than a point fails nothing, however sure it is"
    yield ""
    yield "# What is required: every check must hold, or the audit ends with exit code 1. Limits are shares."
    yield from _accuracy(guessed)
    for group, sizes in (guessed.sizes if guessed is not None else {}).items():
        yield ""
        if _comparable(sizes, guessed.labels if guessed is not None else {}, n) < 2:
            yield f"# No check of {quoted(group)}: fewer than two of its groups have {ENOUGH} examples."
            continue
        yield "[[gate]]  # no group is served far worse than another; fails only where that is sure"
        yield 'metric = "accuracy_difference"'
        yield f"group = {quoted(group)}"
        yield "max = 0.1"
        yield 'decide = "certain-fail"'
    yield ""
    yield "[[gate]]  # typing errors do not turn a quarter of the answers; fails only where that is sure"
    yield 'metric = "failure_rate"'
    yield 'behaviour = "typos"'
    yield "max = 0.25"
    yield 'decide = "certain-fail"'
    yield ""
    for line in _against_baseline(model):
        yield line if baseline or not line else f"# {line}"


def floor(counts: dict[str, int]) -> float:
    """The accuracy of always giving the most common of one or more labels, rounded up to a hundredth."""
    n = sum(counts.values())
    share = max(counts.values()) / n
    # Without the rounding, 0.07 * 100 would be a little more than 7.
    return min(math.ceil(round(share * 100, 6)) / 100, 0.99)


def _accuracy(guessed: Guess | None) -> Iterator[str]:
    yield "[[gate]]  # better than always giving the most common label, and by more than chance"
    yield 'metric = "accuracy"'
    if guessed is not None and len(guessed.labels) > 1:
        yield f"min = {floor(guessed.labels):g}  # the share of that label; raise it to what you need"
    else:
        yield f"min = {CHANCE:g}  # for two labels that are equally common; raise it to what you need"
    yield 'decide = "certain-pass"'


def _comparable(sizes: list[int], labels: dict[str, int], n: int) -> int:
    """How many of the groups have enough of ``n`` examples, where the rows that were read are like them."""
    rows = sum(labels.values())
    return sum(size * n / rows >= ENOUGH for size in sizes)


def _against_baseline(model: Model | None) -> Iterator[str]:
    attack = "fgsm" if model is None or model.kind == "transformers" else "homoglyphs"
    yield "[[gate]]  # not worse than the baseline, example by example"
    yield 'metric = "accuracy"'
    yield "max_drop = 0.02"
    yield ""
    yield "[[gate]]"
    yield 'metric = "accuracy_under_attack"'
    yield f'attack = "{attack}"'
    if attack == "fgsm":
        yield "epsilon = 0.03"
    yield "max_drop = 0.05"
