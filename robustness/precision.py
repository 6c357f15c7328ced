"""In which precision a training computes; its weights stay in fp32."""

from collections.abc import Callable
from typing import Any, Literal, get_args

import torch

from attacks.errors import AssayError, nearest

Precision = Literal["auto", "fp32", "bf16", "fp16"]


def mixed_precision(
    precision: Precision, device: torch.device
) -> tuple[Callable[[], Any], torch.amp.GradScaler]:
    """The autocast context and the loss scaler (active for fp16 only).

    Raises AssayError for a precision that is not known.
    """
    known = get_args(Precision)
    if precision not in known:
        raise AssayError(
            f'Expected precision to be one of {", ".join(known)}, got "{precision}".'
            f"{nearest(precision, known)}"
        )
    if precision == "auto":
        precision = fastest_precision(device)
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]

    def autocast() -> Any:
        return torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32)

    return autocast, torch.amp.GradScaler(device.type, enabled=dtype is torch.float16)


def fastest_precision(device: torch.device) -> Precision:
    """Mixed precision where the hardware multiplies it several times faster than fp32."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    # The matrix units (AMX) of recent server CPUs; older releases of torch cannot tell.
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16" if device.type == "cpu" and capabilities.get("amx_bf16") else "fp32"
