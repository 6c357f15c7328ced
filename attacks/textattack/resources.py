"""What TextAttack's recipes need beside their code: where it lies, and whether it is here.

Decided by files, without importing TextAttack, NLTK or torch and without the network.
"""

import fnmatch
import os
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from attacks.textattack.resource_table import Resource as Resource
from attacks.textattack.resource_table import named

DEBIAN_WORDNET = Path("/usr/share/wordnet")
"""Where Debian's packages wordnet-base and wordnet-sense-index put WordNet 3.0; else give ``debian``."""


def resource(name: str) -> Resource:
    """The resource of that name; ``hub:`` and ``python:`` may name any. Raises AssayError for another."""
    known = named(name)
    return replace(known, how=known.how.replace("{folder}", str(folder())))


_chosen: Path | None = None


def use(folder: Path | None) -> None:
    """Set the resource folder of this process; None goes back to the environment's."""
    global _chosen
    _chosen = None if folder is None else folder.expanduser().absolute()


def folder() -> Path:
    """What ``use`` set, else ``$ASSAY_RESOURCES``, else ``assay`` in the user's cache; it need not exist."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    default = Path(os.environ.get("ASSAY_RESOURCES") or Path(cache, "assay"))
    return _chosen or default.expanduser().absolute()


def nltk_path() -> Path:
    """A folder for ``nltk.data.path``."""
    return folder() / "nltk"


def textattack_path() -> Path:
    """A folder for TextAttack's ``TA_CACHE_DIR``."""
    return folder() / "textattack"


def present(name: str) -> bool:
    """Whether it can be used as it is. Raises AssayError for an unknown name."""
    return find(name) is not None


def missing(names: Iterable[str]) -> list[Resource]:
    """Those that are not here, in the given order, each once."""
    return [resource(name) for name in dict.fromkeys(names) if not present(name)]


def find(name: str) -> Path | None:
    """Where it lies: its folder, or the zip file that NLTK reads it from; None where it is not here."""
    wanted = resource(name)
    kind, _, rest = wanted.name.partition(":")
    if kind in ("python", "package", "openhownet"):
        return _inside_package(kind, rest)
    for place in _places(wanted, kind, rest):
        if complete(place, wanted.files):
            return place
        archive = place.with_name(place.name + ".zip")
        # NLTK reads zipped corpora, but no zipped JSON tagger.
        if place.parent.name == "corpora" and complete_zip(archive, place.name, wanted.files):
            return archive
    return None


def _inside_package(kind: str, name: str) -> Path | None:
    module = {"openhownet": "OpenHowNet", "package": name.replace("-", "_")}.get(kind, name)
    try:
        spec = find_spec(module)
    except ValueError:  # a module without a spec was put into sys.modules by hand
        return None
    if spec is None:
        return None
    home = Path(next(iter(spec.submodule_search_locations or []), spec.origin or module))
    inside = {"openhownet": "resources/HowNet_dict*", "package": "model/model.safetensors"}.get(kind)
    return home if inside is None or complete(home, (inside,)) else None


def _places(wanted: Resource, kind: str, rest: str) -> Iterator[Path]:
    yield folder() / wanted.path
    if kind == "nltk":
        yield from (root / wanted.path.removeprefix("nltk/") for root in _nltk_folders())
    if kind == "hub":
        repository = _hub_cache() / f"models--{rest.replace('/', '--')}" / "snapshots"
        yield from sorted(repository.glob("*"))
        # flair keeps a cache of the same layout for each of its models.
        own = Path(os.environ.get("FLAIR_CACHE_ROOT") or Path.home() / ".flair") / "models"
        if rest.startswith("flair/"):
            yield from sorted(own.glob(f"{rest.removeprefix('flair/')}/models--*/snapshots/*"))


def _nltk_folders() -> list[Path]:
    """Where NLTK looks without being told (``nltk.data.path``), except for Windows."""
    given = [Path(entry) for entry in os.environ.get("NLTK_DATA", "").split(os.pathsep) if entry]
    inside = [Path(sys.prefix, part, "nltk_data") for part in ("", "share", "lib")]
    shared = [
        Path(root, "nltk_data") for root in ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")
    ]
    return [*given, Path.home() / "nltk_data", *inside, *shared]


def _hub_cache() -> Path:
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub")).expanduser()


def complete(place: Path, files: Sequence[str]) -> bool:
    """Whether a folder has, for each pattern, a file that is not empty."""
    try:
        return all(any(path.stat().st_size for path in place.glob(pattern)) for pattern in files)
    except OSError:  # a link to nowhere, or a folder that may not be read
        return False


def complete_zip(archive: Path, inner: str, files: Sequence[str]) -> bool:
    """Whether a zip file has, for each pattern, a file in its folder ``inner``."""
    try:
        with zipfile.ZipFile(archive) as packed:
            held = packed.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
    return all(fnmatch.filter(held, f"{inner}/{pattern}") for pattern in files)


def can_be_built(name: str, debian: Path | None = None) -> bool:
    """Whether ``make_ready`` would build it, by what this machine has; nothing is written."""
    wanted = resource(name)
    debian = debian or DEBIAN_WORDNET
    if name == "nltk:wordnet" and all((debian / file).is_file() for file in ("data.noun", "index.sense")):
        return True
    return zipped(wanted) is not None


def zipped(wanted: Resource) -> Path | None:
    """The zip file with it, where one of NLTK's folders has one."""
    if not wanted.name.startswith("nltk:"):
        return None
    for place in _places(wanted, "nltk", ""):
        archive = place.with_name(place.name + ".zip")
        if complete_zip(archive, place.name, wanted.files):
            return archive
    return None


def shown_size(wanted: Resource) -> str:
    """``481 MB``; where it is not known, that."""
    return "size unknown" if wanted.size is None else f"{wanted.size:,.{0 if wanted.size >= 10 else 2}f} MB"
