"""The settings in which runs differ, key by key."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.formatting import counted

Differing = list[tuple[str, list[str | None]]]
"""(key, its value in each run as JSON; None where the run has no such key)."""


NOTHING = {"null", "[]", "{}", '""'}
"""Values, as JSON, that say no more than a key which is not there."""
LIMITS = ("min", "max", "max_drop", "max_rise")


def differing(configs: Sequence[Mapping[str, Any]]) -> Differing:
    """Keys, dotted, whose values are not the same everywhere, in the order of the first run.

    What is null or empty is taken as not there. All checks of a gate are one row: the checks of the gate are
    compared by themselves.
    """
    flat = [_flat(config) for config in configs]
    keys = dict.fromkeys(key for each in flat for key in each)
    rows = [(key, [_said(each.get(key)) for each in flat]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _said(value: str | None) -> str | None:
    return None if value in NOTHING else value


def _flat(config: Mapping[str, Any]) -> dict[str, str]:
    """{key: value as JSON}, the checks of the gate in words."""
    found = dict(_leaves({key: value for key, value in config.items() if key != "gate"}))
    checks = config.get("gate")
    if isinstance(checks, list) and checks and all(isinstance(each, Mapping) for each in checks):
        found["gate"] = f"{counted(len(checks), 'check')}: {'; '.join(map(_check, checks))}"
    return found


def _check(check: Mapping[str, Any]) -> str:
    """``accuracy_under_attack, attack fgsm, min 0.6``: what is set, the limits last."""
    keys = [key for key in check if key != "metric" and key not in LIMITS] + list(LIMITS)
    told = [f"{key} {check[key]}" for key in keys if check.get(key) is not None]
    return ", ".join([str(check.get("metric", "?")), *told])


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every value that has none within, with its place: ``attacks[fgsm].epsilon``."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for key, inner in zip(_keys(value), value, strict=True):
            yield from _leaves(inner, f"{place}[{key}]")
    else:
        yield place, json.dumps(value, ensure_ascii=False, default=str)


def _keys(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names where they tell the tables of a list apart: one more must not shift all others; else numbers."""
    names = [str(item.get("name")) for item in items]
    named = all(item.get("name") is not None for item in items) and len(set(names)) == len(names)
    return names if named else [str(i) for i in range(len(items))]
