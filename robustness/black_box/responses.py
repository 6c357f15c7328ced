"""What an endpoint answered: JSON, in which JMESPath expressions say where the scores or labels are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from attacks.errors import AssayError
from robustness.black_box.answers import BadAnswerError, label_rows, score_rows, shortened


@dataclass(frozen=True)
class ResponseTemplate:
    """Where the answers are in a response.

    scores_path: JMESPath expression for a list with, for each text, its scores in the order of
        ``label_names``, an object of scores by label, or a list of objects with a label and a score each.
    label_path: in its place, an expression for a list of labels.
    label_key, score_key: what label and score are called in such objects.
    label_map: {the server's label: ours}, for labels that differ.
    one_text: whether a response is for one text, whose answer then need not be in a list.
    """

    label_names: tuple[str, ...]
    scores_path: str | None = None
    label_path: str | None = None
    label_key: str = "label"
    score_key: str = "score"
    label_map: Mapping[str, str] = field(default_factory=dict)
    one_text: bool = False

    def __post_init__(self) -> None:
        if (self.scores_path is None) == (self.label_path is None):
            raise AssayError("expected one of scores_path and label_path, which say where the answers are.")
        for server, ours in self.label_map.items():
            if ours not in self.label_names:
                raise AssayError(
                    f'label_map names "{ours}" for "{server}", which is none of {list(self.label_names)}.'
                )
        self._expression  # noqa: B018 - building it is the check

    @cached_property
    def _expression(self) -> Any:
        import jmespath

        path = self.scores_path or self.label_path or ""
        try:
            return jmespath.compile(path)
        except jmespath.exceptions.JMESPathError as error:
            first = (str(error).splitlines() or [""])[0]
            raise AssayError(f"{path!r} is no JMESPath expression ({first}). See jmespath.org.") from None

    def read(self, body: str, n: int) -> np.ndarray:
        """Class probabilities (n, k) for the ``n`` texts of a request, one-hot where there are labels only.

        Raises BadAnswerError for a body that is no JSON or has no proper answer for each text.
        """
        import jmespath

        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            raise BadAnswerError("not JSON", f"expected JSON, got {shortened(body)}.") from None
        try:
            answers = self._expression.search(content)
        except (jmespath.exceptions.JMESPathError, TypeError, RecursionError) as error:
            first = (str(error).splitlines() or [""])[0]
            raise BadAnswerError(
                "nothing where the answers should be",
                f"{self.scores_path or self.label_path!r} cannot be applied ({first}) to {shortened(body)}.",
            ) from None
        if answers is None:
            raise BadAnswerError(
                "nothing where the answers should be",
                f"expected answers at {self.scores_path or self.label_path!r}, got {shortened(body)}.",
            )
        if self.one_text:
            answers = self._of_one(answers)
        if self.label_path is not None:
            answers = [self._ours(each) for each in answers] if isinstance(answers, list) else answers
            return label_rows(answers, n, self.label_names)
        answers = [self._normal(each) for each in answers] if isinstance(answers, list) else answers
        return score_rows(answers, n, self.label_names)

    def _of_one(self, answer: Any) -> Any:
        """The answer for one text as a list of one."""
        if self.label_path is not None:
            return answer if isinstance(answer, list) else [answer]
        if not isinstance(answer, list) or len(answer) != 1 or self._is_scored(answer[0]):
            return [answer]
        return answer

    def _normal(self, answer: Any) -> Any:
        """An answer in the words of ``score_rows``: our labels, and ``label`` and ``score``."""
        if self._is_scored(answer):
            answer = [answer]
        if isinstance(answer, Mapping):
            pairs = [(name, score) for name, score in answer.items()]
        elif isinstance(answer, list) and answer and all(map(self._is_scored, answer)):
            pairs = [(each[self.label_key], each[self.score_key]) for each in answer]
        else:
            return answer
        return [{"label": self._ours(name), "score": score} for name, score in pairs]

    def _is_scored(self, answer: Any) -> bool:
        return isinstance(answer, Mapping) and self.label_key in answer and self.score_key in answer

    def _ours(self, label: Any) -> Any:
        return self.label_map.get(str(label), label)


def described(template: ResponseTemplate) -> list[Any]:
    """What decides how a response is read, JSON-able."""
    return [
        template.label_names,
        template.scores_path,
        template.label_path,
        template.label_key,
        template.score_key,
        sorted(template.label_map.items()),
    ]
