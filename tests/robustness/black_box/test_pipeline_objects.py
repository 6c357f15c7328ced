"""scikit-learn objects in a user's module: named columns, the same answers, stable fingerprints."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from attacks.errors import AssayError
from robustness.black_box.callables import load_object

PIPELINE = """
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

TEXTS = ["good film", "great plot", "bad film", "awful plot"] * 3
NAMES = ["positive", "positive", "negative", "negative"] * 3
fitted = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, NAMES)
NUMBERS = [int(name == "positive") for name in NAMES]
numbered = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, NUMBERS)
labels_only = make_pipeline(TfidfVectorizer(), LinearSVC()).fit(TEXTS, NAMES)
unfitted = make_pipeline(TfidfVectorizer(), LogisticRegression())
class Holder:
    def __init__(self): self.inner = {"model": fitted}
    def __call__(self, texts): return self.inner["model"].predict_proba(texts)
holder = Holder()
"""


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipelines")
    (folder / "assay_pipelines.py").write_text(PIPELINE)
    return folder


def test_a_pipeline_answers_as_it_does_itself(pipelines: Path) -> None:
    model = load_object("assay_pipelines:fitted", base=pipelines)
    texts = ["good plot", "awful film", "", "nothing known"]
    expected = sys.modules["assay_pipelines"].fitted.predict_proba(texts)
    assert model.label_names == ("negative", "positive")
    np.testing.assert_array_equal(model.predict_proba(texts), expected)


def test_labels_may_rename_classes_that_are_numbers(pipelines: Path) -> None:
    assert load_object("assay_pipelines:numbered", base=pipelines).label_names == ("0", "1")
    renamed = load_object("assay_pipelines:numbered", base=pipelines, labels=["negative", "positive"])
    assert renamed.label_names == ("negative", "positive")
    assert renamed.predict_proba(["good film"])[0].argmax() == 1


def test_labels_in_another_order_than_classes_do_not_mix_columns_up(pipelines: Path) -> None:
    model = load_object("assay_pipelines:fitted", base=pipelines, labels=["positive", "negative"])
    assert model.label_names == ("negative", "positive")
    with pytest.raises(AssayError, match="but its classes_ are"):
        load_object("assay_pipelines:fitted", base=pipelines, labels=["good", "bad"])


def test_a_pipeline_without_probabilities_gives_labels(pipelines: Path) -> None:
    model = load_object("assay_pipelines:labels_only", base=pipelines)
    assert not model.scores
    assert model.predict_proba(["good film", "awful film"]).tolist() == [[0, 1], [1, 0]]


def test_an_unfitted_pipeline_is_refused(pipelines: Path) -> None:
    with pytest.raises(AssayError, match="NotFittedError"):
        load_object("assay_pipelines:unfitted", base=pipelines)
    model = load_object("assay_pipelines:unfitted", base=pipelines, labels=["negative", "positive"])
    with pytest.raises(AssayError, match="NotFittedError"):
        model.predict_proba(["a"])


def fingerprints(folder: Path) -> list[str]:
    """Taken before and after a question, of a pipeline and of an object that holds one."""
    found = []
    for name in ("fitted", "holder"):
        model = load_object(f"assay_pipelines:{name}", base=folder, labels=["negative", "positive"])
        found.append(model.fingerprint())
        model.predict_proba(["good film"])
        found.append(model.fingerprint())
    return found


def test_fingerprints_of_pipelines_are_the_same_in_every_process(pipelines: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from tests.robustness.black_box.test_pipeline_objects import fingerprints\n"
        f"print(*fingerprints(Path({str(pipelines)!r})))"
    )
    here = fingerprints(pipelines)
    there = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert there.stdout.split() == here
    assert here[0] == here[1] != here[2] == here[3]
    assert {len(fingerprint) for fingerprint in here} == {64}


def test_the_fingerprint_follows_the_weights(pipelines: Path) -> None:
    fingerprints = {
        load_object(f"assay_pipelines:{name}", base=pipelines).fingerprint()
        for name in ("fitted", "numbered", "labels_only")
    }
    assert len(fingerprints) == 3
