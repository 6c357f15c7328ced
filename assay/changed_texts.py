"""Every text that fooled a model, as JSON Lines: what a report shows some of."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from assay.measure import Measured
from assay.plan import Plan
from robustness.summarize import adversarial_examples


def json_lines(plan: Plan, measured: Sequence[Measured]) -> Iterator[str]:
    """One line for each success of an attack that changes text, of every candidate.

    Keys: candidate, attack, params, and the fields of ``AdversarialExample``.
    """
    for each in measured:
        for attack, outcomes, qualities in zip(plan.attacks, each.attacked, each.qualities, strict=True):
            about = {"candidate": each.result.name, "attack": attack.name, "params": attack.params()}
            for example in adversarial_examples(plan.test, each.clean, outcomes, qualities):
                yield json.dumps({**about, **asdict(example)}, ensure_ascii=False) + "\n"
