"""Small files and archives that stand for resources, and what the tests of resources share."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from attacks.textattack.fetching import Fetched, fetch
from attacks.textattack.resource_table import ADDRESSES, RESOURCES

SHARED_NLTK = Path(__file__).parents[5] / "shared" / "data" / "nltk_data"
ROOT = Path(__file__).parents[4]
NOWHERE = replace(
    ADDRESSES, nltk="http://127.0.0.1:9/index.xml", textattack="http://127.0.0.1:9/", pip=("--no-index",)
)
"""Addresses that refuse at once."""
PARAGRAM = "textattack:counter-fitted-embeddings"
DEBIAN = [name for name in RESOURCES["nltk:wordnet"].files if name != "lexnames"]
"""The files of WordNet that Debian has."""


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


def fetch_one(name: str, **options: Any) -> Fetched:
    [fetched] = fetch([name], **{"addresses": NOWHERE, "debian": Path("/nonexistent")} | options)
    return fetched
