"""Gets what recipes need into the resource folder, where it appears complete or not at all."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from attacks.errors import AssayError
from attacks.textattack import resources
from attacks.textattack.resource_table import ADDRESSES, PARTS_OF_SPEECH, Addresses, Resource
from attacks.textattack.resources import (
    complete,
    complete_zip,
    folder,
    missing,
    present,
    resource,
    shown_size,
    zipped,
)
from attacks.textattack.sites import Way, network_ways, unpack


def make_ready(names: Iterable[str], debian: Path | None = None) -> list[str]:
    """Build what is not here but can be built from what this machine has; returns the names of those.

    That is WordNet from Debian's packages, and NLTK data that lies zipped where NLTK needs it unpacked.
    Raises AssayError where the resource folder cannot be written.
    """
    wanted = [each for each in missing(names) if resources.can_be_built(each.name, debian)]
    try:
        for each in wanted:
            # Another process may be faster, or may take away what it would be built from.
            any(_install(each, way) for way in _local_ways(debian))
    except OSError as error:
        raise AssayError(_unwritable(error)) from error
    return [each.name for each in wanted if present(each.name)]


Outcome = Literal["got", "was there", "failed"]


@dataclass(frozen=True)
class Fetched:
    """What became of one resource; reason: one sentence, where it failed."""

    name: str
    outcome: Outcome
    reason: str = ""


def fetch(
    names: Iterable[str],
    source: Path | None = None,
    offline: bool = False,
    tell: Callable[[str], None] = lambda message: None,
    addresses: Addresses = ADDRESSES,
    debian: Path | None = None,
) -> list[Fetched]:
    """Get each resource that is not here into ``folder()``, where it appears complete or not at all.

    source: a folder of the same layout, or of NLTK data. Without it, and where it lacks something: what this
    machine has, then the network, unless ``offline`` or HF_HUB_OFFLINE forbids it. tell: called with lines
    about what is going on. Raises AssayError for an unknown name and for a source that is no folder.
    """
    wanted = [resource(name) for name in dict.fromkeys(names)]
    if source is not None and not source.expanduser().is_dir():
        raise AssayError(f"--from: expected a folder with resources, got {source}, which is none.")
    ways = [*([_from_folder(source.expanduser())] if source else []), *_local_ways(debian)]
    forbidden = offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    if not forbidden:
        ways += network_ways(addresses, tell)
    return [_fetch_one(each, ways, forbidden, tell) for each in wanted]


def _fetch_one(
    wanted: Resource, ways: Sequence[Way], forbidden: bool, tell: Callable[[str], None]
) -> Fetched:
    if present(wanted.name):
        return Fetched(wanted.name, "was there")
    if not wanted.path:
        return Fetched(wanted.name, "failed", "it is part of a Python package, which assay does not install")
    tell(f"{wanted.name} ({shown_size(wanted)}) ...")
    reasons = ["the network is forbidden (offline)"] if forbidden else []
    for way in ways:
        try:
            if _install(wanted, way):
                return Fetched(wanted.name, "got")
        except AssayError as error:
            reasons.append(str(error))
        except OSError as error:
            reasons.append(_unwritable(error))
    return Fetched(wanted.name, "failed", "; ".join(dict.fromkeys(reasons)) or "nothing has it")


def _install(wanted: Resource, way: Way) -> bool:
    """Whether the resource is in its place now, by this way or by another process that was faster."""
    if not wanted.path:
        return False
    with _scratch(wanted) as scratch:
        if present(wanted.name):
            return True
        made = way(wanted, scratch)
        if made is None:
            return False
        if not complete(made, wanted.files):
            raise AssayError(f"what came lacks some of its files ({', '.join(wanted.files)})")
        _put(made, folder() / wanted.path)
    return True


@contextmanager
def _scratch(wanted: Resource) -> Iterator[Path]:
    """An empty folder on the file system of the resources, of one process at a time.

    A process that was killed leaves its folder behind; the next one for the same resource clears it away.
    """
    import filelock

    slug = wanted.path.replace("/", "--")
    scratch = folder() / ".scratch" / slug
    scratch.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(scratch.with_name(f"{slug}.lock")):
        shutil.rmtree(scratch, ignore_errors=True)
        # NLTK distrusts folders that others may write to.
        scratch.mkdir(mode=0o700)
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _put(made: Path, place: Path) -> None:
    """Move a complete folder to its place in one step; one that is there is completed, file by file."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        made.rename(place)
        return
    for file in sorted(path for path in made.rglob("*") if path.is_file()):
        target = place / file.relative_to(made)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)


def _copy(source: Path, target: Path) -> Path:
    """Contents only: read-only folders and links would not be ours to move."""
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    return target


def _local_ways(debian: Path | None) -> list[Way]:
    debian = debian or resources.DEBIAN_WORDNET

    def from_debian(wanted: Resource, scratch: Path) -> Path | None:
        if wanted.name != "nltk:wordnet" or not (debian / "data.noun").is_file():
            return None
        # Copied: NLTK follows no links that lead out of its folders.
        made = _copy(debian, scratch / "made")
        (made / "lexnames").write_text(_lexnames(), encoding="ascii")
        if not (made / "index.sense").is_file():
            raise AssayError(f"{debian} has no index.sense: apt-get install wordnet-sense-index")
        return made

    def from_zip(wanted: Resource, scratch: Path) -> Path | None:
        archive = zipped(wanted)
        if archive is None:
            return None
        unpack(archive, scratch)
        return scratch / Path(wanted.path).name

    return [from_debian, from_zip, _from_folder(Path.home() / ".cache")]


def _from_folder(source: Path) -> Way:
    """From a folder laid out as ours, or as one part of it: NLTK data, TextAttack's cache, hub models."""

    def way(wanted: Resource, scratch: Path) -> Path | None:
        for place in (source / wanted.path, source / wanted.path.partition("/")[2]):
            if complete(place, wanted.files):
                return _copy(place, scratch / "made")
            archive = place.with_name(place.name + ".zip")
            if complete_zip(archive, place.name, wanted.files):
                unpack(archive, scratch)
                return scratch / place.name
        return None

    return way


def _lexnames() -> str:
    """The lexicographer files of WordNet 3.0, lexnames(5WN): number, name and part of speech, by tabs.

    Debian leaves the file out; it is needed to read the others.
    """
    nouns = (
        "Tops act animal artifact attribute body cognition communication event feeling food group location "
        "motive object person phenomenon plant possession process quantity relation shape state substance "
        "time"
    )
    verbs = (
        "body change cognition communication competition consumption contact creation emotion motion "
        "perception possession social stative weather"
    )
    names = ["adj.all", "adj.pert", "adv.all"]
    names += [f"noun.{word}" for word in nouns.split()] + [f"verb.{word}" for word in verbs.split()]
    names.append("adj.ppl")
    number = {part: position for position, part in enumerate(PARTS_OF_SPEECH, start=1)}
    return "".join(f"{i:02d}\t{name}\t{number[name.partition('.')[0]]}\n" for i, name in enumerate(names))


def _unwritable(error: OSError) -> str:
    return (
        f"the resource folder {folder()} cannot be written ({error.strerror or error}); name another with "
        "--resources FOLDER or ASSAY_RESOURCES"
    )
