"""Pipelines from files: skops where it is installed, pickles only where they are trusted."""

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from attacks.errors import AssayError
from robustness.black_box.kinds import kind_of
from robustness.black_box.pipelines import check_pipeline, load_pipeline

TEXTS = ["good film", "bad film", "great plot", "awful plot"]


@pytest.fixture(scope="module")
def fitted() -> Pipeline:
    labels = ["positive", "negative", "positive", "negative"]
    return make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, labels)


class Bomb:
    """What runs code when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("name", ["model.joblib", "model.pkl", "model.pickle", "model.PKL"])
def test_a_trusted_pickle_answers_as_the_pipeline_does(tmp_path: Path, fitted: Pipeline, name: str) -> None:
    path = tmp_path / name
    if name.endswith("joblib"):
        joblib.dump(fitted, path)
    else:
        path.write_bytes(pickle.dumps(fitted))
    model = load_pipeline(path, allow_pickle=True)
    assert model.label_names == ("negative", "positive")
    np.testing.assert_array_equal(model.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert model.source == str(path)


def test_a_pickle_is_not_opened_unless_it_is_trusted(tmp_path: Path) -> None:
    path, touched = tmp_path / "model.pkl", tmp_path / "touched"
    path.write_bytes(pickle.dumps(Bomb(touched)))
    with pytest.raises(AssayError, match=r"can run any code.*allow_pickle = true"):
        load_pipeline(path, allow_pickle=False)
    assert not touched.exists()


def test_the_fingerprint_is_that_of_the_file_and_stays_when_it_is_asked(
    tmp_path: Path, fitted: Pipeline
) -> None:
    path, other = tmp_path / "model.joblib", tmp_path / "other.joblib"
    joblib.dump(fitted, path)
    joblib.dump(make_pipeline(CountVectorizer(), LogisticRegression(C=9)).fit(TEXTS, list("abab")), other)
    model = load_pipeline(path, allow_pickle=True)
    before = model.fingerprint()
    model.predict_proba(TEXTS)
    assert model.fingerprint() == before == load_pipeline(path, allow_pickle=True).fingerprint()
    assert load_pipeline(other, allow_pickle=True).fingerprint() != before


def test_what_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    damaged, number, unknown = tmp_path / "a.joblib", tmp_path / "b.pkl", tmp_path / "c.onnx"
    damaged.write_bytes(b"not a pickle")
    number.write_bytes(pickle.dumps(3))
    unknown.touch()
    for path, message in [
        (damaged, "could not be read"),
        (number, "expected a function"),
        (unknown, "expected a file that ends in"),
        (tmp_path / "d.pkl", "no such file"),
        (tmp_path, "no such file"),
    ]:
        with pytest.raises(AssayError, match=message):
            load_pipeline(path, allow_pickle=True)


def test_files_of_pipelines_are_known_by_their_ending() -> None:
    assert {kind_of(name) for name in ("a.skops", "b/c.joblib", "d.pkl", "e.PICKLE")} == {"pipeline"}


def test_the_kind_of_a_model_is_told_by_its_name() -> None:
    assert {kind_of(name) for name in ("org/model", "folder.v1", "package:encoder")} == {"transformers"}
    assert [kind_of(name) for name in ("module:name", "a.b:c.d")] == ["callable"] * 2
    assert [kind_of(name) for name in ("https://host/p", "http://host")] == ["endpoint"] * 2


def test_a_missing_skops_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.skops"
    path.touch()
    monkeypatch.setattr("robustness.black_box.pipelines._has_skops", lambda: False)
    with pytest.raises(AssayError, match="pip install skops"):
        check_pipeline(path, allow_pickle=True)


def test_a_skops_file_answers_as_the_pipeline_does(tmp_path: Path, fitted: Pipeline) -> None:
    skops_io = pytest.importorskip("skops.io", reason="the package skops is not installed")
    path = tmp_path / "model.skops"
    skops_io.dump(fitted, path)
    model = load_pipeline(path, allow_pickle=False)
    np.testing.assert_array_equal(model.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


class Shouting(CountVectorizer):  # type: ignore[misc]
    """A type that skops cannot know."""


def test_unknown_types_in_a_skops_file_need_trust(tmp_path: Path) -> None:
    skops_io = pytest.importorskip("skops.io", reason="the package skops is not installed")
    path = tmp_path / "model.skops"
    skops_io.dump(make_pipeline(Shouting(), LogisticRegression()).fit(TEXTS, list("abab")), path)
    with pytest.raises(AssayError, match=r"Shouting.*allow_pickle = true"):
        load_pipeline(path, allow_pickle=False)
    assert load_pipeline(path, allow_pickle=True).label_names == ("a", "b")
