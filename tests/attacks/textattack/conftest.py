"""What the tests of TextAttack's recipes share: TextAttack itself, imported once, with the data it needs."""

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from attacks.textattack import fetching, resources
from attacks.textattack.loading import textattack

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "nltk_data"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new resource folder with what this machine has of NLTK's data."""
    folder = tmp_path_factory.mktemp("resources")
    if SHARED.is_dir():
        shutil.copytree(SHARED, folder / "nltk")
    return folder


@pytest.fixture(autouse=True)
def in_use(folder: Path) -> Iterator[None]:
    """Audits that other tests run have folders of their own."""
    resources.use(folder)
    yield
    resources.use(None)


@pytest.fixture(scope="session")
def ta(folder: Path) -> ModuleType:
    """The module textattack."""
    if find_spec("textattack") is None:
        pytest.skip("textattack is not installed")
    resources.use(folder)
    if resources.missing(["nltk:stopwords"]):
        pytest.skip("NLTK's stop words are not on this machine")
    if resources.missing(["nltk:wordnet"]):
        fetching.make_ready(["nltk:wordnet"])
    return textattack()


@pytest.fixture(scope="session")
def wordnet(ta: ModuleType, folder: Path) -> None:
    resources.use(folder)
    if resources.missing(["nltk:wordnet"]):
        pytest.skip("WordNet is not on this machine")
