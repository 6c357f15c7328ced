"""Resources: what there is, and where it lies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from attacks.errors import AssayError
from attacks.textattack import resources
from attacks.textattack.recipes import RECIPES
from attacks.textattack.resources import missing, present
from tests.attacks.textattack.resources.cases import PARAGRAM, ROOT, put, zipped


def test_every_need_of_a_recipe_is_a_resource_that_can_be_got() -> None:
    for recipe in RECIPES.values():
        for name in recipe.needs:
            found = resources.resource(name)
            assert found.name == name
            assert found.what
            assert found.how


def test_the_way_by_hand_leads_to_the_folder_in_use(tmp_path: Path) -> None:
    assert resources.resource("hub:gpt2").how == f"hf download gpt2 --local-dir {tmp_path}/resources/hub/gpt2"
    below = f"{tmp_path}/resources/textattack/word_embeddings"
    assert resources.resource(PARAGRAM).how.endswith(f"/word_embeddings/paragramcf into {below}")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nltk:wordnets", 'Did you mean "nltk:wordnet"'),
        ("", "Expected the name"),
        ("hub:", "Expected the name"),
        ("hub:../../etc", "Expected the name"),
        ("python:a b", "Expected the name"),
    ],
)
def test_an_unknown_name_is_refused(name: str, hint: str) -> None:
    with pytest.raises(AssayError, match=hint):
        present(name)


def test_any_model_of_the_hub_and_any_module_is_a_resource() -> None:
    assert resources.resource("hub:prajjwal1/bert-tiny").path == "hub/prajjwal1/bert-tiny"
    assert [found.name for found in missing(["python:json", "python:nosuch", "python:nosuch"])] == [
        "python:nosuch"
    ]


def test_the_folder_is_the_one_set_else_the_environments_else_the_cache(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resources.nltk_path() == tmp_path / "resources" / "nltk"
    assert resources.textattack_path() == tmp_path / "resources" / "textattack"
    resources.use(None)
    assert resources.folder() == tmp_path / "cache" / "assay"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert resources.folder() == home / ".cache" / "assay"
    monkeypatch.setenv("ASSAY_RESOURCES", "~/mine")
    assert resources.folder() == home / "mine"
    monkeypatch.chdir(tmp_path)
    resources.use(Path("here"))
    assert resources.folder() == tmp_path / "here"


def test_nltk_data_is_found_in_our_folder_and_in_nltks_own(tmp_path: Path, home: Path) -> None:
    assert not present("nltk:stopwords")
    put(home / "nltk_data/corpora/stopwords", "english")
    assert resources.find("nltk:stopwords") == home / "nltk_data/corpora/stopwords"
    put(resources.nltk_path() / "corpora/stopwords", "english")
    assert resources.find("nltk:stopwords") == tmp_path / "resources/nltk/corpora/stopwords"
    assert not present("nltk:stopwords/french")


def test_nltks_own_folders_are_those_that_nltk_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    nltk_data = pytest.importorskip("nltk.data")
    monkeypatch.undo()
    monkeypatch.delenv("NLTK_DATA", raising=False)
    usual = resources._nltk_folders()
    assert len(usual) == 8
    home = Path.home() / "nltk_data"
    assert home in usual, "NLTK has that of the home at its import"
    assert {str(folder) for folder in usual if folder != home} <= set(nltk_data.path)
    monkeypatch.setenv("NLTK_DATA", f"/first{os.pathsep}/second{os.pathsep}")
    assert resources._nltk_folders() == [Path("/first"), Path("/second"), *usual]


def test_an_empty_or_an_unfinished_file_is_not_there(home: Path) -> None:
    put(home / "nltk_data/corpora/stopwords", "english").joinpath("english").write_text("")
    put(resources.textattack_path() / "word_embeddings/paragramcf", "paragram.npy")
    assert not present("nltk:stopwords")
    assert not present(PARAGRAM)


def test_zipped_corpora_count_but_zipped_taggers_do_not(home: Path) -> None:
    for folder, name, file in (
        ("corpora", "omw-1.4", "fra/wn-data-fra.tab"),
        ("taggers", "universal_tagset", "en-ptb.map"),
        ("corpora", "stopwords", "german"),
    ):
        place = home / "nltk_data" / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.zip").write_bytes(zipped(f"{name}/{file}"))
    (home / "nltk_data/corpora/wordnet.zip").write_bytes(b"half a zip file")
    assert present("nltk:omw-1.4")
    assert not present("nltk:universal_tagset")
    assert not present("nltk:stopwords")
    assert not present("nltk:wordnet")


def test_models_are_found_in_our_folder_and_in_the_hubs_cache(tmp_path: Path, home: Path) -> None:
    put(tmp_path / "resources/hub/gpt2", "config.json", "pytorch_model.bin")
    assert not present("hub:gpt2"), "pickled weights are not taken for safetensors"
    put(tmp_path / "resources/hub/gpt2", "model.safetensors")
    assert present("hub:gpt2")
    snapshot = "models--org--name/snapshots/abc"
    put(tmp_path / "cache/huggingface/hub" / snapshot, "config.json", "model-00001-of-2.safetensors")
    assert present("hub:org/name")
    put(home / ".flair/models/ner-english/models--flair--ner-english/snapshots/abc", "pytorch_model.bin")
    assert present("hub:flair/ner-english")
    assert not present("hub:flair/ner-french")


def test_a_link_to_nowhere_in_a_cache_is_no_file(tmp_path: Path) -> None:
    place = put(tmp_path / "resources/hub/gpt2", "config.json")
    (place / "model.safetensors").symlink_to(tmp_path / "gone")
    assert not present("hub:gpt2")


def test_modules_are_found_without_importing_them() -> None:
    sys.modules.pop("antigravity", None)
    assert present("python:antigravity")
    assert "antigravity" not in sys.modules


def test_what_is_there_is_decided_without_any_heavy_import_or_the_network() -> None:
    heavy = ("textattack", "nltk", "torch", "transformers", "huggingface_hub", "flair", "tensorflow")
    code = (
        "import sys, socket; socket.socket.connect = None\n"
        "from attacks.textattack import fetching, resource_table, resources\n"
        "resources.missing(resource_table.RESOURCES)\n"
        f"print(*[name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
