"""Resources: found by their files, and fetched from folders and from servers on loopback."""

import hashlib
import http.server
import io
import json
import os
import socket
import stat
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attacks.errors import AssayError
from attacks.textattack import resources, sites
from attacks.textattack.fetching import Fetched, fetch, make_ready
from attacks.textattack.recipes import RECIPES
from attacks.textattack.resource_table import ADDRESSES, RESOURCES
from attacks.textattack.resources import missing, present

SHARED_NLTK = Path(__file__).parents[4] / "shared" / "data" / "nltk_data"
ROOT = Path(__file__).parents[3]
NOWHERE = replace(
    ADDRESSES, nltk="http://127.0.0.1:9/index.xml", textattack="http://127.0.0.1:9/", pip=("--no-index",)
)
"""Addresses that refuse at once."""
PARAGRAM = "textattack:counter-fitted-embeddings"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine of its own: an empty home, an empty resource folder, and no data of NLTK's elsewhere."""
    for name in (
        "ASSAY_RESOURCES",
        "FLAIR_CACHE_ROOT",
        "HF_HOME",
        "HF_HUB_CACHE",
        "HF_HUB_OFFLINE",
        "NLTK_DATA",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(resources, "_nltk_folders", lambda: [tmp_path / "home" / "nltk_data"])
    resources.use(tmp_path / "resources")
    yield tmp_path / "home"
    resources.use(None)


def put(folder: Path, *names: str) -> Path:
    """Small files of these names below ``folder``."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the content of {name}\n")
    return folder


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, f"the content of {name}\n")
    return stream.getvalue()


def held(folder: Path) -> set[str]:
    """The files below ``folder``, those that lock left out."""
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in files if not name.endswith(".lock")}


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, bytes]], str]]:
    """``serve({path: body})`` is the address of a server on loopback; a body b"CUT" breaks off."""
    servers = []

    def start(bodies: dict[str, bytes]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = bodies.get(self.path)
                self.send_response(404 if body is None else 200)
                body = body or b""
                self.send_header("Content-Length", str(len(body) + (1000 if body == b"CUT" else 0)))
                self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
                self.send_header("X-Repo-Commit", "a" * 40)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def fetch_one(name: str, **options: Any) -> Fetched:
    [fetched] = fetch([name], **{"addresses": NOWHERE, "debian": Path("/nonexistent")} | options)
    return fetched


# What there is


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


# Where it lies


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


# Built from what there is

DEBIAN = [name for name in RESOURCES["nltk:wordnet"].files if name != "lexnames"]


def test_debians_wordnet_is_made_readable_for_nltk(tmp_path: Path) -> None:
    debian = put(tmp_path / "debian", *DEBIAN)
    assert resources.can_be_built("nltk:wordnet", debian)
    assert not present("nltk:wordnet")
    assert make_ready(["nltk:wordnet", "nltk:stopwords"], debian) == ["nltk:wordnet"]
    place = resources.nltk_path() / "corpora" / "wordnet"
    assert held(place) == {*DEBIAN, "lexnames"}
    assert not any(path.is_symlink() for path in place.iterdir()), "NLTK refuses links out of its folders"
    assert (place / "data.noun").read_text() == (debian / "data.noun").read_text()
    assert make_ready(["nltk:wordnet"], debian) == []


def test_lexnames_are_those_of_the_manual(tmp_path: Path) -> None:
    """By lexnames(5WN): 26 files of nouns, 15 of verbs, 3 of adjectives, 1 of adverbs, in this order."""
    make_ready(["nltk:wordnet"], put(tmp_path / "debian", *DEBIAN))
    rows = (resources.nltk_path() / "corpora/wordnet/lexnames").read_text().splitlines()
    fields = [row.split("\t") for row in rows]
    assert [number for number, _, _ in fields] == [f"{i:02d}" for i in range(45)]
    assert [fields[i] for i in (0, 1, 2, 3, 18, 28, 29, 43, 44)] == [
        ["00", "adj.all", "3"], ["01", "adj.pert", "3"], ["02", "adv.all", "4"], ["03", "noun.Tops", "1"],
        ["18", "noun.person", "1"], ["28", "noun.time", "1"], ["29", "verb.body", "2"],
        ["43", "verb.weather", "2"], ["44", "adj.ppl", "3"],
    ]  # fmt: skip
    assert [sum(part == wanted for _, _, part in fields) for wanted in "1234"] == [26, 15, 3, 1]
    assert len({name for _, name, _ in fields}) == 45


def test_nltk_reads_the_wordnet_that_was_built(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (resources.DEBIAN_WORDNET / "index.sense").is_file():
        pytest.skip("Debian's packages wordnet-base and wordnet-sense-index are not installed")
    nltk = pytest.importorskip("nltk")
    make_ready(["nltk:wordnet"])
    monkeypatch.setattr(nltk.data, "path", [str(resources.nltk_path())])
    reader = nltk.corpus.reader.WordNetCorpusReader(str(resources.nltk_path() / "corpora/wordnet"), None)
    assert "movie" in {word for synset in reader.synsets("film") for word in synset.lemma_names()}
    assert reader.synsets("dog")[0].lexname() == "noun.animal"


def test_wordnet_without_its_sense_index_names_the_missing_package(tmp_path: Path) -> None:
    debian = put(tmp_path / "debian", *[name for name in DEBIAN if name != "index.sense"])
    assert not resources.can_be_built("nltk:wordnet", debian)
    assert make_ready(["nltk:wordnet"], debian) == []
    assert "apt-get install wordnet-sense-index" in fetch_one("nltk:wordnet", debian=debian).reason
    assert "wordnet-sense-index" in RESOURCES["nltk:wordnet"].how


def test_a_zipped_tagger_is_unpacked_where_nltk_needs_it_so(home: Path) -> None:
    place = put(home / "nltk_data/taggers", "other")
    (place / "universal_tagset.zip").write_bytes(
        zipped("universal_tagset/en-ptb.map", "universal_tagset/README")
    )
    assert resources.can_be_built("nltk:universal_tagset")
    assert make_ready(["nltk:universal_tagset"]) == ["nltk:universal_tagset"]
    assert held(resources.nltk_path()) == {
        f"taggers/universal_tagset/{name}" for name in ("en-ptb.map", "README")
    }
    assert held(home / "nltk_data") == {"taggers/other", "taggers/universal_tagset.zip"}


def test_where_nothing_is_to_be_built_nothing_is_written(tmp_path: Path) -> None:
    assert make_ready(RESOURCES, tmp_path / "none") == []
    assert not resources.folder().exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    debian = put(tmp_path / "debian", *DEBIAN)
    resources.use(put(tmp_path, "file") / "file" / "below")
    with pytest.raises(AssayError, match=r"cannot be written .*--resources FOLDER or ASSAY_RESOURCES"):
        make_ready(["nltk:wordnet"], debian)
    fetched = fetch_one("nltk:wordnet", debian=debian, offline=True)
    assert fetched.outcome == "failed"
    assert "cannot be written" in fetched.reason


def test_processes_that_build_at_once_agree(tmp_path: Path) -> None:
    debian = put(tmp_path / "debian", *DEBIAN)
    code = (
        "from pathlib import Path; from attacks.textattack import fetching, resources\n"
        f"resources.use(Path({str(resources.folder())!r}))\n"
        f"fetching.make_ready(['nltk:wordnet'], Path({str(debian)!r}))\n"
        "print(resources.present('nltk:wordnet'))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    assert [process.communicate() for process in running] == [("True\n", "")] * 3
    assert held(resources.folder()) == {f"nltk/corpora/wordnet/{name}" for name in [*DEBIAN, "lexnames"]}


def test_what_a_killed_process_left_is_cleared_away_and_never_taken(tmp_path: Path) -> None:
    put(resources.folder() / ".scratch/nltk--corpora--wordnet/made", "data.noun")
    assert not present("nltk:wordnet")
    make_ready(["nltk:wordnet"], put(tmp_path / "debian", *DEBIAN))
    assert present("nltk:wordnet")
    assert not any((resources.folder() / ".scratch").glob("*/"))


# Fetched from a folder


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


# Fetched from NLTK's site, PyPI, TextAttack's bucket and the hub


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
