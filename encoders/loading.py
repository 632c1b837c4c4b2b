"""Encoders by name, as configuration gives them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from encoders import checkpoints
from encoders.errors import ModelUnavailable
from encoders.port import Encoder, HashEncoder

if TYPE_CHECKING:
    import torch

MINI_DIRECTORY: Final = Path(__file__).parent / "models" / "mini"


def load_encoder(name: str, device: str = "auto") -> Encoder:
    """Load an encoder.

    Args:
        name: `mini` (ships with the project), `hash` (no weights, for tests), a model directory, or a hub name.
        device: `auto` (the best there is), or a torch device such as `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        ModelUnavailable: no such model or device, or one that is no text–image dual encoder.
    """
    if name == "hash":
        return HashEncoder()
    directory = MINI_DIRECTORY if name == "mini" else checkpoints.locate(name)
    # Imported here: the double must not cost seconds of torch, nor a name that is not to be found.
    from encoders.hf import HfDualEncoder

    return HfDualEncoder(directory, _device(device), name if name == "mini" or not Path(name).is_dir() else None)


def _device(name: str) -> torch.device:
    import torch

    try:
        device = torch.device(_best_device() if name == "auto" else name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelUnavailable(f"device {name!r} cannot be used: {error}") from error
    return device


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
