"""Every mistake ends with exit code 2 and one message that names it, before anything expensive ran."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from assay import candidates
from robustness import evaluate
from tests.assay.audits import write_csv
from tests.assay.processes import Done, run
from tests.robustness.tiny import tiny_dataset, tiny_folder

Assay = Callable[..., Done]

CONFIG = """
device = "cpu"
[data]
path = "data.csv"
groups = ["gender"]
[[candidates]]
name = "plain"
model = "model"
[[attacks]]
name = "fgsm"
epsilon = 0.1
"""
TRAINED = CONFIG.replace('model = "model"', 'encoder = "model"\ntrain = { TRAIN }')
HUB_DATA = CONFIG.replace('path = "data.csv"', 'hub = "org/reviews"')


@dataclass(frozen=True)
class Bad:
    """One mistake, the arguments of ``assay audit`` that make it, and the words that name it.

    files: {name: content} of what stands in the folder instead.
    """

    words: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    config: str = CONFIG


def bad(*words: str, config: str = CONFIG, arguments: tuple[str, ...] = (), **files: str) -> Bad:
    named = tuple((name.replace("_", "."), content) for name, content in files.items())
    return Bad(words, named, arguments, config)


def put(key: str, value: str) -> tuple[str, str]:
    return "--set", f"{key}={value}"


def training(keys: str) -> str:
    return TRAINED.replace("TRAIN", keys)


HEADER = "text,label,gender\n"
GOOD_ROWS = "a film,negative,man\ngreat film,positive,woman\n"
JSON = json.dumps({"text": "a film", "label": "negative", "gender": "man"}) + "\n"
AS_JSON = put("data.path", "data.jsonl")

DATA = {
    "missing file": bad("data.cvs: no such file", 'mean "data.csv"?', arguments=put("data.path", "data.cvs")),
    "missing column": bad(
        "data.csv",
        'no column "review"',
        "text, label, gender",
        arguments=put("data.text", "review"),
        data_csv=HEADER + GOOD_ROWS,
    ),
    "missing label column": bad('no column "lable"', 'mean "label"?', arguments=put("data.label", "lable")),
    "empty column name": bad("column 3 has no name", data_csv="text,label,\n" + GOOD_ROWS),
    "a column empty in every row": bad(
        "row 1", 'column "text"', "the text is empty", data_csv=HEADER + ",negative,man\n,positive,man\n"
    ),
    "duplicate column": bad(
        'two columns are called "text"', data_csv="text,label,gender,text\na,negative,man,b\n"
    ),
    "empty file": bad("data.csv", "the dataset is empty", data_csv=""),
    "empty dataset": bad("data.csv", "the dataset is empty", data_csv=HEADER),
    "a label the model does not know": bad(
        'the label "positve"',
        "model: the data has",
        'mean "positive"?',
        "label_map",
        data_csv=HEADER + GOOD_ROWS.replace("positive", "positve"),
    ),
    "one class": bad(
        'all 2 test examples have the label "negative"',
        "at least two classes",
        data_csv=HEADER + GOOD_ROWS.replace("positive", "negative"),
    ),
    "missing text": bad(
        "row 3 (line 4)",
        'column "text"',
        "the text is empty",
        data_csv=HEADER + GOOD_ROWS + ",positive,man\n",
    ),
    "NaN text": bad(
        "data.jsonl, row 2",
        "the text is missing",
        arguments=AS_JSON,
        data_jsonl=JSON + JSON.replace('"a film"', "NaN"),
    ),
    "text that is a number": bad(
        "row 2 (line 2)",
        "expected text, got int 7",
        arguments=AS_JSON,
        data_jsonl=JSON + JSON.replace('"a film"', "7"),
    ),
    "missing label": bad("row 1", "the label is missing", data_csv=HEADER + "a film,,man\n" + GOOD_ROWS),
    "unknown group column": bad(
        'no column "gendre"', 'mean "gender"?', arguments=put("data.groups", '["gendre"]')
    ),
    "a hub dataset offline": bad(
        "'org/reviews'",
        "Hugging Face hub",
        "offline",
        "save_to_disk",
        config=HUB_DATA,
        arguments=("--offline",),
    ),
}
CONFIGS = {
    "missing config": bad("gone.toml: no such configuration file", arguments=("gone.toml",)),
    "broken TOML": bad("assay.toml: not valid TOML", config="[data\n"),
    "unknown key": bad('unknown key "data.txt"', 'mean "text"?', arguments=put("data.txt", "x")),
    "unknown section": bad(
        'unknown key "atacks"', 'mean "attacks"?', config=CONFIG.replace("attacks", "atacks")
    ),
    "override without value": bad("--set: expected KEY=VALUE", arguments=("--set", "seed")),
    "epsilon below zero": bad(
        "attacks.0.epsilon", "above 0", "got -0.1", arguments=put("attacks.0.epsilon", "-0.1")
    ),
    "empty model": bad("candidates.0.model", arguments=put("candidates.0.model", '""')),
    "a gate limit in percent": bad(
        "gate.0.min: accuracy lies between 0 and 1, got 60.",
        "mean 0.6?",
        arguments=put("gate", '[{metric = "accuracy", min = 60}]'),
    ),
    "unknown attack": bad('"pdg"', 'mean "pgd"?', arguments=put("attacks.0.name", "pdg")),
    "unknown key of an attack": bad(
        '"fgsm" has no parameter "special_token"',
        'mean "special_tokens"?',
        arguments=put("attacks.0.special_token", "true"),
    ),
    "unknown objective": bad('"fgmm"', 'mean "fgm"?', config=training('objective = "fgmm"')),
    "unknown key of train": bad(
        '"epoch"', 'mean "epochs"?', config=training('objective = "fgsm", epsilon = 0.1, epoch = 3')
    ),
    "epsilon of an objective below zero": bad(
        '"fgsm"', "epsilon", "above zero", "-0.1", config=training('objective = "fgsm", epsilon = -0.1')
    ),
    "an objective without its epsilon": bad('"fgsm" needs epsilon', config=training('objective = "fgsm"')),
    "a device that is not there": bad('"cuda:99" is not available here', arguments=("--device", "cuda:99")),
    "an unknown device": bad("device: expected auto, cpu", 'got "gpu"', arguments=("--device", "gpu")),
    "an unknown metric": bad(
        'no metric "acuracy"', 'mean "accuracy"?', config=CONFIG + '[[gate]]\nmetric = "acuracy"\nmin = 0\n'
    ),
    "a metric without its attack": bad(
        "accuracy_under_attack goes with attack",
        config=CONFIG + '[[gate]]\nmetric = "accuracy_under_attack"\nmin = 0\n',
    ),
    "a group that the data does not have": bad(
        'no audited example has gender = "womn"',
        'mean "woman"?',
        config=CONFIG + '[[gate]]\nmetric = "tpr"\ngroup = "gender"\nvalue = "womn"\nmin = 0\n',
    ),
    "an unknown positive label": bad(
        "fairness.positive_label", 'mean "positive"?', arguments=put("fairness.positive_label", "postive")
    ),
}
MODELS = {
    "no such folder": bad("gone: no such folder", arguments=put("candidates.0.model", "./gone")),
    "a file for a folder": bad("got a file", arguments=put("candidates.0.model", "./data.csv")),
    "an empty folder": bad("no config.json", arguments=put("candidates.0.model", "./empty")),
    "no weights": bad("no weights", "model.safetensors", arguments=put("candidates.0.model", "weightless")),
    "pickled weights": bad(
        "pytorch_model.bin", "allow_pickle = true", arguments=put("candidates.0.model", "pickled")
    ),
    "damaged weights": bad("damaged: could not be loaded", arguments=put("candidates.0.model", "damaged")),
    "answers of NaN": bad(
        'candidate "plain": the model answered NaN', arguments=put("candidates.0.model", "nans")
    ),
    "wrong number of classes": bad(
        "three: expected 2 classes", "neutral", "labels = [...]", arguments=put("candidates.0.model", "three")
    ),
    "other labels": bad("other", "cat", "label_map", arguments=put("candidates.0.model", "other")),
    "more layers than there are": bad(
        "expected layers from 1 to 2",
        "got 9",
        config=training("epochs = 1").replace("train =", "layers = 9\ntrain ="),
    ),
    "longer texts than there are positions": bad(
        "max_length", "64", "got 9999", arguments=put("candidates.0.max_length", "9999")
    ),
    "a hub model offline": bad(
        '"org/model" is no local folder',
        "offline",
        "hf download org/model",
        arguments=("--offline", *put("candidates.0.model", "org/model")),
    ),
    "an unknown package": bad(
        '"package:gt-al"',
        "expected one of",
        config=training("epochs = 1"),
        arguments=put("candidates.0.encoder", "package:gt-al"),
    ),
}
RUN_FOLDERS = {
    "a file in its way": bad("data.csv", "cannot be written", "runs = ", arguments=put("runs", "data.csv")),
    "a place where nothing can be made": bad("cannot be written", arguments=put("runs", "/proc/runs")),
    "a ledger that is none": bad("ledger.sqlite", "is no ledger", "move it away"),
}
CASES = DATA | CONFIGS | MODELS | RUN_FOLDERS


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, learnt_model: Path) -> Path:
    """A folder of models: one that is good, and one for each way to be bad."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("model", "weightless", "pickled", "damaged", "nans"):
        shutil.copytree(learnt_model, folder / name)
    weights = load_file(folder / "model" / "model.safetensors")
    for name in ("weightless", "pickled"):
        (folder / name / "model.safetensors").unlink()
    torch.save(weights, folder / "pickled" / "pytorch_model.bin")
    whole = (folder / "model" / "model.safetensors").read_bytes()
    (folder / "damaged" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    weights["classifier.bias"] = torch.full((2,), float("nan"))
    save_file(weights, folder / "nans" / "model.safetensors", {"format": "pt"})
    (folder / "tiny").mkdir()
    for name, labels in (("three", ("negative", "neutral", "positive")), ("other", ("cat", "dog"))):
        shutil.move(tiny_folder(folder / "tiny", labels=labels), folder / name)
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def here(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the models and good data; measuring and training are forbidden."""
    for model in models.iterdir():
        (tmp_path / model.name).symlink_to(model)
    write_csv(tmp_path / "data.csv", tiny_dataset(40, seed=5))
    monkeypatch.chdir(tmp_path)

    def forbidden(*arguments: Any, **options: Any) -> None:
        raise AssertionError("this is expensive")

    monkeypatch.setattr(evaluate, "predict", forbidden)
    monkeypatch.setattr(candidates, "train", forbidden)
    return tmp_path


@pytest.mark.parametrize("mistake", CASES)
def test_a_mistake_is_named_and_ends_with_code_2(here: Path, assay: Assay, mistake: str) -> None:
    case = CASES[mistake]
    (here / "assay.toml").write_text(case.config, encoding="utf-8")
    for name, content in case.files:
        (here / name).write_text(content, encoding="utf-8")
    if mistake == "a ledger that is none":
        (here / "runs" / "assay").mkdir(parents=True)
        (here / "runs" / "assay" / "ledger.sqlite").write_text("nothing of the kind" * 100)
    done = assay("audit", *case.arguments)
    assert done.code == 2
    assert [words for words in case.words if words not in done.stderr] == [], done.stderr
    assert done.stderr.startswith("assay: ")
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert done.stdout == ""
    assert not list(here.glob("runs/*/models/*"))


def test_the_case_that_all_mistakes_start_from_is_good(
    here: Path, assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(here)
    (here / "assay.toml").write_text(CONFIG, encoding="utf-8")
    assert assay("audit").code == 0


def test_pickled_weights_are_read_where_they_are_allowed(
    here: Path, assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(here)
    (here / "assay.toml").write_text(CONFIG, encoding="utf-8")
    allowed = [*put("candidates.0.model", "pickled"), *put("candidates.0.allow_pickle", "true")]
    assert assay("audit", *allowed).code == 0


def test_a_disk_that_is_full_in_the_middle_is_named_and_nothing_is_lost(tmp_path: Path, models: Path) -> None:
    """The largest file is smaller than the model's weights, as if the disk were full while they are saved."""
    (tmp_path / "model").symlink_to(models / "model")
    write_csv(tmp_path / "data.csv", tiny_dataset(60, seed=5))
    (tmp_path / "assay.toml").write_text(training("epochs = 1"), encoding="utf-8")
    stopped = run(["audit"], tmp_path, largest_file=50_000)
    assert stopped.code == 2
    assert "Traceback" not in stopped.stderr
    assert "internal error" not in stopped.stderr
    assert "Free some space" in stopped.stderr
    assert run(["audit"], tmp_path).code == 0


def test_a_full_disk_keeps_what_the_ledger_has(tmp_path: Path, models: Path) -> None:
    (tmp_path / "model").symlink_to(models / "model")
    write_csv(tmp_path / "data.csv", tiny_dataset(400, seed=5))
    (tmp_path / "assay.toml").write_text(CONFIG, encoding="utf-8")
    stopped = run(["audit"], tmp_path, largest_file=60_000)
    assert stopped.code == 2
    assert "Traceback" not in stopped.stderr
    assert "internal error" not in stopped.stderr
    assert "Free some space" in stopped.stderr
    assert run(["audit"], tmp_path).code == 0
