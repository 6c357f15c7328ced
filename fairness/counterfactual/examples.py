"""What a model is asked: examples with their variants, and what it answered."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from attacks.victims import TextInput
from fairness.counterfactual.swapping import Swap, Swapper
from robustness.dataset import TextDataset
from robustness.judge import example_seed


@dataclass(frozen=True)
class Example:
    """A text or a template with its variants.

    label: the true one; None for a template without a label. before: (k,) probabilities of the text as it is;
    None for a template, which is no text itself.
    """

    id: str
    original: TextInput
    label: str | None
    before: tuple[float, ...] | None
    swaps: tuple[Swap, ...]


@dataclass(frozen=True)
class CounterfactualOutcome:
    """The answers to the variants of one example; answers: (k,) probabilities for each of ``swaps``."""

    example_id: str
    before: tuple[float, ...] | None
    swaps: tuple[Swap, ...]
    answers: tuple[tuple[float, ...], ...]


def text_examples(
    dataset: TextDataset,
    clean_probabilities: np.ndarray,
    swapper: Swapper,
    *,
    seed: int,
    max_variants: int | None = None,
) -> Iterator[Example]:
    """The texts of ``dataset`` with their swaps, one at a time, those without any too.

    clean_probabilities: (n, k), what the model answers to the texts as they are. max_variants: of a text with
    more swaps so many are drawn, by ``seed`` and the text's id. Raises ValueError where the clean answers are
    not those of the data.
    """
    if len(clean_probabilities) != len(dataset):
        raise ValueError(f"expected {len(dataset)} clean answers, got {len(clean_probabilities)}")
    for row, text in enumerate(dataset.inputs):
        swaps = swapper.swaps(text)
        if max_variants is not None and len(swaps) > max_variants:
            rng = np.random.default_rng(example_seed(seed, dataset.ids[row]))
            drawn = rng.choice(len(swaps), size=max_variants, replace=False)
            swaps = [swaps[i] for i in sorted(drawn.tolist())]
        yield Example(
            id=dataset.ids[row],
            original=text,
            label=dataset.label_names[dataset.labels[row]],
            before=tuple(clean_probabilities[row].tolist()),
            swaps=tuple(swaps),
        )
