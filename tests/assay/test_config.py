"""What a configuration means: defaults, paths, overrides and the attacks it unfolds to."""

import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from assay.config import AttackConfig, AuditConfig, DataConfig, LoraConfig, TrainConfig, load_config

TRAINED = """
[data]
path = "d.csv"

[[candidates]]
name = "adapted"
encoder = "e"

[candidates.train]
objective = "fgsm"
epsilon = 0.1
accumulate = 4
log_to = ["tensorboard"]

[candidates.train.lora]
r = 4
target_modules = ["query"]
"""

FULL = """
name = "reviews"
seed = 7
device = "cuda:1"
runs = "out"
offline = true

[data]
path = "validation.csv"
train_path = "sub/../train.csv"
text = "review"
label = "sentiment"
groups = ["gender", "age_band"]
label_map = { "0" = "negative", "1" = "positive" }

[[candidates]]
name = "baseline"
model = "models/sentiment"

[[candidates]]
name = "hardened"
encoder = "bert-base-uncased"
layers = 3
train = { objective = "fgsm", epsilon = 0.03, epochs = 3 }

[[attacks]]
name = "fgsm"
epsilon = [0.01, 0.03]

[[attacks]]
name = "pgd"
epsilon = 0.03
norm = "l2"
steps = 10

[[attacks]]
name = "swap"

[fairness]
positive_label = "positive"

[[gate]]
metric = "accuracy_under_attack"
candidate = "hardened"
attack = "fgsm"
epsilon = 0.03
group = "gender"
value = "f"
min = 0.60
"""

MINIMAL = '[data]\npath = "d.csv"\n[[candidates]]\nname = "a"\nmodel = "org/m"\n'


def write(folder: Path, content: str, name: str = "assay.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def test_a_full_configuration_is_read(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, FULL))
    assert (config.name, config.seed, config.device, config.offline) == ("reviews", 7, "cuda:1", True)
    assert config.runs == tmp_path / "out"
    assert config.data.path == tmp_path / "validation.csv"
    assert config.data.train_path == tmp_path / "train.csv"
    assert config.data.label_map == {"0": "negative", "1": "positive"}
    assert [candidate.name for candidate in config.candidates] == ["baseline", "hardened"]
    train = config.candidates[1].train
    assert train is not None
    assert (train.objective, train.epsilon, train.epochs, train.ramp) == ("fgsm", 0.03, 3, 0.5)
    assert (config.gate[0].min, config.gate[0].max, config.gate[0].epsilon) == (0.60, None, 0.03)
    assert config.fairness.min_group_size == 30


def test_examples_can_be_compared_by_columns_by_overlapping_groups_and_by_columns_crossed(
    tmp_path: Path,
) -> None:
    config = load_config(
        write(tmp_path, FULL),
        {
            "data.groups": '["gender", "age", "region"]',
            "fairness.intersections": "2",
            "fairness.overlapping.named": '["gender", "age"]',
        },
    )
    assert config.groupings == [
        "gender",
        "age",
        "region",
        "named",
        "gender & age",
        "gender & region",
        "age & region",
    ]
    deeper = config.model_copy(update={"fairness": config.fairness.model_copy(update={"intersections": 3})})
    assert deeper.groupings[-1] == "gender & age & region"


def test_every_epsilon_is_a_run_and_other_keys_are_parameters(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, FULL))
    assert [run for attack in config.attacks for run in attack.expand()] == [
        ("fgsm", {"epsilon": 0.01}),
        ("fgsm", {"epsilon": 0.03}),
        ("pgd", {"epsilon": 0.03, "norm": "l2", "steps": 10}),
        ("swap", {}),
    ]


def test_whole_numbers_are_epsilons_too() -> None:
    assert AttackConfig.model_validate({"name": "fgsm", "epsilon": [1, 2]}).budgets == [1.0, 2.0]


def test_the_name_is_that_of_the_file_and_runs_lie_beside_it(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "\ufeff" + MINIMAL, "sst2.toml"))
    assert (config.name, config.runs) == ("sst2", tmp_path / "runs")


def test_paths_of_the_file_are_relative_to_it_and_those_of_overrides_to_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "configs", MINIMAL)
    (tmp_path / "here" / "models").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert load_config(file).data.path == tmp_path / "configs" / "d.csv"
    config = load_config(
        Path("../configs/assay.toml"),
        {"data.path": "other.csv", "candidates.0.model": "models", "data.train_path": "~/t.csv"},
    )
    assert config.data.path == tmp_path / "here" / "other.csv"
    assert config.data.train_path == Path.home().resolve() / "t.csv"
    assert config.candidates[0].model == str(tmp_path / "here" / "models")
    assert config.runs == tmp_path / "configs" / "runs"
    assert load_config(file, {"data.path": "./~d.csv"}).data.path == tmp_path / "here" / "~d.csv"


