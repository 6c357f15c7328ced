"""A model that answers an example by one of several heads: by the example's group, by a frozen draw, or both.

Thresholds that differ by group and predictors that are drawn at random are such models. Each member is a
classifier like any other, so an attack on an example is made on the member that answers it: knowing the
thresholds, and knowing which of the random predictors it faces. That is the strongest reading; an attacker
who does not know the draw reaches less.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from attacks.errors import AssayError, nearest
from attacks.victims import EmbeddingScale, TextInput
from robustness.classifier import Classifier
from robustness.dataset import TextDataset
from robustness.heads import Head, with_head
from robustness.judge import example_seed

ANYBODY = ""
"""The key of the shares where no group column is asked."""


@dataclass(frozen=True)
class Routing:
    """Which member answers an example.

    column: the group column that is asked; None where the draw alone decides.
    shares: {group value: (m,) probabilities of the members}, adding up to 1; {"": ...} without a column.
    seed: with an example's id it seeds that example's draw, so its member is always the same.
    """

    column: str | None
    shares: Mapping[str, tuple[float, ...]]
    seed: int

    def record(self) -> dict[str, object]:
        """All of it as JSON-able values."""
        shares = {value: list(each) for value, each in self.shares.items()}
        return {"column": self.column, "shares": shares, "seed": self.seed}

    def check(self, dataset: TextDataset) -> None:
        """Raises AssayError where the data lacks the column, or has a group value without shares."""
        if self.column is None:
            return
        if self.column not in dataset.groups:
            known = list(dataset.groups)
            raise AssayError(
                f'{dataset.name}: the model answers by the group column "{self.column}", which this data '
                f"does not have.{nearest(self.column, known)} Group columns: {', '.join(known) or 'none'}. "
                "Add the column, or use a mitigation that does not need the group at prediction time."
            )
        unknown = sorted({str(value) for value in dataset.groups[self.column]} - {*self.shares})
        if unknown:
            named = ", ".join(f'"{value}"' for value in unknown[:5])
            raise AssayError(
                f'{dataset.name}: the group column "{self.column}" has values that the mitigation never saw '
                f"in training or validation data: {named}{', ...' if len(unknown) > 5 else ''}. It has no "
                "answer for them: give training examples of these groups, or use a mitigation that does not "
                "need the group at prediction time."
            )

    def routes(self, dataset: TextDataset) -> np.ndarray:
        """The member of each example, (n,) int64; raises AssayError as ``check`` does."""
        self.check(dataset)
        n = len(dataset)
        values = np.full(n, ANYBODY) if self.column is None else dataset.groups[self.column]
        # Salted: what else an example's seed decides must not depend on its member.
        draws = np.array([example_seed(self.seed, f"route:{id_}") for id_ in dataset.ids]) / 2.0**63
        found = np.zeros(n, dtype=np.int64)
        for value in set(values.tolist()):
            rows = np.flatnonzero(values == value)
            shares = np.asarray(self.shares[value])
            possible = np.flatnonzero(shares > 0)
            bounds = np.cumsum(shares[possible])[:-1]
            found[rows] = possible[np.searchsorted(bounds, draws[rows], side="right")]
        return found


@dataclass(frozen=True)
class Routed:
    """m heads on one encoder. base: the classifier whose encoder it is.

    heads: in the order of ``base.label_names``. notes: sentences about how it came about.
    """

    base: Classifier
    heads: tuple[Head, ...]
    routing: Routing
    notes: tuple[str, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        return self.base.label_names

    @property
    def source(self) -> str:
        return self.base.source

    @property
    def scores(self) -> bool:
        return True

    @property
    def num_parameters(self) -> int:
        """Those of the encoder once, and of every head."""
        return self.base.num_parameters + (len(self.heads) - 1) * _size(self.heads[0])

    @property
    def embedding_scale(self) -> EmbeddingScale:
        return self.base.embedding_scale

    @cached_property
    def members(self) -> tuple[Classifier, ...]:
        """The m classifiers."""
        return tuple(with_head(self.base, head) for head in self.heads)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of everything that decides an answer: base, heads and routes."""
        digest = hashlib.sha256(self.base.fingerprint().encode())
        for head in self.heads:
            digest.update(np.ascontiguousarray(head.weight).tobytes())
            digest.update(np.ascontiguousarray(head.bias).tobytes())
        digest.update(json.dumps(self.routing.record(), sort_keys=True).encode())
        return digest.hexdigest()

    def check(self, dataset: TextDataset) -> None:
        """Raises AssayError where ``dataset`` lacks what routes its examples: before anything is asked."""
        self.routing.check(dataset)

    def parts(
        self, dataset: TextDataset, rows: Sequence[int] | None = None
    ) -> list[tuple[list[int], Classifier]]:
        """The rows of each member that answers any, in the data's order; raises AssayError as ``check`` does.

        rows: the examples to divide, each part in their order; None for all.
        """
        routes = self.routing.routes(dataset)
        chosen = range(len(dataset)) if rows is None else rows
        found: dict[int, list[int]] = {}
        for row in chosen:
            found.setdefault(int(routes[row]), []).append(row)
        return [(found[member], self.members[member]) for member in sorted(found)]

    def predict_proba(
        self, texts: Sequence[TextInput], advance: Callable[[int], None] = lambda count: None
    ) -> np.ndarray:
        """Refused: a text alone has no group and no draw. Use ``probabilities`` with a dataset."""
        what = "a draw for each example" if self.routing.column is None else f'"{self.routing.column}"'
        raise AssayError(
            f"{self.source}: this model answers by {what}, so texts alone are not enough: expected a data "
            "set with ids and groups."
        )

    def probabilities(self, dataset: TextDataset) -> np.ndarray:
        """Class probabilities (n, k), each row by its member; raises AssayError as ``check`` does."""
        answers = np.zeros((len(dataset), len(self.label_names)))
        for rows, member in self.parts(dataset):
            answers[rows] = member.predict_proba([dataset.inputs[row] for row in rows])
        return answers


def _size(head: Head) -> int:
    return int(head.weight.size + head.bias.size)
