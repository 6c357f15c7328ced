"""The demo's data: human-rated sentences of four domains, fetched once through pip and verified.

Source: the `vaderSentiment` 3.3.2 source distribution (MIT), which carries the sentences that Hutto and
Gilbert (2014, "VADER", ICWSM) had rated by people from -4 (negative) to +4 (positive).
"""

import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from attacks.errors import AssayError

PACKAGE = "vaderSentiment==3.3.2"
ARCHIVE = "vaderSentiment-3.3.2.tar.gz"
SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
INNER = "additional_resources/hutto_ICWSM_2014.tar.gz"
DOMAINS = {
    "tweets_GroundTruth.txt": "tweet",
    "movieReviewSnippets_GroundTruth.txt": "movie review",
    "amazonReviewSnippets_GroundTruth.txt": "product review",
    "nytEditorialSnippets_GroundTruth.txt": "editorial",
}
WEAKEST_RATING = 0.5


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WOMEN = _words(
    "actress aunt bride daughter daughters female females feminine gal girl girlfriend girls grandmother "
    "granddaughter grandma her hers herself heroine ladies lady ma'am mom moms mother mothers mrs ms niece "
    "queen she sister sisters widow wife wives woman women"
)
MEN = _words(
    "actor boy boyfriend boys brother brothers dad dads dude father fathers gentleman gentlemen grandfather "
    "grandpa grandson groom guy guys he him himself his husband king lad male males man masculine men mr "
    "nephew sir son sons uncle widower"
)
WORD_LIST_NOTE = (
    "Group “mentions”: women, men, both or neither, by whether a sentence contains one of the words "
    f"{', '.join(sorted(WOMEN))} (women) or {', '.join(sorted(MEN))} (men). "
    "A word list is a crude sign of who is meant."
)


@dataclass(frozen=True)
class Sentence:
    """One rated sentence: ``id`` is unique over the domains, ``rating`` the mean in [-4, 4]."""

    id: str
    domain: str
    rating: float
    text: str


def cache_folder() -> Path:
    """Where fetched archives are kept: ``$XDG_CACHE_HOME/assay``, by default ``~/.cache/assay``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay"


def fetch(cache: Path, *, offline: bool = False) -> Path:
    """The verified archive, downloaded by pip into ``cache`` unless it is there.

    Raises AssayError when it cannot be had or its SHA-256 is not the expected one.
    """
    archive = cache / ARCHIVE
    if not archive.is_file():
        if offline:
            raise AssayError(
                f"{archive} is missing, and offline mode forbids fetching it. Where there is network, run "
                f"`pip download --no-deps --no-binary :all: {PACKAGE}` and put {ARCHIVE} there."
            )
        _download(cache)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SHA256:
        raise AssayError(
            f"{archive}: expected SHA-256 {SHA256}, got {found}. Delete the file and run again; if it comes "
            "back the same, the package index serves an altered archive: do not use it."
        )
    return archive


def _download(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _pip_download(Path(scratch), cache)
    except OSError as error:
        raise AssayError(
            f"{cache}: the cache folder cannot be written ({error.strerror}). Free some space, make it "
            "writable, or set XDG_CACHE_HOME to another folder."
        ) from error


def _pip_download(scratch: Path, cache: Path) -> None:
    """Fetch the archive into ``cache``; pip checks the hash before it runs anything of the package."""
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", PACKAGE.split("==")[0]]
    command += ["--quiet", "--disable-pip-version-check", "--require-hashes"]
    done = subprocess.run(
        [*command, "--dest", str(scratch), "--requirement", str(requirements)],
        capture_output=True,
        text=True,
        check=False,
    )
    downloaded = scratch / ARCHIVE
    if done.returncode != 0 or not downloaded.is_file():
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise AssayError(
            f"pip could not download {PACKAGE} ({reason}). Check the network or the package index, or put "
            f"{ARCHIVE} into {cache} by hand."
        )
    downloaded.replace(cache / ARCHIVE)


def sentences(archive: Path) -> Iterator[Sentence]:
    """The rated sentences of all domains, in the archive's order."""
    with tarfile.open(archive) as outer:
        member = next(name for name in outer.getnames() if name.endswith(INNER))
        packed = outer.extractfile(member)
        assert packed is not None
        with tarfile.open(fileobj=io.BytesIO(packed.read())) as inner:
            for file, domain in DOMAINS.items():
                stream = inner.extractfile(f"hutto_ICWSM_2014/{file}")
                assert stream is not None
                for line in stream.read().decode("utf-8", errors="replace").split("\n"):
                    if line.strip():
                        number, rating, text = line.split("\t", 2)
                        number = number.lstrip("\ufeff").removeprefix("ï»¿")
                        yield Sentence(f"{domain}:{number}", domain, float(rating), text.strip())


def mentions(text: str) -> str:
    """``women``, ``men``, ``both`` or ``neither``, by the word lists of this module.

    Whole words, in any case; "he's" and "mother's" count as "he" and "mother".
    """
    found = re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower().replace("’", "'"))
    words = {*found, *(word.partition("'")[0] for word in found)}
    women, men = bool(words & WOMEN), bool(words & MEN)
    return "both" if women and men else "women" if women else "men" if men else "neither"


def write_csv(rated: Iterator[Sentence], path: Path) -> int:
    """Write id, text, label, domain and mentions of clearly rated sentences; returns how many.

    The label is the sign of the mean rating; sentences with |mean| < 0.5, and repeated texts, are left out.
    The file is replaced in one step: there is never half of one.
    """
    seen: set[str] = set()
    scratch = path.with_name(path.name + ".tmp")
    with scratch.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text", "sentiment", "domain", "mentions"])
        for sentence in rated:
            if abs(sentence.rating) < WEAKEST_RATING or not sentence.text or sentence.text in seen:
                continue
            seen.add(sentence.text)
            label = "positive" if sentence.rating > 0 else "negative"
            row = [sentence.id, sentence.text, label, sentence.domain, mentions(sentence.text)]
            writer.writerow(row)
    scratch.replace(path)
    return len(seen)
