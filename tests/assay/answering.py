"""Models that only answer, as candidates of small audits: a pipeline, a module, a server."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import joblib
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from attacks.textattack import resources
from tests.robustness.black_box.server import Handler, Server, Step
from tests.robustness.tiny import BAD, GOOD, tiny_dataset

NLTK_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "nltk_data"

MODULE = f"""
GOOD, BAD = set({GOOD!r}), set({BAD!r})


def lead(text):
    words = text.split()
    return sum(word in GOOD for word in words) - sum(word in BAD for word in words)


class Words:
    classes_ = ["negative", "positive"]

    def predict_proba(self, texts):
        return [[0.5 - lead(text) / 20, 0.5 + lead(text) / 20] for text in texts]


words = Words()


def labels_of(texts):
    return ["positive" if lead(text) > 0 else "negative" for text in texts]
"""
"""A model in Python, and the same one giving labels only."""


def lead(text: str) -> int:
    """Good words less bad ones, as in MODULE."""
    words = text.split()
    return sum(word in GOOD for word in words) - sum(word in BAD for word in words)


def fitted_pipeline(file: Path) -> Pipeline:
    """A pipeline that tells good from bad by words, in ``file``."""
    data = tiny_dataset(160, seed=1)
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression())
    pipeline.fit(data.texts, [data.label_names[label] for label in data.labels])
    joblib.dump(pipeline, file)
    return pipeline


@dataclass
class Answers:
    """What a server answered: how often each text. limit: after so many requests it fails for good."""

    answered: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    limit: int | None = None

    def step(self) -> Step:
        """The ``usual`` of a ``Server``."""

        def answer(handler: Handler, texts: list[str]) -> None:
            with handler.state.lock:
                self.requests += 1
                broken = self.limit is not None and self.requests > self.limit
                if not broken:
                    self.answered.update(texts)
            if broken:
                handler.reply({"detail": "out of order"}, 500)
            else:
                handler.reply({"predictions": rows_of(texts)})

        return answer


def rows_of(texts: Sequence[str]) -> list[list[float]]:
    return [[0.5 - lead(text) / 20, 0.5 + lead(text) / 20] for text in texts]


def behind(server: Server, name: str = "served", more: str = "") -> str:
    """A candidate whose model is ``server``, with a credential from the environment."""
    return (
        f'[[candidates]]\nname = "{name}"\nmodel = "{server.url}"\nlabels = ["negative", "positive"]\n'
        '[candidates.endpoint]\nserver = "mlflow"\nbackoff = 0.001\nretries = 2\n'
        f'headers = {{ Authorization = "Bearer ${{ASSAY_TEST_TOKEN}}" }}\n{more}'
    )


def with_resources(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a configuration a folder with NLTK's stop words; skips where this machine has none."""
    if find_spec("textattack") is None:
        pytest.skip("textattack is not installed")
    monkeypatch.setattr(resources, "_chosen", None)
    folder = config.parent / "resources"
    if NLTK_DATA.is_dir() and not folder.exists():
        folder.mkdir()
        (folder / "nltk").symlink_to(NLTK_DATA)
    resources.use(folder)
    if resources.missing(["nltk:stopwords"]):
        pytest.skip("NLTK's stop words are not on this machine")
    config.write_text(f'resources = "{folder}"\n{config.read_text(encoding="utf-8")}', encoding="utf-8")
