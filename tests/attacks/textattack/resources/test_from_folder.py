"""Resources fetched from folders."""

import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from attacks.errors import AssayError
from attacks.textattack import resources
from attacks.textattack.fetching import Fetched, fetch
from attacks.textattack.resource_table import RESOURCES
from tests.attacks.textattack.resources.cases import (
    DEBIAN,
    PARAGRAM,
    SHARED_NLTK,
    fetch_one,
    held,
    put,
    zipped,
)


def test_a_folder_of_nltk_data_is_a_source() -> None:
    if not SHARED_NLTK.is_dir():
        pytest.skip(f"{SHARED_NLTK} is not there")
    names = ["nltk:stopwords", "nltk:averaged_perceptron_tagger_eng", "nltk:universal_tagset"]
    assert fetch(names, SHARED_NLTK, offline=True) == [Fetched(name, "got") for name in names]
    assert fetch(names, SHARED_NLTK, offline=True) == [Fetched(name, "was there") for name in names]
    copied = resources.nltk_path() / "corpora/stopwords/english"
    assert copied.read_bytes() == (SHARED_NLTK / "corpora/stopwords/english").read_bytes()
    assert os.access(copied.parent, os.W_OK)


def test_a_folder_laid_out_as_ours_is_a_source(tmp_path: Path) -> None:
    source = tmp_path / "stick"
    put(source / "hub/org/name", "config.json", "model.safetensors", "sub/modules.json")
    put(source / "tfhub/google/universal-sentence-encoder/3", "saved_model.pb", "variables/variables.index")
    put(source / "nltk", "README").joinpath("corpora").mkdir()
    (source / "nltk/corpora/wordnet.zip").write_bytes(
        zipped(*[f"wordnet/{name}" for name in [*DEBIAN, "lexnames"]])
    )
    names = ["hub:org/name", "tfhub:google/universal-sentence-encoder/3", "nltk:wordnet", PARAGRAM]
    fetched = fetch(names, source, offline=True, debian=tmp_path / "none")
    assert [each.outcome for each in fetched] == ["got", "got", "got", "failed"]
    assert held(resources.folder() / "hub") == {
        f"org/name/{name}" for name in ("config.json", "model.safetensors", "sub/modules.json")
    }
    assert (resources.nltk_path() / "corpora/wordnet/lexnames").is_file()


def test_what_textattack_has_downloaded_before_is_taken_over(home: Path) -> None:
    place = home / ".cache/textattack/word_embeddings/paragramcf"
    put(place, *RESOURCES[PARAGRAM].files)
    assert fetch_one(PARAGRAM, offline=True) == Fetched(PARAGRAM, "got")
    assert held(place) == set(RESOURCES[PARAGRAM].files)


def test_an_incomplete_resource_is_completed(tmp_path: Path) -> None:
    put(resources.nltk_path() / "corpora/stopwords", "english")
    source = put(tmp_path / "source/corpora/stopwords", "english", "french").parents[1]
    assert fetch_one("nltk:stopwords/french", source=source, offline=True).outcome == "got"
    assert held(resources.nltk_path() / "corpora/stopwords") == {"english", "french"}


def test_a_source_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="expected a folder with resources"):
        fetch(["nltk:stopwords"], tmp_path / "nowhere")


@pytest.mark.parametrize("how", ["option", "environment"])
def test_offline_means_no_network_and_no_other_program(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*arguments: Any, **options: Any) -> None:
        raise AssertionError("offline, and yet the network was touched")

    monkeypatch.setattr(socket, "create_connection", touched)
    monkeypatch.setattr(socket.socket, "connect", touched)
    monkeypatch.setattr(subprocess, "run", touched)
    if how == "environment":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    names = [
        "nltk:stopwords",
        PARAGRAM,
        "hub:gpt2",
        "tfhub:google/universal-sentence-encoder/3",
        "python:nosuch",
    ]
    fetched = fetch(names, offline=how == "option", debian=Path("/nonexistent"))
    assert [each.outcome for each in fetched] == ["failed"] * 5
    assert [each.reason for each in fetched[:4]] == ["the network is forbidden (offline)"] * 4
    assert "part of a Python package" in fetched[4].reason
