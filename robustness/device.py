"""Which device to compute on."""

import torch

from attacks.errors import AssayError


def resolve_device(name: str) -> torch.device:
    """``auto`` is CUDA, then MPS, then CPU. Raises AssayError for a device that is not there."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise AssayError(f'device: expected auto, cpu, cuda, cuda:N or mps, got "{name}".') from error
    available = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }.get(device.type, 0)
    if (device.index or 0) >= available:
        raise AssayError(
            f'device: "{name}" is not available here ({available} {device.type} device(s)). '
            'Use device = "auto" or "cpu".'
        )
    return device


def describe_device(device: torch.device) -> str:
    """For the report: ``cuda (NVIDIA H200)`` or ``cpu (2 threads)``."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)" if device.type == "cpu" else device.type
