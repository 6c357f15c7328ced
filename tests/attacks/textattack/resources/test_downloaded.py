"""Resources fetched from NLTK's site, PyPI, TextAttack's bucket and the hub: servers on loopback."""

import hashlib
import io
import json
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attacks.textattack import resources, sites
from attacks.textattack.fetching import Fetched, fetch
from attacks.textattack.resource_table import RESOURCES
from attacks.textattack.resources import present
from tests.attacks.textattack.resources.cases import (
    NOWHERE,
    PARAGRAM,
    fetch_one,
    held,
    zipped,
)


def unpacked_size(body: bytes) -> int:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        return len(body)


def nltk_site(serve: Callable[[dict[str, bytes]], str], packages: dict[str, tuple[str, bytes, str]]) -> str:
    """The address of an index of ``{name: (subfolder, zip file, "1" to unpack it)}``."""
    bodies = {f"/{name}.zip": body for name, (_, body, _) in packages.items()}
    site = serve(bodies)
    rows = "".join(
        f'<package id="{name}" name="{name}" subdir="{subfolder}" url="{site}{name}.zip" unzip="{unpack}" '
        f'size="{len(body)}" unzipped_size="{unpacked_size(body)}" '
        f'checksum="{hashlib.md5(body).hexdigest()}" sha256_checksum="{hashlib.sha256(body).hexdigest()}"/>'
        for name, (subfolder, body, unpack) in packages.items()
    )
    bodies["/index.xml"] = f"<nltk_data><packages>{rows}</packages><collections/></nltk_data>".encode()
    return f"{site}index.xml"


@pytest.fixture
def nltk(monkeypatch: pytest.MonkeyPatch) -> Any:
    """NLTK, whose newer versions refuse servers on loopback unless told otherwise."""
    module = pytest.importorskip("nltk")
    pytest.importorskip("nltk.downloader")
    if hasattr(module, "pathsec"):
        monkeypatch.setattr(module.pathsec, "_ip_is_forbidden", lambda address: False)
    return module


def test_nltk_data_comes_from_nltks_site(nltk: Any, serve: Callable[[dict[str, bytes]], str]) -> None:
    searched = list(nltk.data.path)
    site = nltk_site(
        serve,
        {
            "stopwords": ("corpora", zipped("stopwords/english", "stopwords/french"), "1"),
            "omw-1.4": ("corpora", zipped("omw-1.4/fra/wn-data-fra.tab"), "0"),
        },
    )
    said: list[str] = []
    addresses = replace(NOWHERE, nltk=site)
    fetched = fetch(["nltk:stopwords", "nltk:omw-1.4"], tell=said.append, addresses=addresses)
    assert fetched == [Fetched("nltk:stopwords", "got"), Fetched("nltk:omw-1.4", "got")]
    assert held(resources.folder()) == {
        "nltk/corpora/stopwords/english",
        "nltk/corpora/stopwords/french",
        "nltk/corpora/omw-1.4/fra/wn-data-fra.tab",
    }
    assert said == ["nltk:stopwords (0.04 MB) ...", "nltk:omw-1.4 (27 MB) ..."]
    assert nltk.data.path == searched


