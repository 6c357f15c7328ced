"""Bad configurations: each row is one mistake and the words that its message must hold."""

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.config import load_config
from assay.config_messages import messages
from assay.config_models import AuditConfig
from attacks.errors import AssayError

DATA = '[data]\npath = "d.csv"\ngroups = ["gender"]\n'
PLAIN = '[[candidates]]\nname = "plain"\nmodel = "m"\n'
GOOD = DATA + PLAIN
ATTACK = '[[attacks]]\nname = "fgsm"\nepsilon = [0.01, 0.03]\n'
GATE = '[[gate]]\nmetric = "accuracy"\n'


def train(options: str) -> str:
    return DATA + f'[[candidates]]\nname = "a"\nencoder = "e"\ntrain = {{ {options} }}\n'


CASES = [
    pytest.param("[data\n", ["not valid TOML", "line 1"], id="syntax"),
    pytest.param("seed = 1\n" + PLAIN, ["data: missing"], id="no data"),
    pytest.param(DATA, ["candidates: missing"], id="no candidates"),
    pytest.param("candidates = []\n" + DATA, ["candidates", "at least 1"], id="empty candidates"),
    pytest.param("sede = 1\n" + GOOD, ['unknown key "sede"', 'mean "seed"?', "top level"], id="unknown key"),
    pytest.param(
        "[data]\ntxt = 'a'\npath = 'd'\n" + PLAIN,
        ['unknown key "data.txt"', 'mean "text"?', "Keys of data: path, hub"],
        id="unknown key of data",
    ),
    pytest.param(
        GOOD + "alow_pickle = true\n",
        ['"candidates.0.alow_pickle"', 'mean "allow_pickle"?', "Keys of candidates.0"],
        id="unknown key of a candidate",
    ),
    pytest.param("seed = '3'\n" + GOOD, ["seed: expected a whole number", 'got "3"'], id="string for int"),
    pytest.param("seed = true\n" + GOOD, ["seed: expected a whole number", "got true"], id="bool for int"),
    pytest.param("seed = -1\n" + GOOD, ["seed: expected greater than or equal to 0, got -1"], id="seed"),
    pytest.param("offline = 1\n" + GOOD, ["offline: expected true or false, got 1"], id="int for bool"),
    pytest.param("data = 3\n" + PLAIN, ["data: expected a table, got 3"], id="number for table"),
    pytest.param(
        GOOD + '[gate]\nmetric = "accuracy"\nmin = 0.8\n',
        [
            "assay.toml: gate: expected one table or more",
            "Write [[gate]] with two brackets in place of [gate].",
        ],
        id="one bracket",
    ),
    pytest.param("gate = 3\n" + GOOD, ["gate: expected a list, got 3"], id="number for list"),
    pytest.param("runs = 3\n" + GOOD, ["runs: expected a path", "got 3"], id="number for path"),
    pytest.param(
        GOOD + '[counterfactual]\ntemplates = ["tmpl.txt"]\n',
        ["assay.toml: counterfactual.templates: expected true, false or a path, got ['tmpl.txt']."],
        id="list for true, false or a path",
    ),
    pytest.param(
        GOOD + "[counterfactual]\ntemplates = 3\n",
        ["assay.toml: counterfactual.templates: expected true, false or a path, got 3."],
        id="number for true, false or a path",
    ),
    pytest.param('runs = ""\n' + GOOD, ["runs: expected a path", 'got ""'], id="empty path"),
    pytest.param(
        "[data]\npath = 'd'\ntext = 1\n" + PLAIN, ["data.text: expected a string, got 1"], id="text"
    ),
    pytest.param(
        "[data]\npath = 'd'\ngroups = 'g'\n" + PLAIN, ['data.groups: expected a list, got "g"'], id="groups"
    ),
    pytest.param(
        "[data]\npath = 'd'\nlabel_map = { 0 = 1 }\n" + PLAIN,
        ["data.label_map.0: expected a string"],
        id="label_map",
    ),
    pytest.param(
        "[data]\npath = 'd'\ntest_fraction = 1\n" + PLAIN, ["data.test_fraction", "less than 1"], id="share"
    ),
    pytest.param(
        "[data]\npath = 'd'\nmax_examples = 0\n" + PLAIN, ["data.max_examples", "got 0"], id="sample"
    ),
    pytest.param("[data]\n" + PLAIN, ["data: expected exactly one of path", "hub"], id="no source"),
    pytest.param(
        "[data]\npath = 'd'\nhub = 'o/d'\n" + PLAIN, ["data: expected exactly one of"], id="two sources"
    ),
    pytest.param(
        "[data]\nhub = 'o/d'\ntrain_path = 'd'\n" + PLAIN, ["data: train_path", "hub"], id="hub and file"
    ),
    pytest.param(
        "[data]\npath = 'd'\nhub_config = 'c'\n" + PLAIN, ["data: hub_config goes with hub"], id="hub_config"
    ),
    pytest.param(
        "[data]\npath = 'd'\ntrain_path = 't'\nsplit_column = 's'\n" + PLAIN,
        ["split_column", "train_path"],
        id="split",
    ),
    pytest.param(
        'name = "../up"\n' + GOOD, ["name: expected a name that can be a folder", "../up"], id="unsafe name"
    ),
    pytest.param('device = "gpu"\n' + GOOD, ["device: expected auto, cpu", 'got "gpu"'], id="device"),
    pytest.param(
        DATA + '[[candidates]]\nname = "a/b"\nmodel = "m"\n',
        ["candidates.0.name", "a/b"],
        id="candidate name",
    ),
    pytest.param(
        GOOD + PLAIN.replace("plain", "Plain"), ["two candidates", '"plain"'], id="double candidate"
    ),
    pytest.param(
        DATA + '[[candidates]]\nname = "a"\n', ["candidates.0: expected exactly one of model"], id="no model"
    ),
    pytest.param(
        GOOD + 'encoder = "e"\n', ["candidates.0: expected exactly one of model"], id="model and encoder"
    ),
    pytest.param(
        DATA + '[[candidates]]\nname = "a"\nencoder = "e"\n',
        ["candidates.0", "must be fine-tuned"],
        id="untrained",
    ),
    pytest.param(GOOD + "layers = 3\n", ["candidates.0: layers"], id="layers of a model"),
    pytest.param(GOOD + "max_length = 1\n", ["candidates.0.max_length", "got 1"], id="max_length"),
    pytest.param(
        train("learning_rate = 0"), ["candidates.0.train.learning_rate", "greater than 0"], id="rate"
    ),
    pytest.param(train("ramp = 1.5"), ["candidates.0.train.ramp", "got 1.5"], id="ramp"),
    pytest.param(train("weight_decay = inf"), ["candidates.0.train.weight_decay", "finite"], id="inf"),
    pytest.param(train("epochs = 0"), ["candidates.0.train.epochs", "got 0"], id="epochs"),
    pytest.param(
        train('precision = "fp61"'),
        ["candidates.0.train.precision", "'bf16'", 'mean "fp16"?'],
        id="precision",
    ),
    pytest.param(train("accumulate = 0"), ["candidates.0.train.accumulate", "got 0"], id="no parts"),
    pytest.param(
        train("batch_size = 4, accumulate = 5"),
        ["candidates.0.train", "accumulate (5) is above batch_size (4)"],
        id="more parts than examples",
    ),
    pytest.param(train("lora = true"), ["candidates.0.train.lora: expected a table, got true"], id="lora"),
    pytest.param(train("lora = { r = 0 }"), ["candidates.0.train.lora.r", "got 0"], id="rank"),
    pytest.param(
        train("lora = { alpha = 0 }"), ["candidates.0.train.lora.alpha", "greater than 0"], id="alpha"
    ),
    pytest.param(
        train("lora = { dropout = 1.0 }"), ["candidates.0.train.lora.dropout", "less than 1"], id="dropout"
    ),
    pytest.param(
        train("lora = { target_modules = [] }"), ["candidates.0.train.lora.target_modules"], id="no modules"
    ),
    pytest.param(
        train("lora = { rnak = 4 }"),
        ['unknown key "candidates.0.train.lora.rnak"', "Keys of candidates.0.train.lora: r, alpha, dropout"],
        id="unknown key of lora",
    ),
    pytest.param(
        train("lora = { r = 4 }, freeze_embeddings = true"),
        ["candidates.0.train", "leave freeze_embeddings out"],
        id="lora and frozen embeddings",
    ),
    pytest.param(
        train('log_to = ["tensorbord"]'),
        ["candidates.0.train.log_to.0", "'mlflow'", 'mean "tensorboard"?'],
        id="unknown tracker",
    ),
    pytest.param(train('log_to = "mlflow"'), ["candidates.0.train.log_to: expected a list"], id="log_to"),
    pytest.param(
        train('log_to = ["mlflow", "mlflow"]'), ["log_to: expected each tracker once"], id="double tracker"
    ),
    pytest.param(
        GOOD + '[[attacks]]\nname = "fgsm"\nepsilon = -1\n', ["attacks.0.epsilon", "got -1"], id="epsilon"
    ),
    pytest.param(
        GOOD + '[[attacks]]\nname = "fgsm"\nepsilon = []\n',
        ["attacks.0.epsilon", "a number"],
        id="no epsilon",
    ),
    pytest.param(
        GOOD + '[[attacks]]\nname = "fgsm"\nepsilon = [1, "a"]\n', ["attacks.0.epsilon", "a list"], id="mixed"
    ),
    pytest.param(
        GOOD + '[[attacks]]\nname = "fgsm"\nepsilon = nan\n', ["attacks.0.epsilon", "nan"], id="nan"
    ),
    pytest.param(
        GOOD + '[[attacks]]\nname = "fgsm"\nepsilon = [1, 1.0]\n', ["attacks.0.epsilon", "once"], id="double"
    ),
    pytest.param(GOOD + ATTACK + ATTACK, ['the attack "fgsm" is given twice', "0.01"], id="double attack"),
    pytest.param(
        GOOD + "[fairness]\nconfidence = 95\n", ["fairness.confidence", "less than 1, got 95"], id="percent"
    ),
    pytest.param(
        GOOD + '[fairness.overlapping]\nall = ["gender"]\n',
        ["fairness.overlapping.all", "2"],
        id="one member",
    ),
    pytest.param(
        GOOD + '[fairness.overlapping]\nall = ["gender", "aeg"]\n',
        ['fairness.overlapping.all: "aeg" is none of data.groups', "There are: gender"],
        id="member that is no group",
    ),
    pytest.param(
        GOOD + '[fairness.overlapping]\ngender = ["gender", "gender"]\n',
        ['"gender" is a group column already'],
        id="overlapping groups named as a column",
    ),
    pytest.param(GOOD + "[fairness]\nintersections = 6\n", ["fairness.intersections", "got 6"], id="depth"),
    pytest.param(GOOD + GATE, ["gate.0: expected min, max, max_drop or max_rise"], id="no limit"),
    pytest.param(
        GOOD + GATE + "min = 0.9\nmax = 0.1\n", ["gate.0", "min (0.9) is above max (0.1)"], id="min over max"
    ),
    pytest.param(GOOD + GATE + "epsilon = 0.1\nmin = 0\n", ["gate.0", "without attack"], id="epsilon alone"),
    pytest.param(GOOD + GATE + 'value = "f"\nmin = 0\n', ["gate.0", "without group"], id="value alone"),
    pytest.param(
        GOOD + GATE + 'candidate = "plian"\nmin = 0\n',
        ['gate.0.candidate: the audit has no candidate "plian"', 'mean "plain"?'],
        id="gate on an unknown candidate",
    ),
    pytest.param(
        GOOD + ATTACK + GATE + 'attack = "fgms"\nmin = 0\n',
        ['gate.0.attack: the audit has no attack "fgms"', 'mean "fgsm"?'],
        id="gate on an unknown attack",
    ),
    pytest.param(
        GOOD + ATTACK + GATE + 'attack = "fgsm"\nepsilon = 0.02\nmin = 0\n',
        ['gate.0.epsilon: the attack "fgsm" does not run at 0.02', "0.01, 0.03"],
        id="gate on an unknown epsilon",
    ),
    pytest.param(
        GOOD + GATE + 'group = "gendre"\nmin = 0\n',
        ['gate.0.group: the audit has no group "gendre"', 'mean "gender"?'],
        id="gate on an unknown group",
    ),
]


