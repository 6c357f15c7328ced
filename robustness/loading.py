"""Models from a local folder or the hub: checked, safetensors only, in fp32."""

import json
import os
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from attacks.errors import AssayError, nearest
from robustness.classifier import Classifier

PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
SAFE = ("model.safetensors", "model.safetensors.index.json")


def check_source(source: str, *, offline: bool, allow_pickle: bool) -> None:
    """Refuse early what cannot be loaded; never touches the network.

    Raises AssayError for a folder that is missing or has no configuration or weights, for pickled
    weights unless ``allow_pickle``, and for a hub name while offline.
    """
    folder = Path(source)
    if not folder.exists():
        if folder.is_absolute() or source.startswith(("./", "../", "~")) or source.count("/") > 1:
            raise AssayError(f"{source}: no such folder. Expected a folder in Hugging Face format.")
        if _offline(offline):
            raise AssayError(
                f'"{source}" is no local folder, and offline mode forbids fetching it from the hub. '
                "On a machine with network run `hf download "
                f"{source} --local-dir FOLDER`, bring the folder here, and name it in the config."
            )
        return
    if not folder.is_dir():
        raise AssayError(f"{source}: expected a folder in Hugging Face format, got a file.")
    if not (folder / "config.json").is_file():
        inside = sorted(path.name for path in folder.iterdir() if (path / "config.json").is_file())
        hint = f" Did you mean {folder / inside[0]}?" if inside else ""
        raise AssayError(f"{source}: no config.json; expected a folder in Hugging Face format.{hint}")
    if any((folder / name).is_file() for name in SAFE):
        return
    pickled = [name for name in PICKLED if (folder / name).is_file()]
    if pickled and not allow_pickle:
        raise AssayError(
            f"{source}: its weights are pickled ({pickled[0]}), and loading a pickle can run any code. "
            "Convert them to safetensors, or set allow_pickle = true on this candidate if you trust the file."
        )
    if not pickled:
        raise AssayError(f"{source}: no weights; expected model.safetensors in this folder.")


def load_classifier(
    source: str,
    *,
    device: torch.device,
    offline: bool = False,
    allow_pickle: bool = False,
    trust_remote_code: bool = False,
    revision: str | None = None,
    max_length: int | None = None,
) -> Classifier:
    """A fine-tuned sequence classifier, with the label names of its own configuration.

    Raises AssayError as ``check_source`` does, and for a folder without a classification head, a
    regression or multi-label model, or a hub that cannot be reached.
    """
    check_source(source, offline=offline, allow_pickle=allow_pickle)
    options = _options(source, offline, trust_remote_code, revision)
    with _reading(source):
        config = _auto("AutoConfig").from_pretrained(source, **options)
    if config.num_labels < 2 or config.problem_type in ("regression", "multi_label_classification"):
        raise AssayError(
            f"{source}: expected a single-label classifier of at least 2 classes, got "
            f"{config.num_labels} label(s), problem_type {config.problem_type!r}."
        )
    model = _model(source, config, allow_pickle, options, needs_head=True)
    names = tuple(str(config.id2label[i]) for i in range(config.num_labels))
    if len(set(names)) != len(names):
        raise AssayError(f"{source}: expected distinct label names in config.json, got {list(names)}.")
    return _classifier(source, model, options, names, device, max_length)


def load_encoder(
    source: str,
    label_names: Sequence[str],
    *,
    device: torch.device,
    seed: int,
    layers: int | None = None,
    offline: bool = False,
    allow_pickle: bool = False,
    trust_remote_code: bool = False,
    revision: str | None = None,
    max_length: int | None = None,
) -> Classifier:
    """An encoder with a fresh classification head for ``label_names``, to be fine-tuned.

    layers: keep only the first transformer layers. The head is drawn from ``seed``; global random
    state is left as it was. Raises AssayError as ``check_source`` does, and for a number of layers
    that the encoder does not have.
    """
    check_source(source, offline=offline, allow_pickle=allow_pickle)
    options = _options(source, offline, trust_remote_code, revision)
    with _reading(source):
        config = _auto("AutoConfig").from_pretrained(source, **options)
    if layers is not None:
        if layers > config.num_hidden_layers:
            raise AssayError(
                f"{source}: layers = {layers}, but the encoder has {config.num_hidden_layers} layers."
            )
        config.num_hidden_layers = layers
    config.id2label = dict(enumerate(label_names))
    config.label2id = {name: i for i, name in enumerate(label_names)}
    config.problem_type = "single_label_classification"
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = _model(source, config, allow_pickle, options, needs_head=False)
    return _classifier(source, model, options, tuple(label_names), device, max_length)


