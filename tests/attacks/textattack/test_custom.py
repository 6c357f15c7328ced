"""A user's own recipe, named as ``module:function``."""

import pickle
import sys
from pathlib import Path
from types import ModuleType

import pytest

from attacks.errors import AssayError
from attacks.textattack.custom import build_custom, custom
from tests.attacks.textattack.test_same_answers import recipe_attack
from tests.attacks.textattack.victims import TEXTS, NoisyVictim, as_found, attacked

MODULE = """
import textattack

def mine(model_wrapper):
    return textattack.attack_recipes.DeepWordBugGao2018.build(model_wrapper)

def greedy_about_tokens(model_wrapper):
    return model_wrapper.tokenizer

def no_attack(model_wrapper):
    return [model_wrapper]

value = 3
"""


@pytest.fixture
def module(ta: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "users_recipes.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "users_recipes", raising=False)
    return "users_recipes"


def test_it_is_run_as_the_recipes_are(module: str) -> None:
    victim = NoisyVictim()
    labels = victim.labels(TEXTS).tolist()
    mine = build_custom(f"{module}:mine", {"live": 2})
    mine.check()
    theirs = recipe_attack("deepwordbug")
    assert as_found(attacked(mine, victim, TEXTS, labels)) == as_found(
        attacked(theirs, victim, TEXTS, labels)
    )
    assert pickle.loads(pickle.dumps(mine)) == mine


def test_it_can_have_a_target(module: str) -> None:
    victim = NoisyVictim()
    labels = victim.labels(TEXTS).tolist()
    texts = [text for text, label in zip(TEXTS, labels, strict=True) if label == 1]
    found = attacked(build_custom(f"{module}:mine", {}), victim, texts, [1] * len(texts), target=0)
    for each in found:
        assert (each.ending == "succeeded") == (int(victim.labels([each.text])[0]) == 0)


@pytest.mark.parametrize("name", ["nothing", "a b:c", "module:", ":function", "module:f()", "module:f:g"])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(AssayError, match=r'as "package.module:function"'):
        custom(name)


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(AssayError, match=r'no parameter "max_querys". Did you mean "max_queries"\?'):
        build_custom("module:function", {"max_querys": 3})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("no_such_module_here:f", "importing no_such_module_here failed: ModuleNotFoundError"),
        ("{}:mein", 'expected users_recipes to have a function mein.*Did you mean "mine"'),
        ("{}:value", "to have a function value, got 3"),
    ],
)
def test_a_function_that_is_not_there_is_named(module: str, name: str, expected: str) -> None:
    with pytest.raises(AssayError, match=expected):
        build_custom(name.format(module), {}).check()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("no_attack", "expected a textattack.Attack, got list"),
        ("greedy_about_tokens", "building it failed: AttributeError.*without a tokenizer"),
    ],
)
def test_a_function_that_gives_no_attack_is_refused(module: str, function: str, expected: str) -> None:
    with pytest.raises(AssayError, match=expected):
        attacked(build_custom(f"{module}:{function}", {}), NoisyVictim(), TEXTS[:1], [1])
