"""A configuration from a few flags, for those who do not have an assay.toml yet."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from assay.config import build_config, toml_value
from assay.config_models import AuditConfig
from attacks.errors import AssayError

SOURCE = "command line"
EPSILONS = (0.01, 0.03, 0.1)
"""Where attacks on embeddings look when no budget is given."""

FLAGS = {
    "attacks.0.name": "--attack",
    "attacks.0.epsilon": "--epsilon",
    "attacks.0.max_tokens": "--max-tokens",
    "attacks.0.": "--param ",
    "data.max_examples": "--max-examples",
    "candidates.0.train.objective": "--objective",
    "candidates.0.train.epochs": "--epochs",
    "candidates.0.train.": "--param ",
    "candidates.0.encoder": "--encoder",
    "candidates.0.model": "--model",
    "candidates.0:": "--model and --encoder:",
    "data.path": "--data",
    "data.text": "--text",
    "data.label": "--label",
    "device": "--device",
    "seed": "--seed",
}
"""What a place of the configuration is called on the command line; longer places come first."""


def quick_config(
    *,
    data: Path,
    name: str,
    text: str | None = None,
    label: str | None = None,
    model: str | None = None,
    encoder: str | None = None,
    train: Mapping[str, Any] | None = None,
    attacks: Sequence[Mapping[str, Any]] = (),
    seed: int | None = None,
    device: str | None = None,
    offline: bool = False,
    overrides: Mapping[str, str] | None = None,
    run: str = "quick",
) -> AuditConfig:
    """The configuration that an assay.toml with one candidate would give; relative paths are to the current
    folder.

    model, encoder: exactly one of them. train: keys of ``TrainConfig``. attacks: tables of ``[[attacks]]``.
    name: of the candidate. run: of the run folder. overrides: as for ``load_config``.
    None leaves a key at its default. Raises AssayError as ``load_config`` does, in the words of the flags.
    """
    raw = _given(
        seed=seed,
        device=device,
        offline=offline,
        data=_given(path=str(data), text=text, label=label),
        candidates=[
            _given(name=name, model=model, encoder=encoder, train=None if train is None else dict(train))
        ],
        attacks=[dict(attack) for attack in attacks],
    )
    try:
        return build_config(raw, Path.cwd(), overrides, source=SOURCE, name=run)
    except AssayError as error:
        raise AssayError(in_flags(str(error))) from error


def training_config(
    flags: Mapping[str, Any],
    *,
    device: str | None,
    offline: bool,
    overrides: Mapping[str, str] | None = None,
) -> AuditConfig:
    """The configuration of a training from what was given of ``assay train``'s flags, by their names.

    Raises AssayError where the data or the place for the model is missing, and as ``quick_config`` does.
    """
    missing = [flag for flag in ("--data", "--output") if flag not in flags]
    if missing:
        raise AssayError(
            "without a configuration expected --data (the examples) and --output (the folder for the model); "
            f"missing: {', '.join(missing)}."
        )
    settings = parameters(flags.get("--param", []))
    for flag, key in (("--objective", "objective"), ("--epochs", "epochs")):
        if flag in flags and key in settings:
            raise AssayError(f"--param: {key} is given already, with {flag}. Leave one out.")
        if flag in flags:
            settings[key] = flags[flag]
    return quick_config(
        data=flags["--data"],
        name=folder_name(flags["--output"]),
        text=flags.get("--text"),
        label=flags.get("--label"),
        model=flags.get("--model"),
        encoder=flags.get("--encoder"),
        train=settings,
        seed=flags.get("--seed"),
        device=device,
        offline=offline,
        overrides=overrides,
    )


def attack_config(
    flags: Mapping[str, Any],
    names: Sequence[str],
    *,
    device: str | None,
    offline: bool,
    overrides: Mapping[str, str] | None = None,
) -> AuditConfig:
    """The configuration of an attack from what was given of ``assay attack``'s flags, by their names.

    names: the attacks; each gets those of the budgets that it has. Raises AssayError where the model, the
    data or an attack is missing, for a budget that no attack has, and as ``quick_config`` does.
    """
    missing = [flag for flag in ("--model", "--data") if flag not in flags] + ["--attack"] * (not names)
    if missing:
        raise AssayError(
            "expected --model (the classifier), --data (the examples) and --attack; missing: "
            f"{', '.join(missing)}. `assay list attacks` shows the attacks."
        )
    overrides = dict(overrides or {})
    if "--max-examples" in flags:
        overrides["data.max_examples"] = str(flags["--max-examples"])
    folder = folder_name(Path(flags["--model"]))
    return quick_config(
        data=flags["--data"],
        name=folder,
        text=flags.get("--text"),
        label=flags.get("--label"),
        model=flags["--model"],
        attacks=_attack_tables(flags, names),
        seed=flags.get("--seed"),
        device=device,
        offline=offline,
        overrides=overrides,
        run=f"attack-{folder}"[:100],
    )


def _attack_tables(flags: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    from attacks.registry import available

    known = {name: {field.name for field in fields(attack)} for name, attack in available().items()}
    tables = [{"name": name, **parameters(flags.get("--param", []))} for name in names]
    for flag, key, default in (("--epsilon", "epsilon", EPSILONS), ("--max-tokens", "max_tokens", None)):
        takers = [table for table in tables if key in known.get(table["name"], set())]
        if flag in flags and not takers:
            raise AssayError(f"{flag}: none of {', '.join(names)} has this budget. Leave it out.")
        for table in takers:
            budget = flags.get(flag, default)
            if budget is not None:
                table[key] = list(budget)
    return tables


def assigned(texts: Sequence[str], flag: str) -> dict[str, str]:
    """{KEY: VALUE} of ``KEY=VALUE`` texts; raises AssayError, naming ``flag``, for any other text."""
    values = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise AssayError(f'{flag}: expected KEY=VALUE, got "{text}".')
        values[key] = value
    return values


def parameters(texts: Sequence[str]) -> dict[str, Any]:
    """What ``--param KEY=VALUE`` says, with values of TOML: ``epsilon=0.05``, ``norm=l2``, ``lora.r=4``."""
    values: dict[str, Any] = {}
    for key, text in assigned(texts, "--param").items():
        *tables, last = key.split(".")
        place = values
        for table in tables:
            place = place.setdefault(table, {})
            if not isinstance(place, dict):
                raise AssayError(f'--param: "{key}" needs a table, but {table} is given as a value.')
        place[last] = toml_value(text)
    return values


def folder_name(output: Path) -> str:
    """A name for the candidate whose model is put into ``output``: its last part, where that can be one."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", output.resolve().name).strip("-._")[:100] or "model"


def in_flags(message: str) -> str:
    """A message about a configuration in the words of the command line."""
    message = re.sub(rf"(?m)^({SOURCE}: attacks\.)\d+", r"\g<1>0", message)
    for place, flag in FLAGS.items():
        message = re.sub(rf"(?m)^({SOURCE}: ){re.escape(place)}", rf"\g<1>{flag}", message)
    return message


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
