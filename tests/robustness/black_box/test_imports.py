"""A user's module is found beside the config; what is wrong with it is said with the line."""

import sys
from pathlib import Path

import pytest

from attacks.errors import AssayError
from robustness.black_box.callables import load_object

FUNCTIONS = """
def predict(texts): return [{"neg": 1 - len(t) / 100, "pos": len(t) / 100} for t in texts]
not_callable = 3
class Needs:
    def __init__(self, path): pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assay_functions.py").write_text(FUNCTIONS)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("assay_functions", 'expected "package.module:name"'),
        ("assay_functions:", 'expected "package.module:name"'),
        (":predict", 'expected "package.module:name"'),
        ("assay functions:predict", 'expected "package.module:name"'),
        ("../assay_functions:predict", 'expected "package.module:name"'),
        ("assay_nowhere:predict", 'no module "assay_nowhere", neither in'),
        ("assay_functions.deeper:predict", 'no module "assay_functions.deeper"'),
        ("assay_functions:predct", r'has no "predct".*Did you mean "predict"'),
        ("assay_functions:not_callable", "expected a function of a list of texts"),
        ("assay_functions:Needs", "TypeError.*path"),
        ("assay_broken:predict", r"ZeroDivisionError.*assay_broken\.py, line 2: x = 1 / 0"),
        ("assay_syntax:predict", r"SyntaxError.*assay_syntax\.py, line 1"),
        ("assay_needy:predict", r"ModuleNotFoundError.*assay_missing_package.*assay_needy\.py, line 1"),
        ("json:predict", r'json.*has no "predict"'),
    ],
)
def test_what_cannot_be_imported_is_said(folder: Path, source: str, message: str) -> None:
    (folder / "assay_broken.py").write_text("y = 2\nx = 1 / 0\n")
    (folder / "assay_syntax.py").write_text("def f(:\n")
    (folder / "assay_needy.py").write_text("import assay_missing_package\n")
    with pytest.raises(AssayError, match=message):
        load_object(source, base=folder, labels=["neg", "pos"])


def test_a_file_may_not_have_the_name_of_an_installed_package(tmp_path: Path) -> None:
    (tmp_path / "attacks.py").write_text("def predict(texts): return [[1, 0]] * len(texts)\n")
    with pytest.raises(AssayError, match=r'the name "attacks".*is taken.*Rename'):
        load_object("attacks:predict", base=tmp_path, labels=["neg", "pos"])


def test_the_search_path_is_left_as_it_was(folder: Path) -> None:
    (folder / "assay_broken.py").write_text("x = 1 / 0\n")
    before = list(sys.path)
    load_object("assay_functions:predict", base=folder)
    with pytest.raises(AssayError):
        load_object("assay_broken:predict", base=folder)
    assert sys.path == before


def test_two_folders_may_use_the_same_names(tmp_path: Path) -> None:
    models = []
    for name, score in (("one", 0.25), ("two", 0.75)):
        package = tmp_path / name / "assay_models"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "weights.py").write_text(f"SCORE = {score}\n")
        (package / "model.py").write_text(
            "from assay_models.weights import SCORE\n"
            "def predict(texts): return [{'neg': 1 - SCORE, 'pos': SCORE}] * len(texts)\n"
        )
        models.append(load_object("assay_models.model:predict", base=tmp_path / name))
    assert [model.predict_proba(["x"]).tolist() for model in models] == [[[0.75, 0.25]], [[0.25, 0.75]]]
    assert models[0].fingerprint() != models[1].fingerprint()


def test_the_fingerprint_follows_the_code_and_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "assay_weights.py").write_text("SCORE = 0.5\n")
    code = (
        "from assay_weights import SCORE\n"
        "def predict(texts): return [{'n': 1 - SCORE, 'p': SCORE} for t in texts]\n"
    )
    (tmp_path / "assay_model.py").write_text(code)

    def fingerprint() -> str:
        return load_object("assay_model:predict", base=tmp_path).fingerprint()

    first = fingerprint()
    assert fingerprint() == first
    (tmp_path / "assay_unrelated.py").write_text("x = 1\n")
    assert fingerprint() == first
    (tmp_path / "assay_weights.py").write_text("SCORE = 0.25\n")
    second = fingerprint()
    (tmp_path / "assay_model.py").write_text(code + "# changed\n")
    assert len({first, second, fingerprint()}) == 3


def test_a_file_may_not_have_the_name_of_a_part_of_python(tmp_path: Path) -> None:
    (tmp_path / "sndhdr.py").write_text("def predict(texts): return [{'a': 1, 'b': 0}] * len(texts)\n")
    with pytest.raises(AssayError, match=r'the name "sndhdr".*is taken.*Rename'):
        load_object("sndhdr:predict", base=tmp_path)


def test_a_folder_of_data_takes_no_module_s_place(tmp_path: Path) -> None:
    (tmp_path / "json").mkdir()
    with pytest.raises(AssayError, match=r'json.*has no "predict"'):
        load_object("json:predict", base=tmp_path)


def test_a_folder_without_init_is_a_package(tmp_path: Path) -> None:
    (tmp_path / "assay_folder").mkdir()
    (tmp_path / "assay_folder" / "model.py").write_text(FUNCTIONS)
    model = load_object("assay_folder.model:predict", base=tmp_path)
    assert model.predict_proba(["a" * 25]).tolist() == [[0.75, 0.25]]


def test_a_module_that_the_user_imported_before_is_taken_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "assay_functions", raising=False)
    __import__("assay_functions")
    assert load_object("assay_functions:predict", base=folder).label_names == ("neg", "pos")