@pytest.mark.parametrize(("content", "words"), CASES)
def test_a_bad_configuration_is_refused_with_its_place(
    tmp_path: Path, content: str, words: list[str]
) -> None:
    file = tmp_path / "assay.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(AssayError) as caught:
        load_config(file)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def union_keys(model: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, its type) of all keys of a section and below that may have values of several types."""
    for key, field in model.model_fields.items():
        kinds = [field.annotation]
        while kinds and not (isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel)):
            members = [each for each in get_args(kinds[0]) if each is not type(None)]
            if get_origin(kinds[0]) in (Union, UnionType) and len(members) > 1:
                yield f"{place}{key}", field.annotation
            kinds = members if len(members) == 1 and get_origin(kinds[0]) is not Literal else []
        if kinds:
            yield from union_keys(kinds[0], f"{place}{key}.")


UNIONS = dict(union_keys(AuditConfig))


def test_keys_of_several_types_are_found() -> None:
    assert {"counterfactual.templates", "attacks.epsilon", "attacks.max_tokens"} <= set(UNIONS)


@pytest.mark.parametrize("key", UNIONS)
def test_a_key_of_several_types_is_refused_in_one_line_without_the_names_of_types(
    tmp_path: Path, key: str
) -> None:
    section, name = key.split(".")
    table = f"[[{section}]]\nname = 'fgsm'\n" if section == "attacks" else f"[{section}]\n"
    file = tmp_path / "assay.toml"
    file.write_text(f"{GOOD}{table}{name} = [[1.5]]\n", encoding="utf-8")
    with pytest.raises(AssayError) as caught:
        load_config(file)
    (line,) = str(caught.value).splitlines()
    place = f"{section}.0.{name}" if section == "attacks" else key
    assert line.startswith(f"{file}: {place}: expected ")
    assert line.endswith("got [[1.5]].")


class Inner(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    size: int


class Several(BaseModel):
    """Unions of every kind that a section may come to have."""

    model_config = ConfigDict(strict=True, extra="forbid")
    numbers: int | list[int] | None = None
    table: dict[str, bool | float] = {}
    either: str | Inner = ""
    many: list[Annotated[bool | Path, Field()]] = []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"numbers": "x"}, ['numbers: expected a whole number or a list, got "x".']),
        ({"numbers": [1, "x"]}, ['numbers.1: expected a whole number, got "x".']),
        ({"table": {"bool": "x"}}, ['table.bool: expected true, false or a number, got "x".']),
        ({"many": [True, 3]}, ["many.1: expected true, false or a path, got 3."]),
        ({"either": {"size": "x"}}, ['either.size: expected a whole number, got "x".']),
        ({"either": {"sise": 1, "size": 2}}, ['unknown key "either.sise". Did you mean "size"?']),
        ({"either": 3}, ["either: expected a string or a table, got 3."]),
        ({"numbers": "x", "table": 3}, ["numbers: expected a whole", "table: expected a table, got 3."]),
    ],
)
def test_the_types_of_a_union_are_no_part_of_a_key(given: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Several.model_validate(given)
    found = messages(caught.value, Several)
    assert len(found) == len(told)
    assert all(line.startswith(words) for line, words in zip(found, told, strict=True)), found


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "assay.toml"
    file.write_text("sede = 1\noffline = 1\n" + GOOD)
    with pytest.raises(AssayError) as caught:
        load_config(file)
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_configuration_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "assay.toml").write_text(GOOD)
    with pytest.raises(
        AssayError, match=r'asay\.toml: no such configuration file\. Did you mean "assay\.toml"\?'
    ):
        load_config(tmp_path / "asay.toml")


def test_a_configuration_that_is_not_utf8_or_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "assay.toml").write_bytes(b'name = "caf\xe9"\n')
    with pytest.raises(AssayError, match="expected UTF-8"):
        load_config(tmp_path / "assay.toml")
    with pytest.raises(AssayError, match="cannot be read"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("candidates.1.model", "m", ['override "candidates.1.model"', "entries 0 to 0", '"1"']),
        ("gate.0.min", "1", ['override "gate.0.min"', "gate has the entries none"]),
        ("data.path.x", "1", ["data.path is not a table"]),
        ("data..path", "x", ["expected a dotted key"]),
        ("sead", "1", ['unknown key "sead"', 'mean "seed"?']),
        ("seed", "x", ["seed: expected a whole number", 'got "x"']),
    ],
)
def test_a_bad_override_is_refused(tmp_path: Path, key: str, value: str, words: list[str]) -> None:
    file = tmp_path / "assay.toml"
    file.write_text("gate = []\n" + GOOD)
    with pytest.raises(AssayError) as caught:
        load_config(file, {key: value})
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)
