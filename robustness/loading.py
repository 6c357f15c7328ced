"""Models from a local folder or the hub: checked, safetensors only, in fp32."""

import inspect
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from attacks.errors import AssayError, nearest
from robustness.classifier import Classifier

PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
SAFE = ("model.safetensors", "model.safetensors.index.json")


# Their position table starts after the padding id.
OFFSET_POSITIONS = (
    "camembert",
    "data2vec-text",
    "ibert",
    "longformer",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
)


def check_source(source: str, *, offline: bool, allow_pickle: bool, revision: str | None = None) -> None:
    """Refuse early what cannot be loaded; never touches the network.

    Raises AssayError for a folder that is missing or has no configuration or weights, for pickled
    weights unless ``allow_pickle``, and, while offline, for a hub name that is not in the hub's cache.
    """
    folder = Path(source)
    if not folder.exists():
        if folder.is_absolute() or source.startswith(("./", "../", "~")) or source.count("/") > 1:
            raise AssayError(f"{source}: no such folder. Expected a folder in Hugging Face format.")
        if _offline(offline) and not _cached(source, revision):
            raise AssayError(
                f'"{source}" is no local folder and not in the cache, and offline mode forbids fetching it. '
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
            f"{source}: expected safetensors, but its weights are pickled ({pickled[0]}), and loading a "
            "pickle can run any code. Convert them to safetensors, or set allow_pickle = true on this "
            "candidate if you trust the file."
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
    check_source(source, offline=offline, allow_pickle=allow_pickle, revision=revision)
    options = _options(source, offline, trust_remote_code, revision)
    config = _config(source, options)
    if config.num_labels < 2 or config.problem_type in ("regression", "multi_label_classification"):
        raise AssayError(
            f"{source}: expected a single-label classifier of at least 2 classes, got "
            f"{config.num_labels} label(s), problem_type {config.problem_type!r}."
        )
    names = tuple(str(config.id2label.get(column, "")) for column in range(config.num_labels))
    if "" in names or len(set(names)) != len(names):
        raise AssayError(
            f"{source}: expected distinct label names for the columns 0 to {len(names) - 1} (id2label in "
            f"config.json), got {config.id2label}."
        )
    model, missing = _weights("AutoModelForSequenceClassification", source, config, allow_pickle, options)
    if missing:
        raise AssayError(
            f"{source}: weights are missing ({', '.join(missing[:3])}): it looks like an encoder without a "
            "trained classification head. Name it as encoder = ... with train = {...}."
        )
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

    layers: keep only the first transformer layers. The head is drawn from ``seed``, also where the source
        has a trained one; global random state is left as it was.
    Raises AssayError as ``check_source`` does, for a number of layers that the encoder does not have, and
    for weights that are not those of an encoder.
    """
    check_source(source, offline=offline, allow_pickle=allow_pickle, revision=revision)
    options = _options(source, offline, trust_remote_code, revision)
    config = _config(source, options)
    if layers is not None:
        if not 1 <= layers <= config.num_hidden_layers:
            raise AssayError(
                f"{source}: expected layers from 1 to {config.num_hidden_layers}, as many as the encoder "
                f"has, got {layers}."
            )
        config.num_hidden_layers = layers
    config.id2label = dict(enumerate(label_names))
    config.label2id = {name: i for i, name in enumerate(label_names)}
    config.problem_type = "single_label_classification"
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would seed the GPUs too.
        torch.default_generator.manual_seed(seed)
        with _reading(source):
            model = _auto("AutoModelForSequenceClassification").from_config(
                config, trust_remote_code=trust_remote_code
            )
        encoder, missing = _weights("AutoModel", source, config, allow_pickle, options)
    # Many encoders come without the pooler; it is then drawn with the head.
    missing = [name for name in missing if "pooler" not in name]
    if missing:
        raise AssayError(
            f"{source}: expected the weights of a {config.model_type} encoder, but some are missing "
            f"({', '.join(missing[:3])}). Check that config.json and the weights belong together."
        )
    model.base_model.load_state_dict(encoder.state_dict(), strict=False)
    return _classifier(source, model.float(), options, tuple(label_names), device, max_length)


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
    return replace(classifier, label_names=tuple(label_names), columns=columns)


def _offline(offline: bool) -> bool:
    return offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _cached(source: str, revision: str | None) -> bool:
    """Whether the hub's own cache on this machine has the configuration of ``source``."""
    from huggingface_hub import try_to_load_from_cache

    try:
        return isinstance(try_to_load_from_cache(source, "config.json", revision=revision), str)
    except ValueError:  # no possible name of a repository
        return False


def _options(source: str, offline: bool, trust_remote_code: bool, revision: str | None) -> dict[str, Any]:
    local = Path(source).exists() or _offline(offline)
    return {"local_files_only": local, "trust_remote_code": trust_remote_code, "revision": revision or "main"}


def _auto(name: str) -> Any:
    """A transformers Auto class, imported when it is first needed."""
    import transformers

    return getattr(transformers, name)


@contextmanager
def _reading(source: str) -> Iterator[None]:
    """Turn whatever transformers raises for an unreadable source into one sentence.

    Its errors share no base class: beside OSError and ValueError there are those of safetensors, of
    pickle, of the HTTP client and of missing optional packages.
    """
    try:
        with _quiet():
            yield
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        where = (
            "Check that the folder is complete."
            if Path(source).exists()
            else "If there is no network here, download it elsewhere and give the local folder."
        )
        raise AssayError(f"{source}: could not be loaded ({lines[0]}). {where}") from error


def _config(source: str, options: dict[str, Any]) -> Any:
    with _reading(source):
        return _auto("AutoConfig").from_pretrained(source, **options)


def _weights(
    auto: str, source: str, config: Any, allow_pickle: bool, options: dict[str, Any]
) -> tuple[Any, list[str]]:
    """The model in fp32, and the names of the weights that ``source`` lacks, sorted."""
    with _reading(source):
        model, info = _auto(auto).from_pretrained(
            source,
            config=config,
            use_safetensors=None if allow_pickle else True,
            output_loading_info=True,
            **options,
        )
    return model.float(), sorted(info["missing_keys"])


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
    _check_tokenizer(source, tokenizer, model)
    # DistilBERT knows no token types, but is often saved with BERT's tokenizer, which returns them.
    known = inspect.signature(model.forward).parameters
    tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name in known]
    limit = _limit(model.config, tokenizer)
    least = tokenizer.num_special_tokens_to_add(pair=True) + 2
    if max_length is not None and not least <= max_length <= limit:
        raise AssayError(f"{source}: expected max_length from {least} to {limit} tokens, got {max_length}.")
    return Classifier(
        model=model.to(device).eval(),
        tokenizer=tokenizer,
        label_names=label_names,
        columns=tuple(range(len(label_names))),
        device=device,
        max_length=max_length or limit,
        source=source,
    )


