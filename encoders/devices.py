"""Devices of torch by name. torch itself is imported inside the functions: importing this module costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoders.errors import ModelUnavailable
from encoders.inference.runtime import Runtime

if TYPE_CHECKING:
    import torch


def torch_device(runtime: Runtime | str) -> torch.device:
    """The device of a runtime, on which torch is then ready to compute.

    Args:
        runtime: a runtime, or just a device: `auto` for the best there is, or `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        ModelUnavailable: the device does not exist, or cannot be used.
    """
    import torch

    wanted = Runtime(runtime) if isinstance(runtime, str) else runtime
    try:
        device = torch.device(_best_device() if wanted.device == "auto" else wanted.device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelUnavailable(f"device {wanted.device!r} cannot be used: {error}") from error
    if device.type == "cpu":
        # By itself torch counts the machine's cores, whatever the process may use of them.
        torch.set_num_threads(wanted.threads or min(torch.get_num_threads(), wanted.cpu_threads))
    return device


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
