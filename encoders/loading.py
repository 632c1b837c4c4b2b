"""Encoders by name, as configuration gives them."""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from encoders import checkpoints
from encoders.errors import ModelUnavailable
from encoders.port import Encoder, HashEncoder
from encoders.runtime import Runtime, calm_threads
from encoders.truncation import TruncatedEncoder, asked_dimensions, split_name

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

MINI_DIRECTORY: Final = Path(__file__).parent / "models" / "mini"
NVIDIA_DEVICE: Final = Path("/dev/nvidiactl")


def load_encoder(name: str, runtime: Runtime | str = "auto") -> Encoder:
    """Load an encoder.

    Args:
        name: `mini` (ships with the project), `hash` (no weights, for tests), a model directory, or a hub name;
            `NAME#64` for the first 64 dimensions of its embeddings.
        runtime: How to run it; or just a device, such as `auto` (the best there is), `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        ModelUnavailable: no such model or device, one that is no text–image dual encoder, or one that does not have
            so many dimensions.
    """
    dim = asked_dimensions(name)
    encoder = _load_whole(split_name(name)[0], Runtime(runtime) if isinstance(runtime, str) else runtime)
    return encoder if dim is None else TruncatedEncoder(encoder, dim)


def _load_whole(name: str, runtime: Runtime) -> Encoder:
    if name == "hash":
        return HashEncoder()
    directory = MINI_DIRECTORY if name == "mini" else checkpoints.locate(name)
    called = name if name == "mini" or not Path(name).is_dir() else None
    if _is_for_openvino(runtime):
        from encoders.backends.openvino import OpenVinoEncoder

        try:
            return OpenVinoEncoder(directory, runtime, called)
        except ModelUnavailable as error:
            if runtime.backend != "auto":
                raise
            log.warning("openvino_not_used", extra={"encoder": name, "reason": str(error)})
    calm_threads()
    # Imported here: the double must not cost seconds of torch, nor a name that is not to be found.
    from encoders.hf import HfDualEncoder

    return HfDualEncoder(directory, _device(runtime), called, runtime)


def _is_for_openvino(runtime: Runtime) -> bool:
    """Whether a runtime asks for OpenVINO, or leaves it open on a machine where that is the fastest."""
    if runtime.backend == "auto":
        on_cpu = runtime.device == "cpu" or (runtime.device == "auto" and not _may_have_accelerator())
        return on_cpu and runtime.precision != "float16" and not runtime.compile and find_spec("openvino") is not None
    if runtime.backend == "torch":
        return False
    if runtime.device not in ("auto", "cpu"):
        raise ModelUnavailable(f"openvino runs on the CPU, not on {runtime.device}: set encoder.backend to torch")
    if find_spec("openvino") is None:
        raise ModelUnavailable("encoder.backend is openvino, which is not installed: pip install 'vitrine[openvino]'")
    return True


def _may_have_accelerator() -> bool:
    """Whether torch may find a device that is faster than the CPU, found out without importing it."""
    return sys.platform == "darwin" or NVIDIA_DEVICE.exists()


def _device(runtime: Runtime) -> torch.device:
    import torch

    try:
        device = torch.device(_best_device() if runtime.device == "auto" else runtime.device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelUnavailable(f"device {runtime.device!r} cannot be used: {error}") from error
    if device.type == "cpu":
        # By itself torch counts the machine's cores, whatever the process may use of them.
        torch.set_num_threads(runtime.threads or min(torch.get_num_threads(), runtime.cpu_threads))
    return device


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
