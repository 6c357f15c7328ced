"""``assay attack``: what it shows and writes, what an audit takes over, and what it refuses."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from assay import attack_command, measure
from assay.config import load_config
from robustness.data import load
from robustness.loading import load_classifier
from tests.assay.audits import loaded, trained, write_config, write_csv
from tests.assay.processes import Done
from tests.robustness.tiny import tiny_dataset

Assay = Callable[..., Done]
ATTACKS = """
[[attacks]]
name = "fgsm"
epsilon = [0.5, 1.0]
[[attacks]]
name = "hotflip"
max_tokens = [1, 2]
beam = 1
[validity]
examples = 20
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with data.csv."""
    write_csv(tmp_path / "data.csv", tiny_dataset(40, seed=5))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cells(line: str) -> list[str]:
    return re.split(r"  +", line)


def test_flags_alone_are_enough(assay: Assay, here: Path, learnt_model: Path) -> None:
    quick = ["attack", "--model", str(learnt_model), "--data", "data.csv", "--device", "cpu"]
    done = assay(
        *quick,
        *("--attack", "pgd", "--attack", "hotflip", "--epsilon", "0.5", "--max-tokens", "2"),
        *(
            "--max-examples",
            "24",
            "--seed",
            "3",
            "--set",
            "validity.examples=12",
            "--output",
            "changed.jsonl",
        ),
    )
    assert done.code == 0, done.stderr
    headings, clean, pgd, hotflip, worst, *rest = done.stdout.splitlines()
    assert cells(headings) == list(attack_command.HEADINGS)
    name = learnt_model.name
    assert cells(clean)[:2] == [name, "none (clean text)"]
    assert cells(pgd)[:2] == [name, "pgd (linf) at epsilon 0.5"]
    assert cells(hotflip)[:2] == [name, "hotflip with at most 2 changed tokens"]
    assert cells(worst)[:2] == [name, "all with a budget (worst case)"]
    assert any("validity checks" in line for line in rest)

    records = [json.loads(line) for line in (here / "changed.jsonl").read_text().splitlines()]
    assert f"{name} under hotflip with at most 2 changed tokens: {len(records)} changed texts" in done.stdout
    texts = dict(zip(*_ids_and_texts(here / "data.csv"), strict=True))
    classifier = load_classifier(str(learnt_model), device=torch.device("cpu"))
    for record in records:
        assert record["attack"] == "hotflip"
        assert record["params"]["max_tokens"] == 2
        assert [texts[record["example_id"]]] == record["original"] != record["perturbed"]
        (answer,) = classifier.predict_proba(record["perturbed"])
        assert classifier.label_names[int(answer.argmax())] == record["after"] != record["label"]


def _ids_and_texts(file: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    dataset = load(path=file)
    return dataset.ids, dataset.texts


def test_an_audit_takes_over_what_was_attacked(
    assay: Assay, here: Path, learnt_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(here, loaded(learnt_model), rest=ATTACKS)
    done = assay("attack", "--attack", "fgsm")
    assert done.code == 0, done.stderr
    assert "hotflip" not in done.stdout + done.stderr
    assert sorted(path.name for path in (here / "runs" / "assay").glob("*.*")) == [".lock", "ledger.sqlite"]

    asked = []
    original = measure.evaluate.attack

    def watched(classifier, dataset, clean, attack, store, **options):  # type: ignore[no-untyped-def]
        known = store.load()
        asked.append((attack.name, len(known) == len(dataset)))
        return original(classifier, dataset, clean, attack, store, **options)

    monkeypatch.setattr(measure.evaluate, "attack", watched)
    audited = assay("audit")
    assert audited.code == 0, audited.stderr
    assert [whole for name, whole in asked if name == "fgsm"][:2] == [True, True]
    report = json.loads((here / "runs" / "assay" / "audit.json").read_text())
    attacks = report["candidates"][0]["robustness"]["attacks"]
    assert [(a["name"], a["threat_model"]["epsilon"]) for a in attacks] == [
        ("fgsm", 0.5),
        ("fgsm", 1.0),
        ("hotflip", 1.0),
        ("hotflip", 2.0),
    ]
    lines = (here / "runs" / "assay" / "adversarial.jsonl").read_text().splitlines()
    assert len(lines) == sum(a["successes"] for a in attacks if a["name"] == "hotflip") > 0
    again = assay("audit", "--set", 'attacks=[{name = "fgsm", epsilon = 0.5}]')
    assert again.code == 0, again.stderr
    assert not (here / "runs" / "assay" / "adversarial.jsonl").exists(), "those of an earlier audit are gone"


def test_one_candidate_alone_is_attacked_on_the_examples_of_the_audit(
    assay: Assay, here: Path, random_model: Path, learnt_model: Path
) -> None:
    training = 'objective = "standard", epochs = 1, batch_size = 8'
    write_config(here, loaded(learnt_model) + trained(random_model, training), rest=ATTACKS)
    done = assay("attack", "--candidate", "plain", "--attack", "fgsm")
    assert done.code == 0, done.stderr
    assert "plain: clean text: 10 in" in done.stderr, (
        "a quarter of the 40: the rest is to train the other one"
    )


def test_a_candidate_can_be_picked_and_is_trained_first(
    assay: Assay, here: Path, random_model: Path, learnt_model: Path
) -> None:
    training = 'objective = "standard", epochs = 1, batch_size = 8'
    write_config(here, loaded(learnt_model) + trained(random_model, training), rest=ATTACKS)
    done = assay("attack", "--candidate", "hardened", "--attack", "fgsm")
    assert done.code == 0, done.stderr
    assert "hardened: training (standard)" in done.stderr
    assert "plain" not in done.stdout


MISTAKES = {
    "nothing given": (
        ["attack"],
        "there is no assay.toml here. Name a configuration, or give --model, --data",
    ),
    "no attack": (["attack", "--model", "{model}", "--data", "data.csv"], "missing: --attack"),
    "no model": (["attack", "--data", "data.csv", "--attack", "fgsm"], "missing: --model"),
    "an unknown attack": (
        ["attack", "--model", "{model}", "--data", "data.csv", "--attack", "hotflp"],
        'got "hotflp". Did you mean "hotflip"?',
    ),
    "a budget that no attack has": (
        ["attack", "--model", "{model}", "--data", "data.csv", "--attack", "hotflip", "--epsilon", "0.1"],
        "--epsilon: none of hotflip has this budget",
    ),
    "a negative budget": (
        ["attack", "--model", "{model}", "--data", "data.csv", "--attack", "fgsm", "--epsilon", "-1"],
        "expected a budget above 0",
    ),
    "an unknown parameter": (
        ["attack", "--model", "{model}", "--data", "data.csv", "--attack", "pgd", "--param", "step=3"],
        'has no parameter "step". Did you mean "steps"?',
    ),
    "a norm that makes no sense": (
        ["attack", "--model", "{model}", "--data", "data.csv", "--attack", "pgd", "--param", "norm=l3"],
        'expected norm to be "linf" or "l2" or "l2_per_token", got \'l3\'',
    ),
    "dlr on two classes": (
        ["attack", "--model", "{model}", "--data", "data.csv", "--attack", "apgd", "--param", "loss=dlr"],
        'Use loss = "margin"',
    ),
    "a target that is no label": (
        ["attack", "--model", "{model}", "--data", "data.csv", "--attack", "fgsm", "--param", "target=good"],
        'expected target to be a label of the data, got "good"',
    ),
    "flags beside a configuration": (
        ["attack", "some.toml", "--epsilon", "0.1"],
        "--epsilon: these go without a configuration",
    ),
    "an output nowhere": (
        [
            *("attack", "--model", "{model}", "--data", "data.csv", "--attack", "fgsm"),
            *("--output", "nowhere/changed.jsonl"),
        ],
        "--output: there is no folder nowhere",
    ),
    "an output that exists": (
        [
            *("attack", "--model", "{model}", "--data", "data.csv", "--attack", "fgsm"),
            *("--output", "data.csv"),
        ],
        "--output: data.csv exists",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_said_at_once(
    assay: Assay, here: Path, learnt_model: Path, arguments: list[str], message: str
) -> None:
    done = assay(*[argument.format(model=learnt_model) for argument in arguments])
    assert done.code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "clean text" not in done.stderr, "nothing was measured before"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--attack", "pgd"], '--attack: the configuration has no "pgd".'),
        (["--candidate", "plane"], '--candidate: the configuration has no "plane". Did you mean "plain"?'),
        (["--set", "attacks=[]"], "no attack is named"),
    ],
)
def test_a_name_that_the_configuration_lacks_is_said(
    assay: Assay, here: Path, learnt_model: Path, flags: list[str], message: str
) -> None:
    write_config(here, loaded(learnt_model), rest=ATTACKS)
    done = assay("attack", *flags)
    assert (done.code, done.stdout) == (2, "")
    assert message in done.stderr


def test_budgets_of_tokens_expand_like_epsilons(here: Path, learnt_model: Path) -> None:
    config = load_config(write_config(here, loaded(learnt_model), rest=ATTACKS))
    assert config.attacks[1].expand() == [
        ("hotflip", {"max_tokens": 1, "beam": 1}),
        ("hotflip", {"max_tokens": 2, "beam": 1}),
    ]
