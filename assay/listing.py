"""What a configuration may name, one line each."""


def lines(what: str) -> list[str]:
    """The lines of ``assay list attacks``, ``objectives`` or ``metrics``."""
    if what == "metrics":
        return _metrics()
    # Imported here: they import torch, which the metrics do not need.
    from attacks import registry as attack_registry
    from robustness.objectives import registry as objective_registry

    described = attack_registry.describe() if what == "attacks" else objective_registry.describe()
    answer = []
    for each in described:
        answer.append(f"{each.name}: {each.summary}")
        for parameter in each.parameters:
            default = "required" if parameter.required else f"default {parameter.default}"
            answer.append(f"    {parameter.name} ({parameter.type}, {default}): {parameter.help}")
    return answer


def _metrics() -> list[str]:
    from assay.gate import METRICS, keys_in_words

    width = max(map(len, METRICS))
    return [f"{name:{width}}  {keys_in_words(allowed)}" for name, allowed in METRICS.items()]