def with_labels(classifier: Classifier, label_names: Sequence[str]) -> Classifier:
    """The same model speaking of its labels in the order of the data's ``label_names``.

    Names are matched exactly; a model with generic names (LABEL_0, LABEL_1, ...) takes data labels that
    are its numbers. Raises AssayError for a data label that the model does not know, and for a model
    label that the data's names leave out (every output column must have a name).
    """
    own = classifier.label_names
    known = {name: column for column, name in enumerate(own)}
    if own == tuple(f"LABEL_{i}" for i in range(len(own))):
        known.update({str(column): column for column in range(len(own))})
    for name in label_names:
        if name not in known:
            raise AssayError(
                f'{classifier.source}: the data has the label "{name}", which the model does not know; '
                f"its labels are {list(own)}.{nearest(name, list(known))} "
                "Map the data's labels to the model's with label_map in [data]."
            )
    columns = tuple(classifier.columns[known[name]] for name in label_names)
    if len(columns) != len(own):
        raise AssayError(
            f"{classifier.source}: expected {len(label_names)} classes {list(label_names)}, "
            f"got a model of {len(own)} classes {list(own)}. "
            "If the data simply lacks a class, name all of them with labels = [...] in [data]."
        )
    return Classifier(
        model=classifier.model,
        tokenizer=classifier.tokenizer,
        label_names=tuple(label_names),
        columns=columns,
        device=classifier.device,
        max_length=classifier.max_length,
        source=classifier.source,
    )


def _offline(offline: bool) -> bool:
    return offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _options(source: str, offline: bool, trust_remote_code: bool, revision: str | None) -> dict[str, Any]:
    local = Path(source).exists() or _offline(offline)
    return {"local_files_only": local, "trust_remote_code": trust_remote_code, "revision": revision or "main"}


def _auto(name: str) -> Any:
    """A transformers Auto class, imported when it is first needed."""
    import transformers

    return getattr(transformers, name)


@contextmanager
def _reading(source: str) -> Any:
    """Turn what transformers raises for an unreadable source into one sentence."""
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        where = (
            "Check that the folder is complete."
            if Path(source).exists()
            else "If there is no network here, download it elsewhere and give the local folder."
        )
        raise AssayError(f"{source}: could not be loaded ({lines[0]}). {where}") from error


def _model(source: str, config: Any, allow_pickle: bool, options: dict[str, Any], *, needs_head: bool) -> Any:
    with _reading(source), _quiet():
        model, info = _auto("AutoModelForSequenceClassification").from_pretrained(
            source,
            config=config,
            use_safetensors=None if allow_pickle else True,
            output_loading_info=True,
            ignore_mismatched_sizes=False,
            **options,
        )
    if needs_head and info["missing_keys"]:
        raise AssayError(
            f"{source}: weights are missing ({', '.join(sorted(info['missing_keys'])[:3])}): it looks like an "
            "encoder without a trained classification head. Name it as encoder = ... with train = {...}."
        )
    return model.float()


def _classifier(
    source: str,
    model: Any,
    options: dict[str, Any],
    label_names: tuple[str, ...],
    device: torch.device,
    max_length: int | None,
) -> Classifier:
    with _reading(source):
        tokenizer = _auto("AutoTokenizer").from_pretrained(source, **options)
    if tokenizer.pad_token_id is None:
        raise AssayError(f"{source}: its tokenizer has no padding token, which batches need.")
    limit = _limit(model.config, tokenizer)
    if max_length is not None and max_length > limit:
        raise AssayError(f"{source}: max_length = {max_length}, but the model takes at most {limit} tokens.")
    return Classifier(
        model=model.to(device).eval(),
        tokenizer=tokenizer,
        label_names=label_names,
        columns=tuple(range(len(label_names))),
        device=device,
        max_length=max_length or limit,
        source=source,
    )


def _limit(config: Any, tokenizer: Any) -> int:
    """The most tokens that both the position table and the tokenizer take."""
    positions = getattr(config, "max_position_embeddings", None) or 512
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer"):
        positions -= config.pad_token_id + 1
    return int(min(positions, tokenizer.model_max_length))


@contextmanager
def _quiet() -> Any:
    """No advice from transformers about freshly initialised heads: that is what was asked for."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    bar = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bar:
            logging.enable_progress_bar()
