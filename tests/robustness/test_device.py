"""Which device an audit runs on."""

import pytest
import torch

from attacks.errors import AssayError
from robustness.device import describe_device, resolve_device


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A machine with so many CUDA devices, and with or without MPS."""
    cuda, mps = request.param
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("machine", "name", "device"),
    [
        ((2, True), "auto", "cuda"),
        ((0, True), "auto", "mps"),
        ((0, False), "auto", "cpu"),
        ((2, False), "cpu", "cpu"),
        ((2, False), "cuda:1", "cuda:1"),
        ((0, True), "mps", "mps"),
    ],
    indirect=["machine"],
)
def test_device_by_name(name: str, device: str) -> None:
    assert resolve_device(name) == torch.device(device)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("machine", "name", "message"),
    [
        ((0, False), "cuda", r"not available here \(0 cuda"),
        ((2, False), "cuda:2", r"not available here \(2 cuda"),
        ((0, False), "mps", "not available"),
        ((0, False), "xpu", "not available"),
        ((0, False), "gpu", 'expected auto, cpu, cuda, cuda:N or mps, got "gpu"'),
    ],
    indirect=["machine"],
)
def test_a_device_that_is_not_there_is_refused(name: str, message: str) -> None:
    with pytest.raises(AssayError, match=message):
        resolve_device(name)


def test_a_cpu_is_described_with_its_threads() -> None:
    assert describe_device(torch.device("cpu")) == f"cpu ({torch.get_num_threads()} threads)"
