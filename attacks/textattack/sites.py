"""Where resources come from over the network: NLTK's site, PyPI, TextAttack's bucket, the hubs."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path, PurePosixPath

from attacks.errors import AssayError
from attacks.textattack.resource_table import Addresses, Resource, s3_key

Way = Callable[[Resource, Path], Path | None]
"""A way to get a resource: makes its files in a scratch folder; returns their folder, None if not for it."""


def network_ways(addresses: Addresses, tell: Callable[[str], None]) -> list[Way]:
    """In the order in which they are tried."""

    def of(kind: str, way: Way) -> Way:
        return lambda wanted, scratch: way(wanted, scratch) if wanted.name.startswith(f"{kind}:") else None

    def from_nltk(wanted: Resource, scratch: Path) -> Path:
        return _from_nltk(wanted, scratch, addresses.nltk)

    def from_wheel(wanted: Resource, scratch: Path) -> Path | None:
        return _from_wheel(wanted, scratch, addresses.pip)

    def from_s3(wanted: Resource, scratch: Path) -> Path:
        below = wanted.path.removeprefix("textattack/")
        key = s3_key(wanted.name.removeprefix("textattack:"), below)
        file = _download(addresses.textattack + key, scratch / Path(key).name, tell)
        if zipfile.is_zipfile(file):
            archive = file.rename(scratch / "archive")
            unpack(archive, scratch / "unpacked")
            inner = scratch / "unpacked" / Path(key).name
            return inner if inner.is_dir() else scratch / "unpacked"
        if len(wanted.files) > 1:
            raise AssayError(f"expected a zip file from {addresses.textattack + key}, got something else")
        made = scratch / "made"
        made.mkdir()
        file.rename(made / file.name)
        return made

    def from_tfhub(wanted: Resource, scratch: Path) -> Path:
        url = f"{addresses.tfhub}{wanted.name.removeprefix('tfhub:')}?tf-hub-format=compressed"
        file = _download(url, scratch / "archive", tell)
        try:
            with tarfile.open(file) as packed:
                packed.extractall(scratch / "made", filter="data")
        except tarfile.TarError as error:
            raise AssayError(f"what came is no tar file that can be unpacked ({error})") from error
        return scratch / "made"

    def from_hub(wanted: Resource, scratch: Path) -> Path:
        return _from_hub(wanted, scratch, addresses.hub)

    nltk = [of("nltk", from_nltk), of("nltk", from_wheel)]
    return [*nltk, of("textattack", from_s3), of("tfhub", from_tfhub), of("hub", from_hub)]


def _download(url: str, target: Path, tell: Callable[[str], None]) -> Path:
    """Raises AssayError where the address cannot be reached or the answer breaks off."""
    step = 50e6
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, target.open("wb") as stream:
            expected = int(answer.headers.get("Content-Length") or 0)
            done, told = 0, step
            while block := answer.read(1 << 20):
                done += stream.write(block)
                if done >= told:
                    told += step
                    tell(f"  {done / 1e6:,.0f} of {expected / 1e6:,.0f} MB")
    except (OSError, ValueError) as error:
        raise AssayError(f"{url} cannot be had ({_first_line(error)})") from error
    if expected and done != expected:
        raise AssayError(f"{url} broke off after {done:,} of {expected:,} bytes")
    return target


def _from_nltk(wanted: Resource, scratch: Path, index: str) -> Path:
    package = Path(wanted.path)
    try:
        data, downloader = import_module("nltk.data"), import_module("nltk.downloader")
    except ImportError as error:
        raise AssayError('NLTK is not installed: pip install "assay[textattack]"') from error
    # Newer versions add the folder of a download to where NLTK looks.
    before = list(data.path)
    try:
        with Path(os.devnull).open("w") as nowhere:
            downloader.Downloader(server_index_url=index).download(
                package.name, str(scratch), quiet=True, raise_on_error=True, print_error_to=nowhere
            )
    except Exception as error:  # of many types, from an address that is not there to a wrong checksum
        raise AssayError(f"NLTK's site gave nothing ({_first_line(error)})") from error
    finally:
        data.path[:] = before
    made = scratch / package.parent.name / package.name
    zipped = made.with_name(f"{made.name}.zip")
    if not made.is_dir() and zipped.is_file():
        unpack(zipped, made.parent)
    return made


WHEEL = "llama-index-core==0.14.25"
"""A package on PyPI that carries some of NLTK's data, in the zip files of NLTK's site."""
IN_WHEEL = {
    "nltk/corpora/stopwords": "48c0e52d8b52546e827f53761fb30300c0ab94f70660d28bd65ba0a86270946b",
    "nltk/tokenizers/punkt_tab": "e57f64187974277726a3417ca6f181ec5403676c717672eef6a748a7b20e0106",
}
"""The SHA-256 of each of those zip files."""


def _from_wheel(wanted: Resource, scratch: Path, options: Sequence[str]) -> Path | None:
    if wanted.path not in IN_WHEEL:
        return None
    below = wanted.path.removeprefix("nltk/")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(scratch), *options, WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise AssayError(f"pip could not download {WHEEL} ({reason})")
    try:
        with zipfile.ZipFile(wheels[0]) as wheel:
            packed = wheel.read(f"llama_index/core/_static/nltk_cache/{below}.zip")
    except (zipfile.BadZipFile, KeyError) as error:
        raise AssayError(f"{wheels[0].name} has no {below}.zip ({_first_line(error)})") from error
    found = hashlib.sha256(packed).hexdigest()
    if found != IN_WHEEL[wanted.path]:
        raise AssayError(
            f"{below}.zip in {wheels[0].name}: expected SHA-256 {IN_WHEEL[wanted.path]}, got {found}"
        )
    archive = scratch / "archive"
    archive.write_bytes(packed)
    unpack(archive, scratch / "unpacked")
    return scratch / "unpacked" / Path(below).name


def _from_hub(wanted: Resource, scratch: Path, endpoint: str | None) -> Path:
    made = scratch / "made"
    pickled = wanted.files == ("pytorch_model.bin",)
    try:
        from huggingface_hub import snapshot_download

        snapshot_download(
            wanted.name.removeprefix("hub:"),
            local_dir=made,
            allow_patterns=list(wanted.files) if pickled else ["*.json", "*.txt", "*.model", "*.safetensors"],
            ignore_patterns=["onnx/*", "openvino/*", "coreml/*"],
            endpoint=endpoint,
        )
    except Exception as error:  # its errors and those of its HTTP client share no base class
        raise AssayError(f"the hub gave nothing ({_first_line(error)})") from error
    shutil.rmtree(made / ".cache", ignore_errors=True)
    return made


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def unpack(archive: Path, into: Path) -> None:
    """Unpack a zip file, all of it or nothing of it.

    Raises AssayError where it is no zip file or damaged, where a name in it leads out of the folder or is a
    link, and where the contents are more than fits on the disk.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            for member in packed.infolist():
                parts = PurePosixPath(member.filename.replace("\\", "/"))
                if parts.is_absolute() or ".." in parts.parts or ":" in member.filename:
                    raise AssayError(f"the zip file names {member.filename!a}, outside its own folder")
                if stat.S_ISLNK(member.external_attr >> 16):
                    raise AssayError(f"the zip file holds a link, {member.filename!a}")
            needed = sum(member.file_size for member in packed.infolist())
            free = shutil.disk_usage(archive.parent).free
            if needed > free:
                raise AssayError(
                    f"unpacked it takes {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free"
                )
            packed.extractall(into)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise AssayError(f"what came is no zip file that can be read ({error})") from error
