"""Encoders by name, as configuration gives them."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from encoders import checkpoints
from encoders.architectures.config import MODEL_TYPE as FUSION
from encoders.errors import ModelUnavailable
from encoders.inference.runtime import Runtime, make_openmp_threads_sleep
from encoders.inference.truncation import TruncatedEncoder, split_name, truncated_dimensions
from encoders.packages import TORCH, is_installed, missing, require
from encoders.port import Encoder, HashEncoder, JointHashEncoder, Ranker
from encoders.spec import EmbeddingSpec

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

_DOUBLES: Final = {"hash": HashEncoder, "hash-joint": JointHashEncoder}
MINI_DIRECTORY: Final = Path(__file__).parent / "models" / "mini"
NVIDIA_DEVICE: Final = Path("/dev/nvidiactl")


def load_encoder(name: str, runtime: Runtime | str = "auto") -> Encoder:
    """Load an encoder.

    Args:
        name: `mini` (ships with the project), `hash` and `hash-joint` (no weights, for tests), a model directory, or a
            hub name; `NAME#64` for the first 64 dimensions of its embeddings.
        runtime: How to run it; or just a device, such as `auto` (the best there is), `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        ModelUnavailable: no such model or device, one that is no text–image dual encoder, or one that does not have
            so many dimensions; `MissingPackage` where it is torch that runs it, and torch is not installed.
    """
    dim = truncated_dimensions(name)
    encoder = _load_whole(split_name(name)[0], Runtime(runtime) if isinstance(runtime, str) else runtime)
    return encoder if dim is None else TruncatedEncoder(encoder, dim)


def load_ranker(directory: str, spec: EmbeddingSpec) -> Ranker:
    """Load a ranker of candidates.

    Args:
        directory: Config and safetensors weights of a fusion ranker.
        spec: Of the vectors that it will read.

    Raises:
        ModelUnavailable: no ranker is there, or no torch to run it.
        SpecMismatch: it was trained on other vectors.
    """
    require(f"the ranker {directory!r}", *TORCH)
    # Imported here: most query workers have none.
    from encoders.ranking import ranker

    return ranker.VectorRanker(ranker.load_ranker(Path(directory).expanduser()), spec)


def _load_whole(name: str, runtime: Runtime) -> Encoder:
    if name in _DOUBLES:
        return _DOUBLES[name]()
    directory = MINI_DIRECTORY if name == "mini" else checkpoints.locate(name)
    called = name if name == "mini" or not Path(name).is_dir() else None
    if checkpoints.model_type(directory) == FUSION:
        require(f"the encoder {name!r}", *TORCH)
        # Imported here, as below: the doubles must not cost seconds of torch, nor a name that is not to be found.
        from encoders.architectures.fusion_encoder import FusionEncoder

        return FusionEncoder(directory, torch_device(runtime), called)
    if _is_for_openvino(runtime):
        from encoders.backends.openvino import OpenVinoEncoder

        try:
            return OpenVinoEncoder(directory, runtime, called)
        except ModelUnavailable as error:
            if runtime.backend != "auto" or not _has_torch():
                raise
            log.warning("openvino_not_used", extra={"encoder": name, "reason": str(error)})
    require(f"the encoder {name!r}, run by torch,", *TORCH)
    make_openmp_threads_sleep()
    from encoders.huggingface.dual_encoder import HfDualEncoder

    return HfDualEncoder(directory, torch_device(runtime), called, runtime)


def _is_for_openvino(runtime: Runtime) -> bool:
    """Whether a runtime asks for OpenVINO, or leaves it open where that is the fastest, or all that there is."""
    if runtime.backend == "auto":
        if runtime.precision == "float16" or runtime.compile or not is_installed("openvino"):
            return False
        return runtime.device == "cpu" or (runtime.device == "auto" and not _is_for_accelerator())
    if runtime.backend == "torch":
        return False
    if runtime.device not in ("auto", "cpu"):
        raise ModelUnavailable(f"openvino runs on the CPU, not on {runtime.device}: set encoder.backend to torch")
    if not is_installed("openvino"):
        raise ModelUnavailable("encoder.backend is openvino, which is not installed: pip install openvino")
    return True


def _is_for_accelerator() -> bool:
    """Whether there may be a device that is faster than the CPU, and torch to use it."""
    if not _may_have_accelerator():
        return False
    if not _has_torch():
        log.warning("accelerator_not_used", extra={"reason": missing("an accelerator", "torch")})
    return _has_torch()


def _has_torch() -> bool:
    return all(map(is_installed, TORCH))


def _may_have_accelerator() -> bool:
    """Whether torch may find a device that is faster than the CPU, found out without importing it."""
    return sys.platform == "darwin" or NVIDIA_DEVICE.exists()


def torch_device(runtime: Runtime | str) -> torch.device:
    """The device of a runtime, `auto` for the best there is. Raises `ModelUnavailable` for one that cannot be used."""
    import torch

    asked = Runtime(runtime) if isinstance(runtime, str) else runtime
    try:
        device = torch.device(_best_device() if asked.device == "auto" else asked.device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelUnavailable(f"device {asked.device!r} cannot be used: {error}") from error
    if device.type == "cpu":
        # By itself torch counts the machine's cores, whatever the process may use of them.
        torch.set_num_threads(asked.threads or min(torch.get_num_threads(), asked.cpu_threads))
    return device


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
