from collections.abc import Iterator

import pytest

from tests.robustness.black_box.server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as state:
        yield state
