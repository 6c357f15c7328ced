"""Training data without duplicates and without identity terms that give the label away."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from attacks.parameters import wrong
from fairness.counterfactual.swapping import Mention, Swapper
from fairness.counterfactual.terms import load_terms
from fairness.mitigation.base import NOUN, DataMitigation, MitigatedData, require_axes
from fairness.mitigation.examples import rewritten
from robustness.dataset import TextDataset

if TYPE_CHECKING:
    from attacks.victims import TextInput

SHOWN = 10
"""Terms that a note names."""

NEUTRAL = {
    "adjective": "certain",
    "person": "person",
    "people": "people",
    "man": "person",
    "men": "people",
    "he": "they",
    "himself": "themselves",
    "object": "them",
    "determiner": "their",
    "possessive": "theirs",
    "religion": "religion",
    "worship": "place",
    "worship, plural": "places",
    "scripture": "book",
}
"""What stands in for a term of a grammatical slot; ``OTHERWISE`` for one of any other slot."""
OTHERWISE = "someone"


@dataclass(frozen=True, kw_only=True)
class Filtering(DataMitigation):
    """Drops repeated training texts, and hides the identity terms that give the label away.

    Texts are the same when they agree in everything but case and spaces. Of several with one label the first
    stays; where their labels contradict each other, none does.

    An identity term gives a label away where texts with it have that label more often, or less often, than
    texts without it: Fisher's exact test for each term and label, at the false discovery rate ``alpha`` over
    all of them (Benjamini and Hochberg 1995). Such terms are replaced by neutral words (``terms = "mask"``),
    the grammar around them left as it is, or the texts with them dropped (``"drop"``). Dixon et al. 2018,
    "Measuring and mitigating unintended bias in text classification", balance such terms by adding data;
    where there are none to add, this takes away what would be learnt from the imbalance, and with it what
    the term says. The texts that are audited keep their terms.
    """

    name: ClassVar[str] = "filtering"

    duplicates: bool = field(default=True, metadata={"help": "drop repeated and contradicting texts"})
    terms: Literal["mask", "drop", "keep"] = field(
        default="mask",
        metadata={"help": "replace the terms that give the label away, drop their texts, or neither"},
    )
    axes: list[str] | None = field(
        default=None, metadata={"help": "whose terms, for example gender and religion; all by default"}
    )
    alpha: float = field(
        default=0.05, metadata={"help": "false discovery rate of the test whether a term gives a label away"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_axes(self.name, self.axes)
        if not 0 < self.alpha < 1:
            raise wrong(self.name, "alpha", "a number between 0 and 1", self.alpha, kind=NOUN)

    def check(self, dataset: TextDataset) -> None:
        """Refuses an unknown axis."""
        if self.terms != "keep":
            load_terms(self.axes)

    def apply(self, training: TextDataset, seed: int) -> MitigatedData:
        notes = []
        if self.duplicates:
            n = len(training)
            training, repeated, contradicting = without_duplicates(training)
            notes.append(
                f"Dropped of {n:,} training texts: {repeated:,} repeated, {contradicting:,} whose labels "
                "contradict each other."
            )
        if self.terms != "keep":
            swapper = Swapper(load_terms(self.axes))
            mentions = [swapper.mentions(text) for text in training.inputs]
            telling = telling_terms(mentions, training.labels, self.alpha)
            told = [[each for each in found if _key(each) in telling] for found in mentions]
            affected = sum(map(bool, told))
            if self.terms == "drop":
                training = training.take([row for row, found in enumerate(told) if not found])
                done = f"texts with them that were dropped: {affected:,}"
            else:
                texts = [masked(text, found) for text, found in zip(training.inputs, told, strict=True)]
                training = rewritten(training, texts)
                done = f"texts with neutral words in their place: {affected:,}"
            notes.append(f"{_named(telling)}; {done}." if telling else "No identity term gives a label away.")
        return MitigatedData(training, notes=notes)


def without_duplicates(dataset: TextDataset) -> tuple[TextDataset, int, int]:
    """The dataset, the number of repeated examples dropped, and that of contradicting ones.

    Of examples that are the same the first stays, or none where their labels are not.
    """
    rows: defaultdict[object, list[int]] = defaultdict(list)
    for row, text in enumerate(dataset.inputs):
        parts = (text,) if isinstance(text, str) else text
        rows[tuple(" ".join(part.casefold().split()) for part in parts)].append(row)
    kept, contradicting = [], 0
    for same in rows.values():
        if len(set(dataset.labels[same].tolist())) == 1:
            kept.append(same[0])
        else:
            contradicting += len(same)
    repeated = len(dataset) - len(kept) - contradicting
    return dataset.take(sorted(kept)), repeated, contradicting


def telling_terms(mentions: list[list[Mention]], labels: np.ndarray, alpha: float) -> list[tuple[str, str]]:
    """The (axis, term in lower case) that go with a label, the most frequent first.

    mentions: of each of n texts. labels: (n,). A term counts once for a text.
    """
    from scipy.stats import false_discovery_control, fisher_exact

    having: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for row, found in enumerate(mentions):
        for each in found:
            having[_key(each)].add(row)
    classes, totals = np.unique(labels, return_counts=True)
    # With two classes the second table is the first one turned round.
    tested = list(zip(classes, totals, strict=True))[: 1 if len(classes) == 2 else None]
    terms, p_values = [], []
    for term, rows in having.items():
        mine = labels[sorted(rows)]
        for label, total in tested:
            with_it = int((mine == label).sum())
            without = len(rows) - with_it
            table = np.array([[with_it, without], [total - with_it, len(labels) - total - without]])
            terms.append(term)
            p_values.append(float(fisher_exact(table).pvalue))
    if not p_values or len(classes) < 2:
        return []
    adjusted = false_discovery_control(p_values, method="bh")
    found_terms = {term for term, p in zip(terms, adjusted, strict=True) if p <= alpha}
    return sorted(found_terms, key=lambda term: (-len(having[term]), term))


def masked(text: "TextInput", mentions: list[Mention]) -> "TextInput":
    """The text, or the pair, with neutral words in place of ``mentions``."""
    parts = [text] if isinstance(text, str) else list(text)
    for each in sorted(mentions, key=lambda mention: mention.start, reverse=True):
        word = NEUTRAL.get(each.slot, OTHERWISE)
        part = parts[each.part]
        word = word.capitalize() if part[each.start].isupper() and each.start == 0 else word
        parts[each.part] = part[: each.start] + word + part[each.end :]
    return parts[0] if isinstance(text, str) else (parts[0], parts[1])


def _key(mention: Mention) -> tuple[str, str]:
    return mention.axis, mention.term.lower()


def _named(terms: list[tuple[str, str]]) -> str:
    shown = ", ".join(term for _, term in terms[:SHOWN])
    more = f" and {len(terms) - SHOWN:,} more" if len(terms) > SHOWN else ""
    axes = Counter(axis for axis, _ in terms)
    by_axis = ", ".join(f"{axis}: {n}" for axis, n in sorted(axes.items()))
    return f"Identity terms that give a label away ({by_axis}): {shown}{more}"
