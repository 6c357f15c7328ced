from importlib.metadata import EntryPoint
from typing import Any

import pytest

from attacks import plugins, registry
from attacks.embedding.fgsm import FGSM
from attacks.embedding.pgd import PGD
from attacks.errors import AssayError


class Outsider(FGSM):
    """An attack of another package: it does what FGSM does."""

    name = "outsider"


def outsiders(monkeypatch: pytest.MonkeyPatch, *registered: tuple[str, str]) -> None:
    points = [EntryPoint(name, value, registry.ATTACKS.entry_points) for name, value in registered]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "assay.attacks" else [])


def test_the_attacks_are_known_by_name_in_order() -> None:
    names = list(registry.available())
    assert names == sorted(names)
    assert {"apgd", "auto", "fgm", "fgsm", "fmn", "mi-fgsm", "noise", "pgd"} <= set(names)
    assert {name: attack.name for name, attack in registry.available().items()} == {n: n for n in names}


def test_an_attack_of_another_package_is_found_and_built(monkeypatch: pytest.MonkeyPatch) -> None:
    before = registry.available()
    outsiders(monkeypatch, ("outsider", f"{__name__}:Outsider"))
    assert registry.available() == before | {"outsider": Outsider}
    assert isinstance(registry.build("outsider", {"epsilon": 0.1}), Outsider)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("gone", "no_such_module:Attack", '"gone" .* loading it failed: ModuleNotFoundError'),
        ("renamed", f"{__name__}:Outsider", 'whose name is "renamed"'),
        ("thing", "json:dumps", "expected a concrete subclass"),
        ("base", "attacks.embedding.base:EmbeddingAttack", "expected a concrete subclass"),
        ("fgsm", "attacks.embedding.fgsm:FGSM", 'the attack name "fgsm" is taken'),
    ],
)
def test_a_broken_registration_names_the_entry_point(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    outsiders(monkeypatch, (name, value))
    with pytest.raises(AssayError, match=message):
        registry.available()


def test_descriptions_say_what_can_be_set() -> None:
    descriptions = {description.name: description for description in registry.describe()}
    assert list(descriptions) == list(registry.available())
    assert descriptions["fgsm"].norms == ("linf",)
    assert descriptions["fgm"].norms == ("l2",)
    pgd = descriptions["pgd"]
    assert pgd.norms == ("linf", "l2", "l2_per_token")
    assert (pgd.access, pgd.space) == ("white-box", "embedding")
    assert (
        pgd.summary == "Projected gradient descent: several small steps, each projected back into the ball."
    )
    assert [(p.name, p.type, p.required, p.default) for p in pgd.parameters] == [
        ("target", "str", False, None),
        ("special_tokens", "bool", False, False),
        ("epsilon", "float", True, None),
        ("norm", "linf | l2 | l2_per_token", False, "linf"),
        ("steps", "int", False, 10),
        ("step_size", "float", False, 0.25),
        ("random_start", "bool", False, False),
        ("restarts", "int", False, 1),
    ]
    for description in descriptions.values():
        assert description.summary
        assert all(parameter.help for parameter in description.parameters)


def test_build_makes_the_attack_with_its_parameters() -> None:
    built = registry.build("pgd", {"epsilon": 1, "norm": "l2", "steps": 3})
    assert built == PGD(epsilon=1.0, norm="l2", steps=3)
    assert built.params() == {
        "special_tokens": False,
        "epsilon": 1.0,
        "norm": "l2",
        "steps": 3,
        "step_size": 0.25,
        "random_start": False,
        "restarts": 1,
    }
    assert type(built.params()["epsilon"]) is float


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        (
            "fggsm",
            {"epsilon": 0.1},
            'Expected the name of an attack, got "fggsm". Did you mean "fgsm"? '
            f"Known attacks: {', '.join(registry.available())}.",
        ),
        (
            "pgd",
            {"epsilon": 0.1, "step": 3},
            'Attack "pgd" has no parameter "step". Did you mean "steps"? '
            "Its parameters: target, special_tokens, epsilon, norm, steps, step_size, random_start, "
            "restarts.",
        ),
        (
            "fgsm",
            {"epsilon": 0.1, "norm": "l2"},
            'Attack "fgsm" has no parameter "norm". '
            "Its parameters: target, special_tokens, epsilon, random_start.",
        ),
        ("fgm", {}, 'Attack "fgm" needs epsilon, which is missing. Add epsilon to the attack.'),
    ],
)
def test_unknown_and_missing_names_are_said(name: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(AssayError) as error:
        registry.build(name, params)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"epsilon": -0.1}, "expected epsilon to be a number above zero, got -0.1."),
        ({"epsilon": 0}, "expected epsilon to be a number above zero, got 0.0."),
        ({"epsilon": float("nan")}, "expected epsilon to be a finite number, got nan."),
        ({"epsilon": float("inf")}, "expected epsilon to be a finite number, got inf."),
        ({"epsilon": True}, "expected epsilon to be a finite number, got True."),
        ({"epsilon": "0.1"}, "expected epsilon to be a finite number, got '0.1'."),
        (
            {"epsilon": [0.1, 0.2]},
            "expected epsilon to be a finite number, got [0.1, 0.2]. "
            "Several values mean several attacks, one each.",
        ),
        ({"epsilon": 0.1, "special_tokens": 1}, "expected special_tokens to be true or false, got 1."),
        ({"epsilon": 0.1, "random_start": "yes"}, "expected random_start to be true or false, got 'yes'."),
        ({"epsilon": 0.1, "steps": 0}, "expected steps to be a number above zero, got 0."),
        ({"epsilon": 0.1, "steps": 2.0}, "expected steps to be a whole number, got 2.0."),
        ({"epsilon": 0.1, "steps": True}, "expected steps to be a whole number, got True."),
        ({"epsilon": 0.1, "step_size": 0.0}, "expected step_size to be a number above zero, got 0.0."),
        ({"epsilon": 0.1, "restarts": 0}, "expected restarts to be a number above zero, got 0."),
        ({"epsilon": 0.1, "target": 1}, "expected target to be a text, got 1."),
        ({"epsilon": 0.1, "norm": 2}, 'expected norm to be "linf" or "l2" or "l2_per_token", got 2.'),
        (
            {"epsilon": 0.1, "norm": "inf"},
            'expected norm to be "linf" or "l2" or "l2_per_token", got \'inf\'. Did you mean "linf"?',
        ),
    ],
)
def test_wrong_values_say_what_was_expected_and_what_came(params: dict[str, Any], message: str) -> None:
    with pytest.raises(AssayError) as error:
        registry.build("pgd", params)
    key = list(params)[-1]
    assert str(error.value) == f'Attack "pgd": {message} Change {key} of the attack "pgd".'


