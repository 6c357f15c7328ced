"""Writes the assay.toml: every section with a line that says why, and what was unsure as a comment."""

from collections.abc import Iterator
from pathlib import Path

from assay.init.checks import checks
from assay.init.data_text import SAMPLE, data_lines, sample_size, template_data
from assay.init.guess import Guess
from assay.init.look import Look
from assay.init.models import Model, label_map
from assay.init.toml import key, listed, quoted
from robustness.cells import ordered_labels


def config_text(
    look: Look | None, guessed: Guess | None, model: Model | None, folder: Path, *, baseline: bool
) -> str:
    """The text of ``folder/assay.toml``.

    look, guessed: None for a template. model: None leaves a choice, of which one must be taken.
    baseline: whether a baseline stands in ``folder/baseline`` already.
    """
    n = min(look.rows, sample_size(model)) if look is not None else SAMPLE
    map_ = None
    if guessed is not None and model is not None and model.labels is not None:
        map_ = label_map(model.labels, list(guessed.labels))
    lines = ["# What assay audits, and what it requires. Paths are relative to this file."]
    lines += ["# Every key is explained in docs/configuration.md of assay; a misspelt one is refused.", ""]
    if look is None or guessed is None:
        lines += template_data()
    else:
        lines += data_lines(look, guessed, model, folder, map_)
    lines += ["", *_candidates(model, guessed), "", *_attacks(model), "", *_behaviours(), ""]
    lines += _fairness(guessed, map_)
    lines += ["", *_counterfactual(), "", *checks(guessed, model, n, baseline=baseline)]
    return "\n".join(lines) + "\n"


def _candidates(model: Model | None, guessed: Guess | None) -> Iterator[str]:
    yield "# The models that are audited, side by side. Give each a name."
    if model is None:
        yield from _choices()
        return
    yield "[[candidates]]"
    yield 'name = "model"'
    if model.encoder:
        yield f"encoder = {quoted(model.source)}  # has no head for classes yet, so it is fine-tuned here"
        yield 'train = { objective = "standard", epochs = 3 }'
        return
    yield f"model = {quoted(model.source)}"
    if model.kind == "pipeline" and not model.source.endswith(".skops"):
        yield "# allow_pickle = true  # opening this file runs code in it: only for a file that you trust"
    labels = list(guessed.labels) if guessed is not None else ["negative", "positive"]
    if model.kind in ("callable", "endpoint") and len(labels) > 1:
        yield f"labels = {listed(labels)}  # in the order of its scores: check it"
    elif model.kind != "transformers":
        yield "# labels = [...]  # in the order of the scores, where the model does not tell them itself"
    if model.kind == "endpoint":
        yield '[candidates.endpoint]  # needs pip install "assay[endpoint]"'
        yield 'server = "huggingface"  # or kserve, mlflow; for others give request and scores_path'
        yield '# headers = { Authorization = "Bearer ${API_TOKEN}" }  # taken from the environment'
    for other in model.others:
        yield "# [[candidates]]"
        yield '# name = "..."'
        yield f"# model = {quoted(other)}"


def _choices() -> list[str]:
    return [
        "# No model was named or found: take one of these.",
        "# [[candidates]]",
        '# name = "model"',
        '# model = "models/sentiment"     # a folder as save_pretrained writes it, or a name on the hub',
        '# model = "my_module:predict"    # a function from a list of texts to scores, beside this file',
        '# model = "pipeline.skops"       # a scikit-learn pipeline',
        '# encoder = "bert-base-uncased"  # fine-tuned here, on a part of the data',
        "# train = { epochs = 3 }",
    ]


def _attacks(model: Model | None) -> list[str]:
    if model is not None and model.kind != "transformers":
        return [
            "# How easily it is fooled. This model only answers, so the attacks are those that need nothing",
            "# else; `assay list attacks` shows all, `assay doctor` which recipes can run here.",
            "[[attacks]]",
            'name = "homoglyphs"  # letters exchanged for others that look the same',
            "max_injections = 2",
            'search = "greedy"    # random needs no scores, for a model that gives labels only',
            "max_queries = 100    # answers for each example",
        ]
    return [
        "# How easily it is fooled; `assay list attacks` shows every attack with its parameters.",
        "[[attacks]]",
        'name = "fgsm"               # one step along the gradient: how close texts lie to the boundary',
        "epsilon = [0.01, 0.03, 0.1]  # relative to the model's own embedding scale",
        "",
        "[[attacks]]",
        'name = "pgd"                # several steps, stronger',
        "epsilon = 0.03",
        "steps = 5",
        "",
        "[[attacks]]",
        'name = "homoglyphs"         # real text: letters exchanged for others that look the same',
        "max_injections = 2",
        'search = "greedy"',
        "max_queries = 100           # answers for each example",
    ]


def _behaviours() -> list[str]:
    return [
        "# What should not change the answer though nobody attacks; `assay list behaviours` shows all.",
        "[[behaviours]]",
        'name = "typos"',
        "",
        "[[behaviours]]",
        'name = "casing"',
    ]


def _fairness(guessed: Guess | None, map_: tuple[dict[str, str], bool] | None) -> Iterator[str]:
    yield "# How groups are compared."
    yield "[fairness]"
    yield "min_group_size = 30  # smaller groups are shown and not compared"
    pairs = map_[0] if map_ is not None else {}
    met = [] if guessed is None else list(ordered_labels({pairs.get(each, each) for each in guessed.labels}))
    if len(met) == 2:
        yield "# The outcome whose rates are compared, unless another is named:"
        yield f"# positive_label = {quoted(met[1])}"
    if guessed is not None and guessed.groups.overlapping:
        members = guessed.groups.overlapping
        yield "[fairness.overlapping]  # columns of yes and no: a text can be in several groups"
        yield f"{key(guessed.groups.overlapping_name)} = {listed(members)}"


def _counterfactual() -> list[str]:
    return [
        "# English texts: the same text about somebody else, with identity terms and names swapped.",
        "# [counterfactual]",
        '# axes = ["gender", "names"]',
    ]
