"""``assay train`` with flags alone: the model, where it goes, and what is refused."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from assay import train_command
from assay.config import load_config
from assay.quick_config import folder_name, in_flags, parameters, quick_config
from attacks.errors import AssayError
from robustness.loading import load_classifier
from tests.assay.audits import trained, write_config, write_csv
from tests.assay.processes import Done
from tests.robustness.tiny import tiny_dataset

Assay = Callable[..., Done]
QUICK = 'objective = "fgsm", epsilon = 0.2, epochs = 2, batch_size = 8, learning_rate = 5e-3'
EPOCH = re.compile(
    r"hardened: epoch (\d) of 2: loss \d\.\d{4}, validation accuracy \d+\.\d %, \d+\.\d % under its "
    r"attack, \d.*s"
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with data.csv."""
    write_csv(tmp_path / "data.csv", tiny_dataset(160, seed=5))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flags(encoder: Path, output: str, *more: str, objective: str = "fgsm") -> list[str]:
    given = ["train", "--data", "data.csv", "--encoder", str(encoder), "--objective", objective]
    given += ["--device", "cpu", "--output", output, "--param", "batch_size=8"]
    return [*given, *(["--param", "epsilon=0.2"] if objective == "fgsm" else []), *more]


def test_flags_train_one_model_into_a_folder(assay: Assay, here: Path, random_model: Path) -> None:
    arguments = flags(random_model, "models/hardened", "--epochs", "2", "--seed", "4", "--offline")
    done = assay(*arguments)
    assert done.code == 0, done.stderr
    assert sorted(path.name for path in here.iterdir()) == ["data.csv", "models"]
    assert sorted(path.name for path in (here / "models").iterdir()) == ["hardened"]
    assert len([line for line in done.stderr.splitlines() if EPOCH.fullmatch(line)]) == 2
    assert "data that it has not seen: of data it was trained on 108 examples." in done.stdout
    assert 'write model = "models/hardened" in an assay.toml' in done.stdout
    classifier = load_classifier(str(here / "models" / "hardened"), device=torch.device("cpu"))
    assert classifier.label_names == ("negative", "positive")

    again = assay(*arguments)
    assert again.code == 0
    assert "hardened: trained before, taken from models/hardened" in again.stderr
    assert again.stdout == done.stdout
    assert sorted(path.name for path in (here / "models").iterdir()) == ["hardened"]

    other = assay(*flags(random_model, "models/hardened", "--epochs", "1"))
    assert other.code == 2
    assert "models/hardened: there is a model already, which other data, settings" in other.stderr
    assert "Choose another folder" in other.stderr
    assert sorted(path.name for path in (here / "models").iterdir()) == ["hardened"]


