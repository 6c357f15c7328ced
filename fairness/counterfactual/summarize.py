"""From the answers to swapped texts to flip rates and changes of score, by axis, group, term and template."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from attacks.victims import TextInput
from fairness.counterfactual.changes import Changes, arrow, changes_of, gives_labels_only
from fairness.counterfactual.estimates import LABELS_ONLY, Estimates
from fairness.counterfactual.examples import CounterfactualOutcome, Example
from fairness.counterfactual.intervals import adjusted_p_values
from fairness.counterfactual.results import (
    CounterfactualResult,
    FlippedExample,
    Kind,
    TemplateEffect,
    TermEffect,
)
from robustness.estimate import Estimate, wilson

SHOWN = 100
"""The most flips that a result lists."""
LEVEL = 0.05
"""The false discovery rate at which the effect of a term is established."""

UNLABELLED = "the template has no label"


def summarize(
    outcomes: Iterable[CounterfactualOutcome],
    examples: Sequence[Example],
    *,
    name: str,
    kind: Kind,
    label_names: Sequence[str],
    outcome: str | None,
    scores: bool = True,
    confidence: float = 0.95,
    seed: int = 0,
) -> CounterfactualResult:
    """The result of swapping identities in ``examples``.

    outcomes: one for each example, in any order. label_names: of the answers. outcome: the label whose
    probability is the score; None for the label of the reference. scores: False for a model known to give
    labels only; one whose answers are all 0 or 1 is taken for such a model too. seed: of the bootstrap.
    Raises ValueError where the outcomes are not those of the examples.
    """
    by_id = {each.example_id: each for each in outcomes}
    if set(by_id) != {example.id for example in examples} or len(by_id) != len(examples):
        raise ValueError("expected one outcome for each example")
    changes = changes_of(examples, by_id, label_names, outcome)
    scores = scores and not gives_labels_only(list(by_id.values()))
    summary = Estimates(
        changes=changes,
        scores=scores,
        tested=scores and outcome is not None,
        templates=kind == "templates",
        confidence=confidence,
        seed=seed,
    )
    everything = np.arange(len(changes.swaps))
    axes = [swap.axis for swap in changes.swaps]
    by_groups = _effects(summary, axes, [[group] for group in changes.groups()])
    by_term = _effects(summary, axes, changes.terms())
    _adjust([*by_groups.values(), *by_term.values()])
    flipped = _largest_first(changes)
    n = len(np.unique(changes.example))
    overall = summary.axis(everything)
    return CounterfactualResult(
        name=name,
        kind=kind,
        outcome=outcome,
        n=n,
        not_applicable=len(examples) - n,
        variants=len(everything),
        flip_rate=overall.flip_rate,
        mean_change=overall.mean_change,
        worst_change=overall.worst_change,
        largest_change=summary.largest(everything),
        signed_change=overall.signed_change,
        by_axis={axis: summary.axis(rows) for axis, rows in _by([[axis] for axis in axes])},
        by_groups=by_groups,
        by_term=by_term,
        by_template=_templates(summary, examples) if kind == "templates" else {},
        flips=int(changes.flipped.sum()),
        examples=[
            _flip(changes, examples, label_names, row, scores=scores) for row in flipped[:SHOWN].tolist()
        ],
    )


def _effects(
    summary: Estimates, axes: Sequence[str], keys: Sequence[Sequence[str]]
) -> dict[str, dict[str, TermEffect]]:
    """{axis: {key: effect}}; keys: of each variant; those with most examples come first."""
    found: dict[str, dict[str, TermEffect]] = {}
    for axis, rows in _by([[axis] for axis in axes]):
        effects = {key: summary.term(rows[mine]) for key, mine in _by([keys[row] for row in rows.tolist()])}
        found[axis] = dict(sorted(effects.items(), key=lambda item: (-item[1].n, item[0])))
    return found


def _by(keys: Sequence[Sequence[str]]) -> list[tuple[str, np.ndarray]]:
    """(key, indices of those that have it), keys in the order of their first place."""
    found: dict[str, list[int]] = {}
    for i, mine in enumerate(keys):
        for key in dict.fromkeys(mine):
            found.setdefault(key, []).append(i)
    return [(key, np.array(rows)) for key, rows in found.items()]


def _adjust(tables: Sequence[dict[str, TermEffect]]) -> None:
    """Put the adjusted p-values into the effects: over all groups and terms of the result at once."""
    places = [(table, key) for table in tables for key in table]
    adjusted = adjusted_p_values([table[key].p_value for table, key in places])
    for (table, key), p_value in zip(places, adjusted, strict=True):
        established = p_value is not None and p_value < LEVEL
        table[key] = replace(table[key], adjusted=p_value, established=established)


def _templates(summary: Estimates, examples: Sequence[Example]) -> dict[str, dict[str, TemplateEffect]]:
    found: dict[str, dict[str, TemplateEffect]] = {}
    changes = summary.changes
    for key, rows in _by([[str(row)] for row in changes.example.tolist()]):
        example = examples[int(key)]
        score = changes.score_after[rows]
        high, low = (rows[int(place)] for place in (score.argmax(), score.argmin()))
        labels_only = Estimate.undefined(LABELS_ONLY, len(rows))
        found.setdefault(changes.swaps[int(rows[0])].axis, {})[str(example.original)] = TemplateEffect(
            n=len(rows),
            flip_rate=wilson(int(changes.flipped[rows].sum()), len(rows), summary.confidence),
            spread=Estimate.exact(float(np.ptp(score)), len(rows)) if summary.scores else labels_only,
            highest=_words(changes, high) if summary.scores else "",
            lowest=_words(changes, low) if summary.scores else "",
            label=example.label,
            failure_rate=summary.failure_rate(rows) if example.label else Estimate.undefined(UNLABELLED),
        )
    return found


def _words(changes: Changes, row: int) -> str:
    return ", ".join(new for _, new in changes.swaps[row].terms)


def _largest_first(changes: Changes) -> np.ndarray:
    """The variants that flip, by the size of their change; of equals the first."""
    rows = np.flatnonzero(changes.flipped)
    return rows[np.argsort(-np.abs(changes.change[rows]), kind="stable")]


def _flip(
    changes: Changes, examples: Sequence[Example], label_names: Sequence[str], row: int, *, scores: bool
) -> FlippedExample:
    swap, example = changes.swaps[row], examples[int(changes.example[row])]
    return FlippedExample(
        example_id=example.id,
        label=example.label,
        axis=swap.axis,
        old=swap.old,
        new=swap.new,
        terms=[arrow(old, new) for old, new in swap.terms],
        before=label_names[int(changes.before[row])],
        after=label_names[int(changes.after[row])],
        score_before=float(changes.score_before[row]) if scores else None,
        score_after=float(changes.score_after[row]) if scores else None,
        original=_parts(example.original),
        variant=_parts(swap.text),
    )


def _parts(text: TextInput) -> list[str]:
    return [text] if isinstance(text, str) else list(text)
