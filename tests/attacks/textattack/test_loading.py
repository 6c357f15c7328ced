"""TextAttack is imported without a trace, and what is missing is said in one line."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from attacks.errors import AssayError
from attacks.goals import Goal
from attacks.textattack import loading, resources
from tests.attacks.textattack.test_same_answers import recipe_attack
from tests.attacks.textattack.victims import NoisyVictim

IMPORTED = """
import logging, os, socket, sys
from pathlib import Path
from attacks.textattack import loading, resources
resources.use(Path(sys.argv[1]))
def refused(*_): raise OSError("no network in this test")
socket.socket.connect = refused
before = dict(os.environ)
mine = logging.getLogger("robustness.mine")
module = loading.textattack()
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
assert not mine.disabled
import huggingface_hub.constants, textattack.shared.utils.install as install
assert huggingface_hub.constants.HF_HOME.startswith(os.environ["HOME"]), huggingface_hub.constants.HF_HOME
print(install.TEXTATTACK_CACHE_DIR)
print(sorted(map(str, Path(os.environ["HOME"]).rglob("*textattack*"))))
"""


def test_importing_it_leaves_environment_home_and_network_alone(ta: ModuleType, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_", "TA_"))}
    run = subprocess.run(
        [sys.executable, "-c", IMPORTED, str(resources.folder())],
        cwd=Path(__file__).resolve().parents[3],
        env={**kept, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [str(resources.textattack_path()), "[]"]
    assert run.stderr == ""


@pytest.mark.parametrize("package", ["textattack", "greenlet"])
def test_a_missing_package_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(loading, "find_spec", lambda name: None if name == package else found(name))
    with pytest.raises(AssayError, match=rf"{package}.*pip install 'assay\[textattack\]'"):
        loading.textattack()


def test_a_recipe_without_its_resources_says_so_in_one_line_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = resources.Resource("nltk:wordnet", "WordNet 3.0", 10.8, "run this")
    monkeypatch.setattr(resources, "missing", lambda names: [needed] if "nltk:wordnet" in names else [])
    monkeypatch.setattr(loading, "_first_import", lambda: pytest.fail("imported too early"))
    expected = (
        'Attack "textattack:pwws" needs WordNet 3.0 (10.8 MB), which is not here. '
        'Get it with "assay resources fetch nltk:wordnet", or by hand: run this'
    )
    attack = recipe_attack("pwws")
    with pytest.raises(AssayError) as said:
        attack.check()
    assert str(said.value) == expected
    with pytest.raises(AssayError) as said:
        attack.perturb(NoisyVictim(), ["a film"], Goal(torch.tensor([1])), [0])
    assert str(said.value) == expected
    recipe_attack("deepwordbug").check()


def test_homoglyphs_without_their_list_say_where_to_get_it(ta: ModuleType) -> None:
    attack = recipe_attack("bad-characters", perturbation="homoglyphs")
    listed = resources.textattack_path() / "intentional_homoglyphs.txt"
    with pytest.raises(AssayError, match=r"unicode\.org.*intentional_homoglyphs\.txt"):
        attack.check()
    listed.parent.mkdir(parents=True)
    listed.write_text("0061 ;\t0430\t#* ( a ~ \u0430 ) LATIN ~ CYRILLIC\n", encoding="utf-8")
    try:
        attack.check()
        goal = Goal(torch.tensor([1]))
        (found,) = attack.perturb(NoisyVictim(), ["a cat sat"], goal, [0])
    finally:
        listed.unlink()
    assert isinstance(found.text, str)
    assert found.text.replace("\u0430", "a") == "a cat sat"
    assert "\u0430" in found.text
