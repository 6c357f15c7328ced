"""Which behavioural tests there are, and how their parameters are checked."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import numpy as np
import pytest

from attacks import plugins
from attacks.errors import AssayError
from robustness.behaviour import registry
from robustness.behaviour.base import InvarianceTest, Nature


@dataclass(frozen=True, kw_only=True)
class Reversed(InvarianceTest):
    """The text backwards."""

    name: ClassVar[str] = "reversed"
    nature: ClassVar[Nature] = "meaning changed"

    def variants_of(self, text: str, rng: np.random.Generator) -> Iterator[str]:
        yield text[::-1]


def test_the_tests_are_known_by_name_with_kind_and_nature() -> None:
    assert {each.name: (each.kind, each.nature) for each in registry.describe()} == {
        "accents": ("invariance", "natural noise"),
        "casing": ("invariance", "natural noise"),
        "contractions": ("invariance", "meaning kept"),
        "distractors": ("invariance", "meaning kept"),
        "names": ("invariance", "meaning kept"),
        "negation": ("directional", "meaning changed"),
        "numbers": ("invariance", "meaning kept"),
        "ocr": ("invariance", "natural noise"),
        "places": ("invariance", "meaning kept"),
        "punctuation": ("invariance", "meaning kept"),
        "spelling": ("invariance", "meaning kept"),
        "typos": ("invariance", "natural noise"),
        "whitespace": ("invariance", "natural noise"),
    }


def test_every_parameter_has_a_default_and_says_what_it_is() -> None:
    for each in registry.describe():
        assert each.summary.endswith(".")
        for parameter in each.parameters:
            assert parameter.help
            assert not parameter.required
        assert registry.build(each.name, {}).params() == {p.name: p.default for p in each.parameters}


def test_a_test_of_another_package_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("reversed", f"{__name__}:Reversed", "assay.behaviour")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point] if group == "assay.behaviour" else [])
    assert registry.build("reversed", {}).variants(["ab", "aa"], [0, 0]) == [["ba"], []]


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("typo", {}, 'Expected the name of a behavioural test, got "typo". Did you mean "typos"?'),
        (
            "typos",
            {"eror": "swap"},
            'Behavioural test "typos" has no parameter "eror". Did you mean "error"?',
        ),
        (
            "typos",
            {"errors": 0},
            'Behavioural test "typos": expected errors to be a number above zero, got 0.',
        ),
        ("typos", {"rate": 1.5}, "expected rate to be a share above 0 and at most 1, got 1.5."),
        ("typos", {"layout": "dvorak"}, 'expected layout to be "qwerty" or "qwertz" or "azerty"'),
        ("typos", {"min_letters": 2.5}, "expected min_letters to be a whole number, got 2.5."),
        ("typos", {"reach": 0}, "expected reach to be a number above zero"),
        ("ocr", {"samples": 0}, "expected samples to be a number above zero, got 0."),
        ("casing", {"samples": -1}, "expected samples to be a number above zero, got -1."),
        ("negation", {"tolerance": -0.1}, "expected tolerance to be zero or a number above it, got -0.1."),
        ("negation", {"tolerance": 1}, "expected tolerance to be a probability below 1"),
        ("casing", {"part": "third"}, 'expected part to be "first" or "second"'),
    ],
)
def test_a_wrong_parameter_is_named(name: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(AssayError) as error:
        registry.build(name, params)
    assert message in str(error.value)


def test_describing_the_tests_imports_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from robustness.behaviour import registry; registry.describe();"
        "sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
