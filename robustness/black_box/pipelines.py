"""A fitted scikit-learn pipeline from a file: ``.skops``, or a pickle where the user trusts it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attacks.errors import AssayError
from robustness.black_box.callables import CallableModel, model_of
from robustness.black_box.kinds import PICKLES, PIPELINES
from robustness.black_box.state import file_sha256, version_of


def check_pipeline(path: Path, *, allow_pickle: bool) -> None:
    """Refuse early what ``load_pipeline`` cannot load; nothing of the file is run.

    Raises AssayError for a missing file, an unknown ending, a pickle unless ``allow_pickle``, and a
    ``.skops`` file where the package skops is not installed.
    """
    if not path.is_file():
        raise AssayError(f"{path}: no such file. Expected a fitted scikit-learn pipeline.")
    suffix = path.suffix.lower()
    if suffix not in PIPELINES:
        raise AssayError(f"{path}: expected a file that ends in {', '.join(PIPELINES)}.")
    if suffix in PICKLES and not allow_pickle:
        raise AssayError(
            f"{path}: expected a .skops file, but this is a pickle, and loading a pickle can run any code. "
            "Save the pipeline with skops.io.dump, or set allow_pickle = true on this candidate if you trust "
            "the file."
        )
    if suffix == ".skops" and not _has_skops():
        raise AssayError(f"{path}: the package skops is needed to read it. Install it: pip install skops.")


def load_pipeline(
    path: Path, *, allow_pickle: bool, labels: Sequence[str] | None = None, batch_size: int = 64
) -> CallableModel:
    """A fitted pipeline that takes texts; its columns are named by its ``classes_``.

    labels: names for ``classes_`` that are numbers, in their order.
    The fingerprint is that of the file, with the version of scikit-learn and the labels.
    Raises AssayError as ``check_pipeline`` does, for a file that cannot be read, for one that asks for types
    that skops does not know to be safe (unless ``allow_pickle``), and for what is no classifier.
    """
    check_pipeline(path, allow_pickle=allow_pickle)
    try:
        found = _skops(path, allow_pickle) if path.suffix.lower() == ".skops" else _pickled(path)
    except AssayError:
        raise
    except Exception as error:  # whatever a damaged file or a missing package raises
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise AssayError(
            f"{path}: could not be read ({lines[0]}). Check that the file is complete, and that the packages "
            "it was saved with are installed."
        ) from error
    decisive = [file_sha256(path), version_of(found)]
    return model_of(found, str(path), path.parent, decisive, labels=labels, batch_size=batch_size)


def _pickled(path: Path) -> Any:
    import joblib

    # Reads what pickle.dump wrote, too.
    return joblib.load(path)


def _has_skops() -> bool:
    from importlib.util import find_spec

    return find_spec("skops") is not None


def _skops(path: Path, allow_pickle: bool) -> Any:
    import skops.io

    unknown = skops.io.get_untrusted_types(file=path)
    if unknown and not allow_pickle:
        raise AssayError(
            f"{path}: it asks for types that skops does not know to be safe: {', '.join(unknown[:5])}. Set "
            "allow_pickle = true on this candidate if you trust the file."
        )
    return skops.io.load(path, trusted=unknown)
