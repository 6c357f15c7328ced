import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from assay import cli
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
