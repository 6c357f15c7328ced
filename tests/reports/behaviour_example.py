"""Behavioural tests and a suite made of invented counts, for the example audit."""

from collections.abc import Mapping
from typing import Any

from robustness.behaviour.base import Expectation, Nature
from robustness.behaviour.results import (
    BehaviouralResult,
    FailingCase,
    FailingExample,
    FunctionalityResult,
    GroupBehaviour,
    MinimumFunctionalityResult,
)
from robustness.behaviour.summarize import NOWHERE, OTHER_LABEL
from robustness.estimate import Estimate, wilson

Groups = Mapping[str, Mapping[str, int]]

TYPOS = {"part": "first", "samples": 3, "errors": 1, "rate": None, "error": "any", "layout": "qwerty"}
TYPOS |= {"reach": 1.3, "min_letters": 4}
SAMPLED = {"part": "first", "samples": 3}
TESTS: tuple[tuple[str, Expectation, Nature, dict[str, Any], float], ...] = (
    ("typos", "invariance", "natural noise", TYPOS, 0.2),
    ("typos", "invariance", "natural noise", TYPOS | {"errors": 3, "layout": "qwertz"}, 0.35),
    ("whitespace", "invariance", "natural noise", {"part": "first", "change": "each"}, 0.02),
    ("names", "invariance", "meaning kept", SAMPLED, 0.05),
    ("accents", "invariance", "natural noise", {"part": "first"}, 0.0),
    ("negation", "directional", "meaning changed", {"part": "first", "tolerance": 0.01, "strict": True}, 0.4),
)
TEXTS = {
    "typos": ("a warm and funny film", "a warm amd fnuny film"),
    "whitespace": ("a slow but good film", "a slow  but good\nfilm"),
    "names": ("Maria made this film", "Susan made this film"),
    "negation": ("this is a film to love", "this is not a film to love"),
}
SUITE = {
    "F1 slurs": (40, "hateful", 0.1),
    "F14 negated hate": (30, "non-hateful", 0.7),
    "F20 counter-speech": (25, "non-hateful", 0.4),
    "F25 typing errors": (35, "hateful", 0.0),
}


def behaviours(candidate: str, n: int, groups: Groups) -> list[BehaviouralResult]:
    return [_behaviour(candidate, n, groups, *test) for test in TESTS]


def _behaviour(
    candidate: str,
    n: int,
    groups: Groups,
    name: str,
    kind: Expectation,
    nature: Nature,
    params: dict[str, Any],
    rate: float,
) -> BehaviouralResult:
    """Applies to no text for ``accents``, to a quarter of them for ``names``, and to all for the others."""
    applied = {"accents": 0, "names": n // 4}.get(name, n)
    rate = rate if candidate == "plain" else rate / 2
    failures, clean = round(rate * applied), round(0.85 * applied)
    worst = round(0.85 * applied * (1 - rate))
    undefined = Estimate.undefined(OTHER_LABEL if nature == "meaning changed" else NOWHERE)
    keeps = applied > 0 and nature != "meaning changed"
    return BehaviouralResult(
        name=name,
        kind=kind,
        nature=nature,
        params=params,
        n=applied,
        not_applicable=n - applied,
        variants=3 * applied,
        failure_rate=wilson(failures, applied) if applied else undefined,
        failure_rate_if_right=wilson(failures // 2, clean) if applied else undefined,
        accuracy_clean=wilson(clean, applied) if keeps else undefined,
        accuracy_worst=wilson(worst, applied) if keeps else undefined,
        accuracy_mean=Estimate(0.83, 0.8, 0.86, applied) if keeps else undefined,
        accuracy_change=Estimate(-0.85 * rate, -rate, 0.0, applied) if keeps else undefined,
        mean_change=Estimate(0.04, 0.03, 0.05, applied) if applied else undefined,
        by_group={
            column: {
                value: GroupBehaviour(size, wilson(round(rate * size), size) if applied else undefined)
                for value, size in values.items()
            }
            for column, values in groups.items()
        },
        failures=failures,
        examples=_failing(name, kind)[:failures],
    )


def _failing(name: str, kind: Expectation) -> list[FailingExample]:
    if name not in TEXTS:
        return []
    original, variant = TEXTS[name]
    return [
        FailingExample(
            example_id=f"sentences.csv:{i}",
            label="positive",
            before="positive",
            after="negative" if kind == "invariance" else "positive",
            probability_before=0.912,
            probability_after=0.31 if kind == "invariance" else 0.954,
            original=[original],
            variant=[variant],
        )
        for i in range(2, 9)
    ]


def suites(candidate: str) -> list[MinimumFunctionalityResult]:
    by_functionality = {}
    for name, (n, label, rate) in SUITE.items():
        failures = round(n * (rate if candidate == "plain" else rate / 2))
        by_functionality[name] = FunctionalityResult(
            n=n,
            failure_rate=wilson(failures, n),
            by_label={label: wilson(failures, n)},
            failures=failures,
            examples=[
                FailingCase(f"cases.csv:{i}", label, f"not {label}", [f"case {i} of {name}"])
                for i in range(2, 2 + min(5, failures))
            ],
        )
    total = sum(each.n for each in by_functionality.values())
    rates = [each.failures / each.n for each in by_functionality.values()]
    failed = sum(each.failures for each in by_functionality.values())
    return [
        MinimumFunctionalityResult(
            name="hatecheck.csv",
            column="functionality",
            n=total,
            failure_rate=wilson(failed, total),
            mean_failure_rate=Estimate.exact(sum(rates) / len(rates), len(rates)),
            by_functionality=by_functionality,
        )
    ]
