"""The example audit with every free text replaced by an attack on its reader."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from reports.json_io import from_json, to_json
from reports.model import AuditReport
from tests.reports.example import example_report

SCRIPT = "<script>document.title='owned'</script>"
IMAGE = "<img src=x onerror=\"document.title='owned'\">"
CLOSER = "\"'></text></svg></style></title><svg onload=document.title='owned'>"
TEMPLATE = "{{ 7 * 191 }}{% raise %}"
BIDI = "safe\u202etxet desrever\u2066"
LONG = "x" * 10_000
WORD = "y" * 10_000
MARKDOWN = "a|b`c`\n# heading\n![i](https://evil.example/i.png) @someone www.evil.example"
CONTROL = "bell\x07and\x00null\ufffe"

REPLACED = {
    "plain": SCRIPT,
    "fgsm-trained": LONG,
    "tweets": IMAGE,
    "editorials": CLOSER,
    "women": BIDI,
    "men": LONG + "m",
    "both": TEMPLATE,
    "neither": MARKDOWN,
    "negative": CONTROL,
    "positive": IMAGE + "positive",
    "domain": CLOSER + "domain",
    "mentions": SCRIPT + "mentions",
    "vader sentences": MARKDOWN + SCRIPT,
    "fgm": SCRIPT + "fgm",
    "cpu": IMAGE + "cpu",
    "sentences.csv:2": CLOSER + "2",
    "a warm and funny film": f"a {SCRIPT} and {BIDI} {MARKDOWN} {CONTROL} {WORD} film",
    "a warm and tapping film": f"a {SCRIPT} and {IMAGE} </del></ins> {TEMPLATE} {WORD}z film",
    "this is not a film to love": f"this is </ins>{SCRIPT} {BIDI} \u200b film {WORD}",
    "case 2 of F14 negated hate": f"</p>{SCRIPT} {BIDI} {WORD}",
    "F20 counter-speech": CLOSER + "F20",
    "hatecheck.csv": MARKDOWN + SCRIPT + "suite",
    "functionality": IMAGE + "column",
    "non-hateful": SCRIPT + "non-hateful",
    "names": "a_test_of_others" + SCRIPT,
    "qwertz": MARKDOWN + SCRIPT,
    "textattack:pwws": "others:attack" + SCRIPT,
    "best one of the": f"best {SCRIPT} {BIDI} {WORD}",
    "a tender and odd film": f"a </del>{SCRIPT} {BIDI} {WORD} film",
    "validation examples": IMAGE + "held out",
    "transfer_is_weaker": SCRIPT + "check",
    "sentences.csv": "</pre>" + SCRIPT,
}


def hostile_report(of: AuditReport | None = None) -> AuditReport:
    """``of``, or else the example, with its free texts replaced."""
    document = json.loads(to_json(example_report() if of is None else of))
    report: AuditReport = from_json(json.dumps(_replaced(document)), "hostile")
    return report


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """``value`` with every string in it, keys too, that is one of ``names``, replaced."""
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{each.name: renamed(getattr(value, each.name), names) for each in fields(value)})
    if isinstance(value, dict):
        return {names.get(key, key): renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(renamed(inner, names) for inner in value)
    return names.get(value, value) if isinstance(value, str) else value


def _replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {REPLACED.get(key, key): _replaced(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner) for inner in value]
    if isinstance(value, str) and value.endswith("."):
        return f"{value} {SCRIPT} {BIDI} {MARKDOWN}"
    return REPLACED.get(value, value) if isinstance(value, str) else value