@pytest.mark.parametrize(
    ("name", "key", "value", "expected"),
    [
        ("mi-fgsm", "decay", -0.5, "zero or a number above it, got -0.5."),
        ("mi-fgsm", "steps", 0, "a number above zero, got 0."),
        ("apgd", "loss", "crossentropy", '"ce" or "margin" or "dlr", got \'crossentropy\'.'),
        ("apgd", "steps", -1, "a number above zero, got -1."),
        ("apgd", "restarts", 0, "a number above zero, got 0."),
        ("fmn", "steps", 0, "a number above zero, got 0."),
        ("fmn", "bisections", -1, "zero or a number above it, got -1."),
        ("noise", "epsilon", 0.0, "a number above zero, got 0.0."),
        ("auto", "steps", 0, "a number above zero, got 0."),
        ("auto", "restarts", 0, "a number above zero, got 0."),
    ],
)
def test_every_attack_checks_its_own_parameters(name: str, key: str, value: object, expected: str) -> None:
    params = {} if name == "fmn" else {"epsilon": 0.1}
    with pytest.raises(AssayError) as error:
        registry.build(name, params | {key: value})
    change = f'Change {key} of the attack "{name}".'
    assert str(error.value) == f'Attack "{name}": expected {key} to be {expected} {change}'


def test_a_recipe_without_its_prefix_and_one_that_cannot_attack_are_explained() -> None:
    with pytest.raises(AssayError, match=r'no attack "pwws"\. Did you mean "textattack:pwws"'):
        registry.build("pwws", {})
    with pytest.raises(
        AssayError, match='"textattack:morpheus" cannot attack a classifier: it lowers the BLEU'
    ):
        registry.build("textattack:morpheus", {})