def test_a_package_that_the_site_lacks_or_that_is_damaged_fails(
    nltk: Any, serve: Callable[[dict[str, bytes]], str]
) -> None:
    site = nltk_site(serve, {"omw-1.4": ("corpora", b"no zip file", "1")})
    for name in ("nltk:omw-1.4", "nltk:universal_tagset"):
        fetched = fetch_one(name, addresses=replace(NOWHERE, nltk=site))
        assert fetched.outcome == "failed"
        assert "NLTK's site gave nothing" in fetched.reason
    assert held(resources.folder()) == set()


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a wheel of the name of the real one that carries stop words of our own."""
    name, number = sites.WHEEL.split("==")
    module = name.replace("-", "_")
    packed = zipped("stopwords/english", "stopwords/french")
    path = tmp_path / "wheels" / f"{module}-{number}-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as wheel:
        info = f"{module}-{number}.dist-info"
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
        wheel.writestr("llama_index/core/_static/nltk_cache/corpora/stopwords.zip", packed)
        wheel.writestr("llama_index/core/evil.py", "raise SystemExit")
    monkeypatch.setitem(sites.IN_WHEEL, "nltk/corpora/stopwords", hashlib.sha256(packed).hexdigest())
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return path.parent


def test_where_nltks_site_is_out_of_reach_stop_words_come_from_pypi(wheels: Path) -> None:
    addresses = replace(NOWHERE, pip=("--no-index", "--find-links", str(wheels)))
    assert fetch_one("nltk:stopwords", addresses=addresses) == Fetched("nltk:stopwords", "got")
    assert held(resources.folder()) == {f"nltk/corpora/stopwords/{name}" for name in ("english", "french")}


def test_stop_words_of_another_content_are_refused(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sites.IN_WHEEL, "nltk/corpora/stopwords", "0" * 64)
    addresses = replace(NOWHERE, pip=("--no-index", "--find-links", str(wheels)))
    fetched = fetch_one("nltk:stopwords", addresses=addresses)
    assert fetched.outcome == "failed"
    assert "expected SHA-256 0000" in fetched.reason
    assert held(resources.folder()) == set()


def test_where_nothing_can_be_reached_each_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    fetched = fetch_one("nltk:stopwords")
    assert fetched.outcome == "failed"
    assert "NLTK" in fetched.reason
    assert f"pip could not download {sites.WHEEL}" in fetched.reason


def paragram(*more: str) -> bytes:
    return zipped(*[f"paragramcf/{name}" for name in RESOURCES[PARAGRAM].files], *more)


BUCKET_FOLDER = "/word_embeddings/paragramcf"


def from_bucket(serve: Callable[[dict[str, bytes]], str], body: bytes) -> Fetched:
    return fetch_one(PARAGRAM, addresses=replace(NOWHERE, textattack=serve({BUCKET_FOLDER: body})))


def test_textattacks_files_come_from_its_bucket_to_where_it_looks(
    serve: Callable[[dict[str, bytes]], str],
) -> None:
    assert from_bucket(serve, paragram()) == Fetched(PARAGRAM, "got")
    assert held(resources.textattack_path()) == {
        f"word_embeddings/paragramcf/{name}" for name in RESOURCES[PARAGRAM].files
    }
    hownet = {"/transformations/hownet/word_candidates_sense.pkl": b"a pickle"}
    fetched = fetch_one("textattack:hownet", addresses=replace(NOWHERE, textattack=serve(hownet)))
    assert fetched.outcome == "got"
    place = resources.textattack_path() / "transformations/hownet/word_candidates_sense.pkl"
    assert place.read_bytes() == b"a pickle"


def linked() -> bytes:
    stream = io.BytesIO(paragram())
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo("paragramcf/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (paragram("../evil"), "outside its own folder"),
        (paragram("paragramcf/../../evil"), "outside its own folder"),
        (paragram("/evil"), "outside its own folder"),
        (paragram("C:\\evil"), "outside its own folder"),
        (paragram("..\\evil"), "outside its own folder"),
        (linked(), "holds a link"),
        (paragram()[:-30], "expected a zip file"),
        (paragram().replace(b"content of paragramcf/nn", b"c0ntent of paragramcf/nn"), "Bad CRC"),
        (b"<html>no such bucket</html>", "expected a zip file"),
        (zipped("paragramcf/paragram.npy"), "lacks some of its files"),
        (b"CUT", r"broke off after 3 of 1,003 bytes"),
    ],
    ids=[
        "up",
        "up and down",
        "absolute",
        "drive",
        "backslash",
        "link",
        "cut zip",
        "damaged",
        "page",
        "few",
        "broken off",
    ],
)
def test_a_hostile_or_damaged_archive_leaves_nothing_behind(
    body: bytes, reason: str, tmp_path: Path, serve: Callable[[dict[str, bytes]], str]
) -> None:
    fetched = from_bucket(serve, body)
    assert fetched.outcome == "failed"
    assert reason in fetched.reason
    assert held(resources.folder()) == set()
    assert not list(tmp_path.rglob("*evil*"))


def test_an_archive_larger_than_the_disk_is_not_unpacked(
    serve: Callable[[dict[str, bytes]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = sites.shutil._ntuple_diskusage(10, 10, 0)  # type: ignore[attr-defined]
    monkeypatch.setattr(sites.shutil, "disk_usage", lambda place: full)  # type: ignore[attr-defined]
    assert "0 MB are free" in from_bucket(serve, paragram()).reason


def test_a_missing_file_of_the_bucket_is_said_with_its_address(
    serve: Callable[[dict[str, bytes]], str],
) -> None:
    bucket = serve({})
    fetched = fetch_one(PARAGRAM, addresses=replace(NOWHERE, textattack=bucket))
    assert fetched.reason == f"{bucket}word_embeddings/paragramcf cannot be had (HTTP Error 404: Not Found)"


def test_a_model_comes_from_the_hub_without_its_pickles(serve: Callable[[dict[str, bytes]], str]) -> None:
    pytest.importorskip("huggingface_hub")
    files = {"config.json": b"{}", "model.safetensors": b"weights", "1_Pooling/config.json": b"{ }"}
    unwanted = {"pytorch_model.bin": b"pickle", "onnx/config.json": b"{  }", "tf_model.h5": b"more"}
    siblings = [{"rfilename": name} for name in {**files, **unwanted}]
    commit = "a" * 40
    about = json.dumps(
        {"id": "org/name", "modelId": "org/name", "sha": commit, "siblings": siblings}
    ).encode()
    bodies = {"/api/models/org/name/revision/main": about, "/api/models/org/name": about}
    for name, body in {**files, **unwanted}.items():
        bodies[f"/org/name/resolve/{commit}/{name}"] = body
    hub = serve(bodies).rstrip("/")
    assert fetch_one("hub:org/name", addresses=replace(NOWHERE, hub=hub)) == Fetched("hub:org/name", "got")
    assert held(resources.folder()) == {f"hub/org/name/{name}" for name in files}
    failed = fetch_one("hub:org/other", addresses=replace(NOWHERE, hub=hub))
    assert failed.outcome == "failed"
    assert "the hub gave nothing" in failed.reason


@pytest.mark.parametrize(("member", "outcome"), [("saved_model.pb", "got"), ("../evil", "failed")])
def test_a_tensorflow_model_is_unpacked_inside_its_folder(
    member: str, outcome: str, tmp_path: Path, serve: Callable[[dict[str, bytes]], str]
) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in ("saved_model.pb", member):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"model"))
    name = "tfhub:google/universal-sentence-encoder/3"
    site = serve({"/google/universal-sentence-encoder/3?tf-hub-format=compressed": stream.getvalue()})
    assert fetch_one(name, addresses=replace(NOWHERE, tfhub=site)).outcome == outcome
    assert present(name) == (outcome == "got")
    assert not list(tmp_path.rglob("*evil*"))
