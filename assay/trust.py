"""Checks, once all candidates are measured, whether each one's robustness figures can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from assay.candidates import Prepared
from assay.ledger import Ledger
from assay.measure import Measured
from assay.plan import Plan
from assay.progress import Reporter
from attacks.base import Attack
from attacks.embedding.base import EmbeddingAttack
from attacks.threat_model import Norm
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.models import Model
from robustness.probing import HeldOut, Probe, Surrogate, sample_of
from robustness.routed import Routed
from robustness.validity import PASSES, check_validity

DEFAULT_EPSILON = 0.05
"""Where the checks look when the audit has no embedding attack with a budget."""
MOST_HELD_OUT = 500


def with_validity(
    measured: Measured,
    mine: Prepared,
    all_: Sequence[Prepared],
    plan: Plan,
    ledger: Ledger,
    reporter: Reporter,
) -> Measured:
    """``measured`` with its validity checks; unchanged where no attack was run, the checks are switched off,
    no example was right, or the model is not computed here and so has no gradients to probe.

    Of a routed model the member is probed that answers most examples, on those; the checks say so.
    """
    examples, seed = plan.config.validity.examples, plan.config.seed
    probed = _probed(mine, plan.test)
    if probed is None:
        return measured
    test, answered = plan.test.take(probed.rows), [measured.clean[row] for row in probed.rows]
    sample, clean = sample_of(test, answered, examples, seed)
    if not clean or not plan.attacks:
        return measured
    held_out = _held_out(plan, sample, probed)
    norm, epsilon = _budget(plan.attacks)
    surrogates = [
        Surrogate(other.name, other.info.sha256, other.classifier)
        for other in all_
        if other is not mine and other.classifier is not None
    ]
    # How many probes will find something to do is not known before.
    total = PASSES * len(sample) + len(held_out.dataset)
    done = 0
    with reporter.task(f"{mine.name}: validity checks", total) as tell:

        def advance(count: int) -> None:
            nonlocal done
            done += count
            tell(count)

        probe = Probe(
            classifier=probed.classifier,
            dataset=sample,
            clean=clean,
            norm=norm,
            epsilon=epsilon,
            seed=seed,
            confidence=plan.config.fairness.confidence,
            store_of=lambda data, name, params: ledger.store(
                model=mine.info.sha256, data=data.fingerprint, attack=name, params=params
            ),
            advance=advance,
        )
        found = check_validity(probe, held_out, surrogates)
        if len(test) < len(plan.test):
            part = f" Probed is the part that answers {len(test):,} of {len(plan.test):,} examples."
            told = [replace(check, message=check.message + part) for check in found.checks]
            found = replace(found, checks=told)
        tell(total - done)
    result = measured.result
    return replace(measured, result=replace(result, robustness=replace(result.robustness, validity=found)))


@dataclass(frozen=True)
class _Probed:
    """The classifier that is probed, and the rows of the test data that it answers. model: what it is of."""

    classifier: Classifier
    rows: Sequence[int]
    model: Model

    def answered_of(self, data: TextDataset) -> TextDataset:
        """The examples of ``data`` that the classifier answers."""
        if not isinstance(self.model, Routed):
            return data
        parts = [rows for rows, member in self.model.parts(data) if member is self.classifier]
        return data.take([row for rows in parts for row in rows])


def _probed(mine: Prepared, test: TextDataset) -> _Probed | None:
    if isinstance(mine.model, Routed):
        rows, member = max(mine.model.parts(test), key=lambda part: len(part[0]))
        return _Probed(member, rows, mine.model)
    if mine.classifier is None:
        return None
    return _Probed(mine.classifier, range(len(test)), mine.model)


def _budget(attacks: Sequence[Attack]) -> tuple[Norm, float]:
    """The norm of the audit's first embedding attack with a budget, and the middle of its budgets there."""
    bounded = [a for a in attacks if isinstance(a, EmbeddingAttack) and a.budget is not None]
    if not bounded:
        return "linf", DEFAULT_EPSILON
    norm = bounded[0].norm
    return norm, float(median(a.budget for a in bounded if a.norm == norm and a.budget is not None))


def _held_out(plan: Plan, sample: TextDataset, probed: "_Probed") -> HeldOut:
    """Validation examples where there are some, else the test examples that are not in the sample; of either,
    those that the probed classifier answers."""
    name, data = "validation examples", probed.answered_of(plan.dataset.split("validation"))
    if not len(data):
        name, sampled = "test examples outside the sample", set(sample.ids)
        ids = plan.test.ids
        others = [row for row in probed.rows if ids[row] not in sampled]
        data = plan.test.take(np.array(others, dtype=np.int64))
    return HeldOut(name, data.take(range(min(len(data), MOST_HELD_OUT))))
