"""[data] of a new assay.toml: the roles of the columns, the labels in the words of the model, a sample."""

from collections.abc import Iterator
from pathlib import Path

from assay.init.guess import Guess
from assay.init.look import Look
from assay.init.models import Model, relative
from assay.init.toml import listed, quoted, table

SAMPLE = 1_000
ENDPOINT_SAMPLE = 200
"""Examples that are audited of more: an attack asks for tens of answers for each, which may cost money."""


def template_data() -> list[str]:
    """[data] of a file that is not known yet."""
    return [
        "[data]                             # the labelled examples that the model is judged by",
        'path = "validation.csv"            # csv, tsv, jsonl or parquet: put your file here',
        'text = "text"                      # its column of texts',
        'label = "label"                    # its column of labels',
        '# id = "id"                        # examples are followed from audit to audit by it',
        '# groups = ["gender", "age_band"]  # columns whose values are compared',
        f"max_examples = {SAMPLE}                # a random sample of so many; leave it out to audit all",
    ]


def data_lines(
    look: Look, guessed: Guess, model: Model | None, folder: Path, map_: tuple[dict[str, str], bool] | None
) -> Iterator[str]:
    """[data] as it was guessed. map_: as ``label_map`` gives it for the labels of the model."""
    yield "# The labelled examples that the model is judged by: data that it was not trained on."
    yield f"# Guessed from {'all' if look.whole else 'the first'} {look.rows:,} rows."
    yield "[data]"
    yield f"path = {quoted(relative(look.path, folder))}"
    if look.delimiter is not None:
        yield f"delimiter = {quoted(look.delimiter)}"
    if not look.header:
        yield "# The file has no header row, it seems: these are names for its columns, in their order."
        yield f"columns = {listed(look.words)}"
    yield f"text = {quoted(guessed.text)}"
    for other in guessed.other_texts:
        yield f"# text = {quoted(other)}"
    if guessed.text_pair is not None:
        yield f"text_pair = {quoted(guessed.text_pair)}"
    yield f"label = {quoted(guessed.label)}"
    for other in guessed.other_labels:
        yield f"# label = {quoted(other)}"
    yield from _labels(guessed, model, map_)
    yield from _id(guessed)
    if guessed.split_column is not None:
        yield f"split_column = {quoted(guessed.split_column)}"
    groups = guessed.groups
    if groups.columns:
        yield "# Whom to compare: the model is measured for each value of these columns."
        yield f"groups = {listed(groups.columns)}"
    if groups.possible:
        yield "# Other columns of a few values, that could be compared too:"
        yield f"# groups = {listed((*groups.columns, *groups.possible))}"
    most = sample_size(model)
    if look.rows > most or not look.whole:
        yield f"max_examples = {most}  # a random sample with the same shares of labels; leave it out for all"


def sample_size(model: Model | None) -> int:
    """How many examples are audited at most."""
    return ENDPOINT_SAMPLE if model is not None and model.kind == "endpoint" else SAMPLE


def _labels(guessed: Guess, model: Model | None, map_: tuple[dict[str, str], bool] | None) -> Iterator[str]:
    if model is None or model.labels is None or model.encoder:
        return
    if map_ is None:
        yield f"# The model's labels are {', '.join(map(quoted, model.labels))}."
        yield "# Say which of them each label of the data is:"
        yield f"# label_map = {table((name, '...') for name in guessed.labels)}"
        return
    pairs, sure = map_
    if pairs:
        how = "spelt as the model spells them" if sure else "by their position: check that this is right"
        yield f"# The labels of the data in the words of the model, {how}."
        yield f"label_map = {table(pairs.items())}"
    met = {pairs.get(name, name) for name in guessed.labels}
    # A model of LABEL_0, LABEL_1, ... takes numbers as they are.
    own = list(model.labels) if met <= set(model.labels) else [str(i) for i in range(len(model.labels))]
    if met != set(own):
        yield "# All labels of the model, as some were not met in the data."
        yield f"labels = {listed(own)}"


def _id(guessed: Guess) -> Iterator[str]:
    if guessed.id is None:
        yield '# id = "..."  # a column that names each example: later audits are then compared in pairs'
    elif guessed.id_unsure:
        yield "# Each value of it was met once in the rows that were read; if so in all, take it."
        yield f"# id = {quoted(guessed.id)}"
    else:
        yield f"id = {quoted(guessed.id)}"