@pytest.mark.parametrize(
    ("model", "resolved"),
    [
        ("org/m", "org/m"),
        ("bert-base-uncased", "bert-base-uncased"),
        ("here/m", "{folder}/here/m"),
        ("./gone", "{folder}/gone"),
        ("../gone", "{parent}/gone"),
        ("/gone", "/gone"),
    ],
)
def test_a_model_is_a_path_only_where_it_exists_or_looks_like_one(
    tmp_path: Path, model: str, resolved: str
) -> None:
    (tmp_path / "here" / "m").mkdir(parents=True)
    config = load_config(write(tmp_path, MINIMAL.replace("org/m", model)))
    assert config.candidates[0].model == resolved.format(folder=tmp_path, parent=tmp_path.parent)


def test_overrides_are_toml_values_or_else_strings(tmp_path: Path) -> None:
    config = load_config(
        write(tmp_path, MINIMAL),
        {
            "seed": "5",
            "offline": "true",
            "data.groups": '["g", "h"]',
            "data.text": "review body",
            "data.name": '"x"\nseed = 9',
            "fairness.n_boot": "200",
            "candidates.0.train.epochs": "2",
            "attacks": '[{ name = "fgsm", epsilon = 0.1 }]',
        },
    )
    assert (config.seed, config.offline, config.data.groups) == (5, True, ["g", "h"])
    assert (config.data.text, config.data.name) == ("review body", '"x"\nseed = 9')
    assert config.fairness.n_boot == 200
    train = config.candidates[0].train
    assert train is not None
    assert train.epochs == 2
    assert config.attacks[0].expand() == [("fgsm", {"epsilon": 0.1})]


def test_a_configuration_cannot_be_changed(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, MINIMAL))
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 1  # type: ignore[misc]


def test_a_configuration_round_trips_through_json(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, FULL))
    assert AuditConfig.model_validate_json(config.model_dump_json()) == config


def test_the_settings_of_a_training_are_those_of_the_loop_and_the_rest_the_objectives(tmp_path: Path) -> None:
    from robustness.lora import Lora
    from robustness.training import TrainSettings

    train = load_config(write(tmp_path, TRAINED)).candidates[0].train
    assert train is not None
    assert set(train.settings) == {field.name for field in dataclasses.fields(TrainSettings)} - {"seed"}
    assert train.params == {"epsilon": 0.1}
    assert train.log_to == ["tensorboard"]
    assert (train.settings["accumulate"], train.settings["epochs"]) == (4, 3)
    assert train.settings["lora"] == {"r": 4, "alpha": 16.0, "dropout": 0.0, "target_modules": ["query"]}
    assert set(train.settings["lora"]) == {field.name for field in dataclasses.fields(Lora)}


def test_the_defaults_of_a_training_are_those_of_the_loop() -> None:
    from robustness.lora import Lora
    from robustness.training import TrainSettings

    loop = dataclasses.asdict(TrainSettings())
    assert TrainConfig().settings == {key: value for key, value in loop.items() if key != "seed"}
    assert LoraConfig().model_dump() == dataclasses.asdict(Lora())


def test_the_keys_of_data_are_the_arguments_of_load() -> None:
    from robustness.data import load

    parameters = inspect.signature(load).parameters
    fields = {
        key: field.get_default(call_default_factory=True)
        for key, field in DataConfig.model_fields.items()
        if key != "notes"
    }
    assert set(fields) == set(parameters) - {"seed", "offline", "need_train"}
    assert fields == {key: parameters[key].default for key in fields} | {"groups": []}


def test_a_loaded_configuration_loads_its_data(tmp_path: Path) -> None:
    from robustness.data import load

    (tmp_path / "d.csv").write_text("text,label\na,0\nb,1\n")
    config = load_config(write(tmp_path, MINIMAL))
    assert load(**config.data.load_arguments, seed=config.seed, offline=config.offline).texts == ("a", "b")


def test_reading_a_configuration_imports_nothing_heavy() -> None:
    check = "import sys, assay.config; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["torch", "transformers", "datasets", "pandas", "numpy", "sklearn"]
    done = subprocess.run([sys.executable, "-c", check, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
