"""Resources that are built from what a machine has."""

import subprocess
import sys
from pathlib import Path

import pytest

from attacks.errors import AssayError
from attacks.textattack import resources
from attacks.textattack.fetching import make_ready
from attacks.textattack.resource_table import RESOURCES
from attacks.textattack.resources import present
from tests.attacks.textattack.resources.cases import DEBIAN, ROOT, fetch_one, held, put, zipped


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