def test_flags_give_the_model_that_a_configuration_gives(
    assay: Assay, here: Path, random_model: Path
) -> None:
    write_config(here, trained(random_model, QUICK), data="")
    assert assay("train").code == 0
    assert assay(*flags(random_model, "m", "--epochs", "2", "--param", "learning_rate=5e-3")).code == 0
    one, other = (
        load_file(folder / "model.safetensors")
        for folder in (here / "runs/assay/models/hardened", here / "m")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_classifier_is_trained_further_and_columns_are_named(
    assay: Assay, here: Path, learnt_model: Path
) -> None:
    (here / "data.csv").write_text((here / "data.csv").read_text().replace("text,label", "review,mood", 1))
    done = assay(
        *["train", "--data", "data.csv", "--text", "review", "--label", "mood", "--model", str(learnt_model)],
        *["--epochs", "1", "--output", "m", "--device", "cpu", "--set", "data.test_fraction=0.5"],
    )
    assert done.code == 0, done.stderr
    assert "it was trained on 72 examples." in done.stdout
    assert "  standard  " in done.stdout


def test_an_interrupted_training_with_flags_goes_on(
    assay: Assay, here: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = flags(random_model, "m", "--epochs", "2")

    def interrupted(self: Any, step: int, record: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(train_command.EpochLines, "validated", interrupted)
        assert assay(*arguments).code == 2
    assert not (here / "m").exists()
    assert list((here / ".training-m").glob("*/state.pt"))
    done = assay(*arguments)
    assert done.code == 0
    assert "m: going on after epoch 1" in done.stderr
    assert not (here / ".training-m").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "data.csv"], ["expected --data (the examples) and --output (the folder"]),
        (["--data", "data.csv", "--output", "m"], ["--model and --encoder: expected exactly one"]),
        (["--data", "data.csv", "--output", "m", "--encoder", "./e"], ["/e: no such folder"]),
        (["--data", "dat.csv", "--output", "m", "--encoder", "MODEL"], ["no such file", 'mean "data.csv"?']),
        (
            ["--data", "data.csv", "--output", "m", "--encoder", "MODEL", "--text", "txt"],
            ['there is no column "txt"', 'mean "text"?'],
        ),
        (
            ["--data", "data.csv", "--output", "m", "--encoder", "MODEL", "--param", "batch_size=0"],
            ["command line: --param batch_size: expected greater than or equal to 1, got 0"],
        ),
        (
            ["--data", "data.csv", "--output", "m", "--encoder", "MODEL", "--param", "epsilon=0.1"],
            ['(candidate "m")', 'Objective "standard" has no parameter "epsilon"'],
        ),
        (
            [
                "--data",
                "data.csv",
                "--output",
                "m",
                "--encoder",
                "MODEL",
                "--param",
                "epochs=2",
                "--epochs",
                "1",
            ],
            ["--param: epochs is given already, with --epochs"],
        ),
        (
            ["--data", "data.csv", "--output", "m", "--encoder", "MODEL", "--param", "epsilon"],
            ['--param: expected KEY=VALUE, got "epsilon"'],
        ),
        (
            ["--data", "data.csv", "--output", "full", "--encoder", "MODEL"],
            ["--output: the folder full is not empty, and nothing in it is overwritten"],
        ),
        (
            ["--data", "data.csv", "--output", "data.csv", "--encoder", "MODEL"],
            ["--output: data.csv is a file"],
        ),
        (
            ["--data", "data.csv", "--output", "data.csv/m", "--encoder", "MODEL"],
            ["data.csv/.training-m: the run folder cannot be written"],
        ),
    ],
)
def test_a_mistake_in_the_flags_is_named(
    arguments: list[str], words: list[str], assay: Assay, here: Path, random_model: Path
) -> None:
    (here / "full").mkdir()
    (here / "full" / "thesis.txt").write_text("years of work")
    done = assay("train", *[str(random_model) if each == "MODEL" else each for each in arguments])
    assert (done.code, done.stdout) == (2, "")
    assert [word for word in words if word not in done.stderr] == [], done.stderr
    assert "Traceback" not in done.stderr
    assert (here / "full" / "thesis.txt").read_text() == "years of work"
    assert not (here / "m").exists()
    assert not (here / ".training-m").exists()


def test_a_quick_configuration_is_that_of_a_file(here: Path) -> None:
    (here / "models").mkdir()
    found = quick_config(
        data=Path("data.csv"),
        name="m",
        text="review",
        encoder="models",
        train={"objective": "fgsm", "epsilon": 0.1, "lora": {"r": 4}},
        attacks=[{"name": "fgsm", "epsilon": [0.1, 0.2]}],
        seed=3,
        device="cpu",
        offline=True,
        overrides={"data.label": "mood", "data.id": "id"},
    )
    (here / "quick.toml").write_text(
        'seed = 3\ndevice = "cpu"\noffline = true\n[data]\npath = "data.csv"\ntext = "review"\n'
        'label = "mood"\nid = "id"\n[[candidates]]\nname = "m"\nencoder = "models"\n'
        'train = { objective = "fgsm", epsilon = 0.1, lora = { r = 4 } }\n'
        '[[attacks]]\nname = "fgsm"\nepsilon = [0.1, 0.2]\n'
    )
    assert found == load_config(here / "quick.toml")
    assert found.data.path == here / "data.csv"
    assert found.candidates[0].encoder == str(here / "models")


def test_parameters_are_toml_values_or_else_strings() -> None:
    assert parameters(["epsilon=0.05", "norm=l2", "lora.r=8", "lora.dropout=0.1", "random_start=true"]) == {
        "epsilon": 0.05,
        "norm": "l2",
        "lora": {"r": 8, "dropout": 0.1},
        "random_start": True,
    }
    with pytest.raises(AssayError, match="lora is given as a value"):
        parameters(["lora=3", "lora.r=8"])


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("command line: candidates.0.train.epochs: expected x", "command line: --epochs: expected x"),
        ("command line: candidates.0.train.ramp: got 2", "command line: --param ramp: got 2"),
        ("command line: data.path: missing", "command line: --data: missing"),
        ("a.toml: data.path: missing", "a.toml: data.path: missing"),
    ],
)
def test_messages_speak_of_flags(message: str, said: str) -> None:
    assert in_flags(message) == said


@pytest.mark.parametrize(
    ("output", "name"),
    [("models/hardened", "hardened"), ("my model/v 1.0", "v-1.0"), (".hidden", "hidden"), ("/", "model")],
)
def test_the_candidate_is_called_as_its_folder(output: str, name: str) -> None:
    assert folder_name(Path(output)) == name
