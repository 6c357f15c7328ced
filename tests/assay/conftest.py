import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from assay import cli
from attacks.textattack import resources
from robustness.loading import load_classifier
from robustness.objectives.standard import Standard
from robustness.training import train
from tests.assay.processes import Done
from tests.robustness.small_training import LEARNING
from tests.robustness.tiny import tiny_dataset, tiny_folder


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random two-class model."""
    return tiny_folder(tmp_path_factory.mktemp("random"))


@pytest.fixture(scope="session")
def learnt_model(tmp_path_factory: pytest.TempPathFactory, random_model: Path) -> Path:
    """A folder with a model that tells good from bad."""
    classifier = load_classifier(str(random_model), device=torch.device("cpu"))
    settings = LEARNING
    state = tmp_path_factory.mktemp("state")
    train(classifier, tiny_dataset(160, seed=1), tiny_dataset(40, seed=2), Standard(), settings, state)
    folder = tmp_path_factory.mktemp("learnt") / "model"
    classifier.model.save_pretrained(folder, safe_serialization=True)
    classifier.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def assay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """``assay(*arguments)`` runs the command in this process."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["assay", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capsys.readouterr()
        code = stopped.value.code
        assert code is None or isinstance(code, int)
        return Done(code or 0, captured.out, captured.err)

    return run


@pytest.fixture
def bare_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty resource folder on a machine without NLTK data, hub models or Debian's WordNet."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("HF_HOME", "HF_HUB_CACHE", "FLAIR_CACHE_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(resources, "_nltk_folders", list)
    monkeypatch.setattr(resources, "DEBIAN_WORDNET", tmp_path / "none")
    resources.use(tmp_path / "resources")
    yield tmp_path / "resources"
    resources.use(None)
