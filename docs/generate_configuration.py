"""Writes docs/configuration.md from the models of assay.toml: every key with its type, default and meaning.

Run ``python docs/generate_configuration.py`` after a change of a key. What a key means is taken from the
docstrings where they say it, and else from ``MEANINGS``.
"""

import inspect
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from assay.config_attacks import AttackConfig, BehaviourConfig, SimilarityConfig
from assay.config_candidates import CandidateConfig, LoraConfig, MitigateConfig, TrainConfig
from assay.config_counterfactual import CounterfactualConfig
from assay.config_data import DataConfig, SuiteConfig
from assay.config_endpoint import EndpointConfig
from assay.config_gate import FairnessConfig, GateConfig, GatingConfig, ValidityConfig
from assay.config_models import AuditConfig
from fairness.counterfactual.setup import set_up
from robustness.black_box.endpoint import Endpoint
from robustness.black_box.transport import Delivery
from robustness.data import load
from robustness.lora import Lora
from robustness.quality.limits import Limits

TARGET = Path(__file__).with_name("configuration.md")

HEAD = """\
# Every key of assay.toml

This page is generated from the code that reads the file: `python docs/generate_configuration.py`.

Paths are relative to the folder of the file. An unknown key is refused, and the message names the nearest
right one. Any key can be changed for one run: `assay audit --set data.max_examples=100`; entries of a list
are counted from 0, as in `--set candidates.0.model=models/new`.
"""


@dataclass(frozen=True)
class Part:
    """One section of the file. sources: whose docstrings explain keys, the first that does. rest: what keys
    that are not listed are."""

    title: str
    about: str
    model: type[BaseModel]
    sources: tuple[Any, ...] = ()
    rest: str = ""
    leave_out: frozenset[str] = frozenset()


