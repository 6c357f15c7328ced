"""The table of recipes is whole, and says of each what it needs."""

import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from attacks.textattack import attack as recipe_attacks
from attacks.textattack import resources
from attacks.textattack.recipes import RECIPES


def test_the_table_has_every_recipe_of_TextAttack(ta: ModuleType) -> None:
    recipe = ta.attack_recipes.AttackRecipe
    published = {
        name
        for name, member in vars(ta.attack_recipes).items()
        if isinstance(member, type) and issubclass(member, recipe) and member is not recipe
    }
    assert {recipe.builder for recipe in RECIPES.values()} == published


def test_names_are_those_of_TextAttacks_command_line(ta: ModuleType) -> None:
    by_class = {path.rsplit(".", 1)[1]: name for name, path in ta.attack_args.ATTACK_RECIPE_NAMES.items()}
    for name, recipe in RECIPES.items():
        assert name == by_class.get(recipe.builder, name)
    assert list(RECIPES) == sorted(RECIPES)


def test_everything_that_is_needed_is_known_as_a_resource() -> None:
    for recipe in RECIPES.values():
        if recipe.why_not is None:
            assert all(resources.resource(name).what for name in recipe.needs)


def test_an_attack_travels_to_another_process() -> None:
    attack = recipe_attacks.BadCharacters(perturbation="deletions")
    assert pickle.loads(pickle.dumps(attack)) == attack
    other = vars(recipe_attacks)["PWWSRen2019"](max_queries=7)
    assert pickle.loads(pickle.dumps(other)) == other


def test_attacks_are_listed_without_importing_textattack() -> None:
    code = (
        "import sys, pkgutil, importlib, attacks.textattack as package\n"
        "for each in pkgutil.iter_modules(package.__path__, 'attacks.textattack.'):\n"
        "    importlib.import_module(each.name)\n"
        "print([name for name in ('textattack', 'nltk', 'flair') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[3]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
