"""The command line: what help says, every option, exit codes, and what reaches the two outputs."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from assay import audit as pipeline
from assay import cli, demo, train_command
from assay.changes.metrics import METRICS
from assay.config import load_config
from assay.plan import make_plan
from attacks import registry as attack_registry
from attacks.errors import AssayError
from robustness.classifier import Classifier
from robustness.objectives import registry as objective_registry
from tests.assay.audits import loaded, write_config
from tests.assay.processes import Done
from tests.robustness.tiny import tiny_folder

Assay = Callable[..., Done]
HEAVY = ("torch", "transformers", "textattack", "fairlearn", "datasets", "pandas", "numpy", "scipy")
GATE = '[[gate]]\nmetric = "accuracy"\n{}\n'


def command(
    *arguments: str, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assay", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])} | environment,
        timeout=120,
    )


def plain(text: str) -> str:
    """Help without its boxes, on one line."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


def test_help_imports_nothing_heavy() -> None:
    check = (
        "import sys; sys.argv = ['assay', '--help']; import assay.cli\n"
        "try: assay.cli.main()\n"
        "except SystemExit as stop: print(stop.code, [m for m in HEAVY if m in sys.modules])"
    ).replace("HEAVY", repr(HEAVY))
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_help_answers_in_half_a_second() -> None:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        assert command("--help").returncode == 0
        times.append(time.perf_counter() - started)
    assert min(times) < 0.5


def test_help_names_every_command_and_option(assay: Assay) -> None:
    done = assay("--help")
    assert done.code == 0
    for words in (
        "audit",
        "attack",
        "demo",
        "train",
        "list",
        "--debug",
        "--version",
        "--help",
        "how easily it is fooled",
    ):
        assert words in plain(done.stdout)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("audit", ["[default: assay.toml]", "--set", "KEY=VALUE", "--device", "--offline", "1: it failed;"]),
        (
            "train",
            [
                *(
                    "--candidate",
                    "--set",
                    "--device",
                    "--offline",
                    "--data",
                    "--text",
                    "--label",
                    "--encoder",
                ),
                *("--model", "--objective", "--param", "--epochs", "--output", "--seed"),
                "(default: assay.toml)",
                "assay train --data reviews.csv",
                "accelerate launch --multi_gpu --num_processes 4",
            ],
        ),
        (
            "attack",
            [
                *("--candidate", "--attack", "--model", "--data", "--text", "--label", "--epsilon"),
                *("--max-tokens", "--param", "--max-examples", "--seed", "--output", "--set", "--device"),
                "--offline",
                "(default: assay.toml)",
                "assay attack --model models/sentiment",
            ],
        ),
        ("demo", ["--runs", "[default: runs]", "--offline"]),
        (
            "list",
            ["attacks, behaviours,", "objectives, metrics or mitigations", "gate can check", "[required]"],
        ),
        ("doctor", ["--json", "--resources"]),
    ],
)
def test_each_command_explains_itself(assay: Assay, name: str, words: list[str]) -> None:
    done = assay(name, "--help")
    assert done.code == 0
    assert [word for word in words if word not in plain(done.stdout)] == [], plain(done.stdout)
    assert assay(name, "-h").stdout == done.stdout


def test_the_version_is_that_of_the_distribution(assay: Assay) -> None:
    done = assay("--version")
    assert (done.code, done.stdout) == (0, f"assay {version('assay')}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        *(["audti"], ["audit", "--nope"], ["list"], ["list", "models"], ["audit", "a", "b"], []),
        *(["train", "--nope"], ["train", "a", "b"], ["train", "--epochs", "0"], ["train", "--seed", "x"]),
    ],
)
def test_wrong_usage_ends_with_code_2(assay: Assay, arguments: list[str]) -> None:
    done = assay(*arguments)
    assert done.code == 2
    assert "Usage" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_list_attacks_and_objectives_tells_every_parameter(assay: Assay) -> None:
    for what, registry in (("attacks", attack_registry), ("objectives", objective_registry)):
        done = assay("list", what)
        assert done.code == 0
        for described in registry.describe():
            assert f"{described.name}: {described.summary}" in done.stdout
            for parameter in described.parameters:
                assert f"    {parameter.name} ({parameter.type}, " in done.stdout
                assert parameter.help in done.stdout
    assert "    epsilon (float, required)" in assay("list", "attacks").stdout
    assert "    steps (int, default 10)" in assay("list", "attacks").stdout


