"""The settings in which runs differ, key by key."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Differing = list[tuple[str, list[str | None]]]
"""(key, its value in each run as JSON; None where the run has no such key)."""


def differing(configs: Sequence[Mapping[str, Any]]) -> Differing:
    """Keys, dotted, whose values are not the same everywhere, in the order of the first run."""
    flat = [dict(_leaves(config)) for config in configs]
    keys = dict.fromkeys(key for each in flat for key in each)
    rows = [(key, [each.get(key) for each in flat]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


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