PARTS = (
    Part("Top level", "Before the first section.", AuditConfig),
    Part("[data]", "The labelled examples.", DataConfig, (load,)),
    Part(
        "[[suites]]",
        "Labelled cases that a model must get right. Every key of `[data]`, and:",
        SuiteConfig,
        leave_out=frozenset(DataConfig.model_fields),
    ),
    Part(
        "[[candidates]]",
        "The models that are audited side by side: each has exactly one of `model`, `encoder` and `base`.",
        CandidateConfig,
    ),
    Part(
        "[candidates.train]",
        "How a candidate is fine-tuned here.",
        TrainConfig,
        rest="Other keys are parameters of the objective: `assay list objectives`.",
    ),
    Part("[candidates.train.lora]", "Adapters that are trained beside frozen weights.", LoraConfig, (Lora,)),
    Part(
        "[candidates.mitigate]",
        "What is done to treat groups more alike.",
        MitigateConfig,
        rest="Other keys are parameters of the method: `assay list mitigations`.",
    ),
    Part(
        "[candidates.endpoint]",
        "How a model behind an address is asked.",
        EndpointConfig,
        (Delivery, Endpoint),
    ),
    Part(
        "[[attacks]]",
        "Who tries to fool the models.",
        AttackConfig,
        rest="Other keys are parameters of the attack: `assay list attacks`.",
    ),
    Part(
        "[[behaviours]]",
        "Behavioural tests.",
        BehaviourConfig,
        rest="Other keys are parameters of the test: `assay list behaviours`.",
    ),
    Part(
        "[counterfactual]",
        "The same text about somebody else. The section alone, without a key, is enough.",
        CounterfactualConfig,
        (set_up,),
    ),
    Part("[similarity]", "Which changed texts still count as the same.", SimilarityConfig, (Limits,)),
    Part("[fairness]", "How groups are compared.", FairnessConfig),
    Part("[validity]", "Whether the figures can be trusted.", ValidityConfig),
    Part("[gating]", "How all checks of the gate are decided.", GatingConfig),
    Part("[[gate]]", "What is required: one check, with at least one limit.", GateConfig),
)

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "Top level": {
        "name": "of the audit and of its folder in `runs`; by default the name of the file without `.toml`.",
        "seed": "decides every random draw.",
        "device": "where models are computed: `auto`, `cpu`, `mps`, `cuda` or `cuda:N`.",
        "runs": "the folder that holds the run folders.",
        "offline": "never touch the network.",
        "workers": "processes of Ray; without it as many as there are cores or GPUs.",
    },
    "[data]": {
        "hub": "a dataset on the Hugging Face hub, in place of `path`.",
        "hub_config": "the configuration of the hub dataset.",
        "revision": "the revision of the hub dataset.",
        "name": "what the report calls the data.",
        "split": "the split of the hub dataset or saved DatasetDict that is audited; `test` without it.",
        "train_split": "its split for training; `train` without it, where there is one.",
        "validation_split": "its split that training is watched with; `validation` without it.",
        "text": "the column of the texts.",
        "text_pair": "the column of the second texts, where examples are pairs.",
        "label": "the column of the labels, which are read as text.",
        "id": "the column that names each example, by which audits are compared in pairs; rows are numbered "
        "without it.",
        "groups": "columns whose values are compared, which are read as text.",
        "max_examples": "audit a random sample of so many, with the same shares of labels.",
        "max_train_examples": "train on a random sample of so many, with the same shares of labels.",
        "train_path": "a file with the examples for training.",
        "validation_path": "a file with the examples that training is watched with.",
        "delimiter": "what divides the columns of a CSV or TSV, in place of the comma or the tab.",
        "test_fraction": "the share of the table that is audited, where training examples are cut from it.",
        "validation_fraction": "the share of the training examples that training is watched with.",
    },
    "[[candidates]]": {
        "name": "of the candidate; its folder in the run folder is called so.",
        "encoder": "a folder or a hub name: a model without a head for classes, fine-tuned with `train`.",
        "max_length": "tokens to which texts are cut.",
        "base": "the name of a candidate above this one, which a mitigation starts from.",
        "mitigate": "what treats groups more alike: see [candidates.mitigate].",
        "batch_size": "texts that a model which only answers is asked at once.",
        "allow_pickle": "open a file that can run code when it is opened; only for one that you trust.",
        "trust_remote_code": "run Python code that comes with the model; only for one that you trust.",
        "revision": "the revision of a model on the hub.",
        "train": "how it is trained: see [candidates.train].",
        "endpoint": "how an address is asked: see [candidates.endpoint].",
    },
    "[candidates.train]": {
        "objective": "what training minimises: `assay list objectives`.",
        "epochs": "times through the training examples.",
        "batch_size": "examples in one step.",
        "learning_rate": "at its highest.",
        "weight_decay": "of AdamW.",
        "warmup": "share of the training steps over which the learning rate rises from 0.",
        "ramp": "share of the training steps over which epsilon rises from 0.",
        "patience": "epochs without improvement before training stops; without it all epochs are trained.",
        "max_grad_norm": "a longer gradient is cut to this length.",
        "precision": "of the computation; `auto` takes what the device does well.",
        "freeze_embeddings": "leave the word embeddings as they are.",
        "lora": "train adapters: see [candidates.train.lora].",
    },
    "[candidates.train.lora]": {
        "r": "rank of the adapters.",
        "alpha": "scale of the adapters: alpha / r.",
        "dropout": "on the input of the adapters.",
        "target_modules": "the linear modules to adapt, by the end of their names; without it those "
        "that peft takes.",
    },
    "[candidates.mitigate]": {"method": "`assay list mitigations`."},
    "[candidates.endpoint]": {
        "server": "`huggingface`, `kserve` or `mlflow`, in place of `request` and `scores_path`.",
        "max_texts": "the most texts that are asked in one run.",
        "max_requests": "the most requests of one run.",
        "request": "the body of a request; `{texts}` stands for the texts, `{text}` for one.",
        "item": "what one text becomes in the list of a request.",
        "scores_path": "JMESPath to one list of scores for each text.",
        "label_path": "JMESPath to one label for each text, for a server that gives labels only.",
        "label_key": "where the answer names its labels: the key of the label.",
        "score_key": "where the answer names its labels: the key of the score.",
        "label_map": "{label of the server: label of the data}.",
        "headers": "of every request; `${NAME}` is taken from the environment: the place for credentials.",
        "malformed_retries": "how often a request is repeated after an answer that cannot be read.",
        "currency": "of the price.",
    },
    "[[attacks]]": {
        "name": "`assay list attacks`, or your own TextAttack recipe, `module:function`.",
        "epsilon": "budget of attacks on embeddings, relative to the model's own; a list means each.",
        "max_tokens": "budget of attacks on tokens: how many may differ; a list means each.",
        "max_injections": "budget of attacks on characters: how many may be put in; a list means each.",
    },
    "[[behaviours]]": {"name": "`assay list behaviours`."},
    "[similarity]": {
        "encoder": "a sentence encoder, a folder or a hub name; the packaged one without it, where that is "
        "installed.",
        "language_model": "the model by which perplexity is measured, a folder or a hub name.",
        "min_similarity": "the least cosine of the sentence embeddings of the two texts.",
        "max_changed": "the largest share of the original's words that is changed; one word always may be.",
        "max_perplexity_ratio": "how many times as perplexing a text may become.",
    },
    "[fairness]": {
        "confidence": "level of every interval of the audit.",
        "n_boot": "resamples of every bootstrap.",
    },
    "[[gate]]": {
        "candidate": "the candidate that it speaks of; every one without it.",
        "epsilon": "the budget of the attack, also in tokens or injections; every one without it.",
        "group": "a group column, or groups of another name: intersections are `gender & age`.",
        "value": "one value of the group column.",
        "behaviour": "the behavioural test whose failures are counted.",
        "max_drop": "by how much it may have fallen below the baseline of [gating].",
        "max_rise": "by how much it may have risen above the baseline of [gating].",
        "metric": "`assay list metrics`.",
        "attack": "the attack under which it is measured; clean text without it.",
        "min": "the least that is required.",
        "max": "the most that is allowed.",
    },
}