def test_list_metrics_tells_what_each_is_and_its_keys(assay: Assay) -> None:
    lines = assay("list", "metrics").stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines[::2]] == list(METRICS)
    assert all(len(line.partition(": ")[2]) > 10 for line in lines[::2])
    told = dict(zip(METRICS, lines[1::2], strict=True))
    assert told["accuracy"] == "    alone, or with group and value, or with attack, group and value"
    assert told["accuracy_under_attack"] == "    with attack, or with attack, group and value"
    words = {line.partition(": ")[0]: line.partition(": ")[2] for line in lines[::2]}
    assert words["predictive_parity_ratio"] == "smallest over largest precision of groups"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The configurations that the command hands to the pipeline, which does not run."""
    configs: list[Any] = []

    def run_audit(config: Any, reporter: Any, *, partial: bool) -> None:
        configs.append(config)
        raise AssayError("partial" if partial else "enough")

    monkeypatch.setattr(pipeline, "run_audit", run_audit)
    return configs


def test_every_option_of_audit_reaches_the_configuration(
    assay: Assay, ran: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, loaded(tmp_path / "m"))
    monkeypatch.chdir(tmp_path)
    assay("audit")
    assert (ran[-1].name, ran[-1].device, ran[-1].offline, ran[-1].seed) == ("assay", "cpu", False, 0)
    assay("audit", str(tmp_path / "assay.toml"), "--device", "auto", "--offline", "--set", "seed=3")
    assert (ran[-1].device, ran[-1].offline, ran[-1].seed) == ("auto", True, 3)
    assay("audit", "--set", "name=a=b", "--set", "data.text=body")
    assert len(ran) == 2
    assay("audit", "--set", "data.name=a=b", "--set", "data.text=body")
    assert (ran[-1].data.name, ran[-1].data.text) == ("a=b", "body")
    assay("audit", "--engine", "ray", "--workers", "3")
    assert (ran[-1].engine, ran[-1].workers) == ("ray", 3)
    assert "partial" in assay("audit", "--partial").stderr


def test_a_preview_says_what_would_be_asked_and_asks_nothing(
    assay: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_folder(tmp_path)
    rest = '[[attacks]]\nname = "homoglyphs"\ngenerations = 1\n[[behaviours]]\nname = "typos"\n'
    write_config(tmp_path, loaded(model), rest=rest)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Classifier, "predict_proba", None)
    n = len(make_plan(load_config(tmp_path / "assay.toml"), ask=False).test)
    lines = [
        f"plain, clean text: {n} answers",
        f"plain, homoglyphs 5 on up to {n} examples: at most {n * (1 + 2 * 32 + 1):,} answers",
        f"plain, typos: a few variants of {n} texts",
    ]
    for command in (("audit", "--preview"), ("attack", "--preview")):
        done = assay(*command)
        assert done.code == 0, done.stderr
        assert done.stdout.splitlines() == (lines if command[0] == "audit" else lines[:2])
    assert not (tmp_path / "runs").exists()


def test_a_preview_counts_swapped_texts_and_refuses_what_the_audit_would(
    assay: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    swaps = '[counterfactual]\naxes = ["gender"]\nmax_variants = 3\n'
    write_config(tmp_path, loaded(model), rest=swaps)
    plan = make_plan(load_config(tmp_path / "assay.toml"), ask=False)
    assert plan.counterfactual is not None
    texts = sum(min(3, len(plan.counterfactual.swapper.swaps(text))) for text in plan.test.inputs)
    fillings = sum(len(example.swaps) for example in plan.counterfactual.templates)
    assert fillings > 0
    done = assay("audit", "--preview")
    assert done.code == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        f"plain, identities swapped: at most {texts} answers",
        f"plain, built-in templates: at most {fillings} answers",
    ]
    gate = '[[gate]]\nmetric = "flip_rate"\nmax = 0.1\n'
    write_config(tmp_path, loaded(model), rest=gate)
    for command in (("audit", "--preview"), ("audit",)):
        refused = assay(*command)
        assert refused.code == 2
        assert "gate.0: flip_rate is measured where identities are swapped" in refused.stderr


def test_every_option_of_train_reaches_it(
    assay: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def run_trainings(config: Any, candidates: list[str], output: Path | None, reporter: Any) -> list[str]:
        asked.append((config, candidates, output))
        return ["a table"]

    monkeypatch.setattr(train_command, "run_trainings", run_trainings)
    write_config(tmp_path, loaded(tmp_path / "m"))
    monkeypatch.chdir(tmp_path)
    assert assay("train").stdout == "a table\n"
    config, candidates, output = asked[-1]
    assert (config.name, config.device, config.offline, candidates, output) == (
        "assay",
        "cpu",
        False,
        [],
        None,
    )
    assay("train", "assay.toml", "--candidate", "a", "--candidate", "b", "--set", "seed=3", "--offline")
    config, candidates, output = asked[-1]
    assert (config.seed, config.offline, candidates) == (3, True, ["a", "b"])
    quick = ["--data", "data.csv", "--text", "t", "--label", "l", "--encoder", "e", "--objective", "pgd"]
    quick += ["--param", "epsilon=0.1", "--param", "steps=2", "--epochs", "5", "--output", "o", "--seed", "7"]
    assay("train", *quick, "--device", "auto", "--offline", "--set", "candidates.0.max_length=64")
    config, candidates, output = asked[-1]
    (candidate,) = config.candidates
    assert (config.data.path, config.data.text, config.data.label) == (tmp_path / "data.csv", "t", "l")
    assert (config.seed, config.device, config.offline, output) == (7, "auto", True, Path("o"))
    assert (candidate.encoder, candidate.model, candidate.max_length) == ("e", None, 64)
    assert (candidate.train.objective, candidate.train.epochs) == ("pgd", 5)
    assert candidate.train.params == {"epsilon": 0.1, "steps": 2}
    assay("train", "--data", "data.csv", "--model", "m", "--output", "o")
    (candidate,) = asked[-1][0].candidates
    assert (candidate.model, candidate.train.objective, candidate.train.epochs) == ("m", "standard", 3)
    assert len(asked) == 4


def test_every_option_of_demo_reaches_it(
    assay: Assay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def prepare_demo(runs: Path, reporter: Any, *, offline: bool) -> None:
        asked.append((runs, offline))
        raise AssayError("enough")

    monkeypatch.setattr(demo, "prepare_demo", prepare_demo)
    assert assay("demo").code == 2
    assert assay("demo", "--runs", str(tmp_path), "--offline").code == 2
    assert asked == [(Path("runs"), False), (tmp_path, True)]


def test_the_gate_decides_the_exit_code(
    assay: Assay, tmp_path: Path, learnt_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for limit, code, words in (("min = 0.5", 0, "Ship: "), ("max = 0.0", 1, "Do not ship")):
        write_config(tmp_path, loaded(learnt_model), data="", rest=GATE.format(limit))
        done = assay("audit")
        assert done.code == code
        assert words in done.stdout
        assert done.stdout.endswith(f"Report: {tmp_path / 'runs' / 'assay' / 'report.html'}\n")


def test_on_a_terminal_the_summary_is_laid_out(
    assay: Assay, tmp_path: Path, learnt_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, loaded(learnt_model), data="", rest=GATE.format("min = 0.5"))
    plain = assay("audit", str(tmp_path / "assay.toml")).stdout
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shown = assay("audit", str(tmp_path / "assay.toml")).stdout
    assert "| --- |" in plain
    assert "---" not in shown
    assert "|" not in shown
    assert [words for words in ("Ship", "Accuracy") if words not in shown] == []


def test_the_real_command_keeps_its_outputs_clean(tmp_path: Path, learnt_model: Path) -> None:
    train = 'train = { objective = "fgsm", epsilon = 0.1, epochs = 1 }\n'
    attack = '[[attacks]]\nname = "fgsm"\nepsilon = 0.1\n'
    rest = attack + GATE.format("max = 0.0")
    write_config(tmp_path, loaded(learnt_model) + train, data="", rest=rest)
    done = command("audit", folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout == (tmp_path / "runs/assay/summary.md").read_text() + (
        f"\nReport: {tmp_path / 'runs/assay/report.html'}\n"
    )
    kinds = [re.sub(r": \d+ in .*", "", line) for line in done.stderr.splitlines()]
    stages = ["training (fgsm)", "clean text", "fgsm 0.1", "validity checks"]
    assert kinds == [f"plain: {stage}" for stage in stages]


def test_a_mistake_ends_the_real_command_with_code_2_at_once(tmp_path: Path) -> None:
    done = command("audit", "gone.toml", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "assay: gone.toml: no such configuration file. Correct the path.\n"


def test_debug_shows_the_traceback_and_keeps_the_code(assay: Assay) -> None:
    quiet, loud = assay("audit", "gone.toml"), assay("--debug", "audit", "gone.toml")
    assert (quiet.code, loud.code) == (2, 2)
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr
    assert loud.stderr.endswith(quiet.stderr)


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run_audit(config: Any, reporter: Any, *, partial: bool) -> None:
        raise error

    monkeypatch.setattr(pipeline, "run_audit", run_audit)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ZeroDivisionError("of ours"), "internal error: ZeroDivisionError: of ours"),
        (OSError(28, "No space left on device"), "internal error: OSError"),
        (KeyboardInterrupt(), "interrupted: what was done is kept; run the same command again"),
        (BrokenPipeError(32, "Broken pipe"), "standard output was closed"),
        (EOFError("no input"), "internal error: EOFError"),
    ],
)
def test_no_failure_of_the_program_looks_like_a_failed_gate(
    assay: Assay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException, words: str
) -> None:
    failing(monkeypatch, error)
    config = str(write_config(tmp_path, loaded(tmp_path / "m")))
    done = assay("audit", config)
    assert done.code == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_network_a_hub_name_is_named_with_the_way_round(
    assay: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # the hub's client waits before it tries again
    done = assay("audit", str(write_config(tmp_path, loaded(Path("org/no-such-model")))))
    assert done.code == 2
    assert "org/no-such-model" in done.stderr
    assert "If there is no network here" in done.stderr
    assert "give the local folder" in done.stderr
    assert "Traceback" not in done.stderr
