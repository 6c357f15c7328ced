"""What a configuration may name, one line each."""

from assay.gate import METRICS
from attacks import registry as attack_registry
from robustness.objectives import registry as objective_registry


def lines(what: str) -> list[str]:
    """The lines of ``assay list attacks``, ``objectives`` or ``metrics``."""
    if what == "metrics":
        width = max(map(len, METRICS))
        return [f"{name:{width}}  {speaks_of}" for name, speaks_of in METRICS.items()]
    described = attack_registry.describe() if what == "attacks" else objective_registry.describe()
    answer = []
    for each in described:
        answer.append(f"{each.name}: {each.summary}")
        for parameter in each.parameters:
            default = "required" if parameter.required else f"default {parameter.default}"
            answer.append(f"    {parameter.name} ({parameter.type}, {default}): {parameter.help}")
    return answer