def page() -> str:
    """The text of docs/configuration.md."""
    return "\n".join([HEAD, *(line for part in PARTS for line in _section(part))]).rstrip() + "\n"


def meaning(part: Part, key: str) -> str | None:
    """What a key means; None where nothing says it."""
    if key in MEANINGS.get(part.title, {}):
        return MEANINGS[part.title][key]
    for source in (part.model, *part.sources):
        found = entries(inspect.getdoc(source) or "", part.model.model_fields).get(key)
        if found is not None:
            return found
    return None


def entries(docstring: str, keys: Mapping[str, object]) -> dict[str, str]:
    """{key: what is said of it} of a docstring with entries such as ``key, other: what they are``."""
    found: dict[str, str] = {}
    start = re.compile(r"(?:^|(?<=[.;)] ))((?:\w+)(?:(?:, | and )\w+)*): ", re.MULTILINE)
    for paragraph in re.split(r"\n\s*\n", docstring):
        # A line that is not indented and begins no entry ends the one before.
        lines = re.sub(r"\n[ \t]+", " ", paragraph)
        for line in lines.split("\n"):
            heads = [
                match for match in start.finditer(line) if set(re.split(r", | and ", match[1])) <= keys.keys()
            ]
            ends = [*(match.start() for match in heads[1:]), len(line)]
            for match, end in zip(heads, ends, strict=False):
                for key in re.split(r", | and ", match[1]):
                    found.setdefault(key, line[match.end() : end].strip())
    return found


def _section(part: Part) -> Iterator[str]:
    yield from (f"## {part.title}", "", part.about, "")
    yield from ("| key | type | default | meaning |", "|---|---|---|---|")
    for key, field in part.model.model_fields.items():
        if key not in part.leave_out and not _is_section(field):
            told = (meaning(part, key) or "").replace("``", "`").replace("|", "\\|")
            yield f"| `{key}` | {_type(field)} | {_default(field)} | {told[:1].upper()}{told[1:]} |"
    yield ""
    if part.rest:
        yield from (part.rest, "")


def _is_section(field: FieldInfo) -> bool:
    """Sections of the top level have parts of their own."""
    return any(model.__name__ in _shown(field.annotation) for model in _SECTIONS)


_SECTIONS = (
    *(DataConfig, SuiteConfig, CandidateConfig, AttackConfig, BehaviourConfig, CounterfactualConfig),
    *(SimilarityConfig, FairnessConfig, ValidityConfig, GatingConfig, GateConfig),
)


def _shown(annotation: Any) -> str:
    return str(annotation)


def _type(field: FieldInfo) -> str:
    return _words(field.annotation) + _limits(field.metadata)


def _words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(arguments[0]) + _limits(list(arguments[1:]))
    if origin in (Union, types.UnionType):
        return " or ".join(_words(each) for each in arguments if each is not types.NoneType)
    if origin is Literal:
        return " or ".join(f"`{each}`" for each in arguments)
    if origin is list:
        return f"list of {_words(arguments[0])}"
    if origin is dict:
        return f"table of {_words(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    plain = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
    return plain.get(annotation, "anything")


def _limits(metadata: list[Any]) -> str:
    """The constraints of a field, in words: ``, at least 1``."""
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    told = []
    for each in metadata:
        parts = getattr(each, "metadata", None) or [each]
        for part in parts:
            told += [f"{text} {getattr(part, key):g}" for key, text in words.items() if hasattr(part, key)]
            least = getattr(part, "min_length", None)
            if least is not None and least > 1:
                told.append(f"at least {least}")
    return "".join(f", {text}" for text in told)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ([], {}, ""):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Path):
        return f"`{value.as_posix()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
