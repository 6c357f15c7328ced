"""What a configuration may name, one line each."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairness.mitigation.registry import MitigationDescription


def lines(what: str) -> list[str]:
    """The lines of ``assay list attacks``, ``behaviours``, ``objectives``, ``mitigations`` or ``metrics``."""
    if what == "metrics":
        return [*_metrics()]
    # Imported here: they import torch, which the metrics do not need.
    if what == "attacks":
        return [*_attacks()]
    if what == "behaviours":
        from robustness.behaviour.registry import describe

        return [line for each in describe() for line in _described(each)]
    if what == "mitigations":
        return [*_mitigations()]
    from robustness.objectives import registry

    return [line for each in registry.describe() for line in _described(each)]


def _attacks() -> Iterator[str]:
    from attacks import registry
    from attacks.textattack import resources

    for each in registry.describe():
        yield from _described(each)
        if each.needs:
            missing = {resource.name for resource in resources.missing(each.needs)}
            yield f"    needs {_needs(each.needs, missing)}"
    yield "package.module:function: A recipe of your own: from a model wrapper to a textattack.Attack."
    for name, reason in registry.impossible().items():
        yield f"{name}: Not for classifiers that only answer: {reason}"


def _mitigations() -> Iterator[str]:
    """The methods in the order in which they come in: before, during and after a training."""
    from fairness.mitigation import registry
    from robustness.objectives import registry as objectives

    methods = registry.describe()
    yield "Methods that change the training data: mitigate = { method = ... } beside train"
    for each in methods:
        if each.stage == "data":
            yield from _mitigation(each)
    yield "Training objectives: train = { objective = ..., group = ... }"
    for objective in objectives.describe():
        if any(parameter.name == "group" for parameter in objective.parameters):
            yield from _described(objective)
    for stage, what in (
        ("embeddings", "fit another head on a candidate's embeddings"),
        ("predictions", "change a candidate's predictions"),
    ):
        yield f"Methods that {what}: mitigate = {{ method = ... }} beside base"
        for each in methods:
            if each.stage == stage:
                yield from _mitigation(each)


def _mitigation(each: "MitigationDescription") -> Iterator[str]:
    yield from _described(each)
    if each.binary_only:
        yield "    for data with two labels only"
    if each.needs_group:
        yield "    must know the group of an example when the model answers"
    if each.packages:
        yield f'    needs {", ".join(each.packages)}: pip install "assay[mitigation]"'


def _needs(names: Sequence[str], missing: set[str]) -> str:
    if not missing:
        return f"{', '.join(names)}: all here"
    return f"{', '.join(names)}; missing here: {', '.join(name for name in names if name in missing)}"


def _described(each: Any) -> Iterator[str]:
    yield f"{each.name}: {each.summary}"
    for parameter in each.parameters:
        default = "required" if parameter.required else f"default {parameter.default}"
        yield f"    {parameter.name} ({parameter.type}, {default}): {parameter.help}"


def _metrics() -> Iterator[str]:
    from assay.changes.metrics import METRICS
    from assay.gate.checks import keys_in_words
    from reports.metric_words import metric_in_words

    for name, allowed in METRICS.items():
        yield f"{name}: {metric_in_words(name)}"
        yield f"    {keys_in_words(allowed)}"