def _check_tokenizer(source: str, tokenizer: Any, model: Any) -> None:
    """Raises AssayError for a tokenizer that is empty, cannot pad, or is another model's."""
    vocabulary = tokenizer.get_vocab()
    # Where its files are missing, transformers 5 makes a tokenizer that knows nothing but special tokens.
    if set(vocabulary) <= set(tokenizer.all_special_tokens):
        raise AssayError(
            f"{source}: its tokenizer has no vocabulary; expected tokenizer.json or a vocabulary file beside "
            "the weights. Save the model's tokenizer there with save_pretrained."
        )
    if tokenizer.pad_token_id is None:
        raise AssayError(f"{source}: its tokenizer has no padding token, which batches need.")
    largest, rows = max(vocabulary.values()), model.get_input_embeddings().num_embeddings
    if largest >= rows:
        raise AssayError(
            f"{source}: its tokenizer gives ids up to {largest}, but the model has {rows} word embeddings. "
            "Expected the tokenizer that the model was trained with."
        )


def _limit(config: Any, tokenizer: Any) -> int:
    """The most tokens that both the position table and the tokenizer take; 512 where neither says."""
    positions = getattr(config, "max_position_embeddings", None) or 0
    if config.model_type in OFFSET_POSITIONS:
        positions -= config.pad_token_id + 1
    return int(min(positions if positions > 0 else 512, tokenizer.model_max_length))


@contextmanager
def _quiet() -> Iterator[None]:
    """No advice from transformers about freshly initialised heads: that is what was asked for."""
    from transformers.utils import logging

    settings: Any = logging
    before, bar = settings.get_verbosity(), settings.is_progress_bar_enabled()
    settings.set_verbosity_error()
    settings.disable_progress_bar()
    try:
        yield
    finally:
        settings.set_verbosity(before)
        if bar:
            settings.enable_progress_bar()
