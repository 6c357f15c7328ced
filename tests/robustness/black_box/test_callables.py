"""A user's own function or object becomes a model; whatever is wrong with it is said with the line."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attacks.errors import AssayError
from attacks.victims import TextInput
from robustness.black_box.callables import CallableModel, load_object

FUNCTIONS = """
import numpy as np
import pandas as pd
import torch

def score(text): return len(text) / 100
def rows(texts): return [[1 - score(t), score(t)] for t in texts]
def as_list(texts): return rows(texts)
def as_tuple(texts): return tuple(map(tuple, rows(texts)))
def as_array(texts): return np.array(rows(texts), dtype=np.float32)
def as_tensor(texts): return torch.tensor(rows(texts), requires_grad=True)
def as_table(texts): return pd.DataFrame(rows(texts), columns=["neg", "pos"])[["pos", "neg"]]
def as_dicts(texts): return [{"pos": p, "neg": n} for n, p in rows(texts)]
def as_numpy_dicts(texts): return [{"pos": np.float32(p), "neg": np.float32(n)} for n, p in rows(texts)]
def as_pipeline(texts):
    return [[{"label": "pos", "score": p}, {"label": "neg", "score": n}] for n, p in rows(texts)]
def as_rows_of_arrays(texts): return [np.array(row) for row in rows(texts)]
class AsClass:
    def __call__(self, texts): return rows(texts)
class Deep:
    inner = AsClass()
instance = AsClass()

def names(texts): return ["pos" if score(t) > 0.5 else "neg" for t in texts]
def numpy_names(texts): return np.array(names(texts))
def numbers(texts): return np.array([int(score(t) > 0.5) for t in texts])
def pairs(pairs): return [[1 - score(a + b), score(a + b)] for a, b in pairs]

def top_only(texts): return [{"label": "pos", "score": 0.9} for t in texts]
def logits(texts): return [[2.0, 3.0] for t in texts]
def nan(texts): return [[float("nan"), 1.0] for t in texts]
def few(texts): return rows(texts)[1:]
def flat(texts): return [0.5 for t in texts]
def nothing(texts): return None
def changing(texts): return rows(texts) if len(texts) == 1 else names(texts)
def broken(texts):
    table = {}
    return table[texts[0]]
def leaves(texts):
    import sys
    sys.exit(3)
def deep_inside(texts):
    return np.linalg.inv(np.zeros((2, 2)))
def interrupted(texts): raise KeyboardInterrupt
not_callable = 3
class Needs:
    def __init__(self, path): pass
sizes = []
def remembers(texts):
    sizes.append(len(texts))
    return rows(texts)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assay_functions.py").write_text(FUNCTIONS)
    return tmp_path


def load(folder: Path, name: str, **settings: Any) -> CallableModel:
    return load_object(f"assay_functions:{name}", base=folder, **settings)


TEXTS = ["", "a" * 10, "b" * 75]
EXPECTED = [[1.0, 0.0], [0.9, 0.1], [0.25, 0.75]]


@pytest.mark.parametrize(
    "name", ["as_list", "as_tuple", "as_array", "as_tensor", "as_rows_of_arrays", "AsClass"]
)
def test_rows_of_scores_take_the_labels_in_the_order_given(folder: Path, name: str) -> None:
    model = load(folder, name, labels=["neg", "pos"])
    np.testing.assert_allclose(model.predict_proba(TEXTS), EXPECTED, atol=1e-7)
    assert model.label_names == ("neg", "pos")
    assert model.scores
    assert model.predict_proba(TEXTS).dtype == np.float64


@pytest.mark.parametrize("name", ["as_table", "as_dicts", "as_numpy_dicts", "as_pipeline"])
def test_scores_with_names_are_put_in_order(folder: Path, name: str) -> None:
    model = load(folder, name)
    assert sorted(model.label_names) == ["neg", "pos"]
    columns = [model.label_names.index("neg"), model.label_names.index("pos")]
    np.testing.assert_allclose(model.predict_proba(TEXTS)[:, columns], EXPECTED, atol=1e-7)
    given = load(folder, name, labels=["neg", "pos"])
    np.testing.assert_allclose(given.predict_proba(TEXTS), EXPECTED, atol=1e-7)


@pytest.mark.parametrize("name", ["names", "numpy_names", "numbers"])
def test_labels_alone_become_one_hot_rows(folder: Path, name: str) -> None:
    model = load(folder, name, labels=["neg", "pos"])
    assert not model.scores
    assert model.predict_proba(TEXTS).tolist() == [[1, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize("name", ["as_list", "as_array", "names", "numbers"])
def test_labels_that_nothing_tells_must_be_given(folder: Path, name: str) -> None:
    with pytest.raises(AssayError, match=r"Name them.*labels = \["):
        load(folder, name)


def test_objects_and_their_attributes_can_be_named(folder: Path) -> None:
    for name in ("instance", "Deep.inner"):
        model = load(folder, name, labels=["neg", "pos"])
        np.testing.assert_allclose(model.predict_proba(TEXTS), EXPECTED)


def test_pairs_are_given_as_pairs(folder: Path) -> None:
    model = load(folder, "pairs", labels=["neg", "pos"], example=("a", "b"))
    texts: list[TextInput] = [("a" * 10, "b" * 15)]
    assert model.predict_proba(texts).tolist() == [[0.75, 0.25]]


def test_texts_are_given_in_batches_and_progress_is_told(folder: Path) -> None:
    model = load(folder, "remembers", labels=["neg", "pos"], batch_size=3)
    sizes = sys.modules["assay_functions"].sizes
    sizes.clear()
    told: list[int] = []
    model.predict_proba(["x"] * 7, told.append)
    assert sizes == told == [3, 3, 1]
    assert model.predict_proba([]).shape == (0, 2)
    assert sizes == [3, 3, 1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("top_only", r"no score for \['neg'\].*top_k"),
        ("logits", "sum to 1"),
        ("nan", "finite scores"),
        ("few", "expected 1 answers"),
        ("flat", "2 scores"),
        ("nothing", "expected a list"),
        ("broken", r"KeyError: 'text'.*assay_functions\.py, line \d+: return table\[texts\[0\]\]"),
        ("leaves", r"SystemExit: 3.*assay_functions\.py, line \d+: sys\.exit\(3\)"),
        ("deep_inside", r"LinAlgError.*assay_functions\.py, line \d+: return np\.linalg\.inv"),
    ],
)
def test_what_is_no_answer_is_refused(folder: Path, name: str, message: str) -> None:
    with pytest.raises(AssayError, match=f"assay_functions:{name}: .*{message}"):
        load(folder, name, labels=["neg", "pos"], example="text").predict_proba(["text"])


def test_answers_must_stay_of_one_kind(folder: Path) -> None:
    model = load(folder, "changing", labels=["neg", "pos"])
    with pytest.raises(AssayError, match="expected answer 1 to be 2 scores"):
        model.predict_proba(["a", "b"])


def test_an_interruption_is_none_of_our_business(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(folder, "interrupted", labels=["neg", "pos"])


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_has_a_text(folder: Path, batch_size: int) -> None:
    with pytest.raises(AssayError, match="batch_size"):
        load(folder, "as_dicts", batch_size=batch_size)
