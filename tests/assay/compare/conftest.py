"""Runs that several tests compare."""

from pathlib import Path

import pytest

from tests.assay.compare.runs import predictions


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two models of the same accuracy, and one that is ten points worse."""
    folder = tmp_path_factory.mktemp("kept")
    return {
        "old": predictions(folder, "old", 0.9, seed=1),
        "same": predictions(folder, "same", 0.9, seed=2),
        "worse": predictions(folder, "worse", 0.8, seed=3),
    }
