"""Answers that were paid for, so that none is asked for twice."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attacks.victims import TextInput

Row = tuple[float, ...]
"""The k probabilities of one text, in the order of the endpoint's own ``label_names``."""


class AnswerCache(Protocol):
    """Keeps the answers of one endpoint. It is called from the thread that asks, never from two at once."""

    def get(self, texts: Sequence[TextInput]) -> Mapping[TextInput, Row]:
        """The answers that are known, of ``texts``, which are all different."""
        ...

    def put(self, answers: Mapping[TextInput, Row]) -> None:
        """Keep the answers of one request, as soon as they came."""
        ...


class MemoryCache:
    """An AnswerCache that lasts as long as the process."""

    def __init__(self) -> None:
        self._answers: dict[TextInput, Row] = {}

    def get(self, texts: Sequence[TextInput]) -> Mapping[TextInput, Row]:
        return {text: self._answers[text] for text in texts if text in self._answers}

    def put(self, answers: Mapping[TextInput, Row]) -> None:
        self._answers.update(answers)
