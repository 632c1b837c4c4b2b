"""Encoders by name, as configuration gives them."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Final

from encoders import checkpoints
from encoders.architectures.config import MODEL_TYPE as FUSION
from encoders.devices import torch_device
from encoders.errors import ModelUnavailable
from encoders.inference.runtime import Runtime, make_openmp_threads_sleep
from encoders.inference.synthetic import SyntheticEncoder
from encoders.inference.truncation import TruncatedEncoder, split_name, truncated_dimensions
from encoders.packages import TORCH, is_installed, missing, require
from encoders.port import Encoder, HashEncoder, JointHashEncoder, Ranker
from encoders.pretrained import standard
from encoders.spec import EmbeddingSpec

log = logging.getLogger(__name__)

_DOUBLES: Final = {"hash": HashEncoder, "hash-joint": JointHashEncoder, "synthetic": SyntheticEncoder}
MINI, STANDARD = "mini", "standard"
MINI_DIRECTORY: Final = Path(__file__).parent / "models" / "mini"
NVIDIA_DEVICE: Final = Path("/dev/nvidiactl")


def load_encoder(name: str, runtime: Runtime | str = "auto") -> Encoder:
    """Load an encoder.

    Args:
        name: `mini` (ships with the project), `standard` (its weights come as packages), `hash`, `hash-joint` and
            `synthetic` (no weights, for tests), a model directory, or a hub name, with the commit or without:
            `owner/model@COMMIT`; `NAME#64` for the first 64 dimensions of its embeddings.
        runtime: how to run it; or just a device, such as `auto` (the best there is), `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        ModelUnavailable: there is no such model or device, the model is no text–image encoder, or it has fewer
            dimensions than the name asks for.
        MissingPackage: only torch can run it, or its weights are in packages, and those are not installed.
    """
    dim = truncated_dimensions(name)
    encoder = _load_whole(split_name(name)[0], Runtime(runtime) if isinstance(runtime, str) else runtime)
    return encoder if dim is None else TruncatedEncoder(encoder, dim)


def checkpoint_directory(name: str, cache: Path | None = None) -> Path:
    """The directory of a model with weights, made ready where its weights are in packages.

    Args:
        name: as `load_encoder` takes it, without a suffix.
        cache: the directory of models; None: that of `Runtime`.

    Raises:
        ModelUnavailable: there is no such model, or its weights are not what they were.
        MissingPackage: its weights are in packages, and those are not installed.
    """
    if name == STANDARD:
        return standard.checkpoint(cache or Runtime().cache_path)
    return MINI_DIRECTORY if name == MINI else checkpoints.locate(name)


def load_ranker(directory: str, spec: EmbeddingSpec) -> Ranker:
    """Load a ranker of candidates.

    Args:
        directory: has the configuration and the safetensors weights of a fusion ranker.
        spec: the vector space of the embeddings that it will read.

    Raises:
        ModelUnavailable: there is no ranker in the directory.
        MissingPackage: torch is not installed.
        SpecMismatch: the ranker was trained on another vector space.
    """
    require(f"the ranker {directory!r}", *TORCH)
    # Imported here: most query workers have no ranker, and need no torch.
    from encoders.ranking import ranker

    return ranker.VectorRanker(ranker.load_ranker(Path(directory).expanduser()), spec)


def _load_whole(name: str, runtime: Runtime) -> Encoder:
    if name in _DOUBLES:
        return _DOUBLES[name]()
    directory = checkpoint_directory(name, runtime.cache_path)
    # Without its commit: the space is named by what is in the files, whichever way they were asked for.
    called = checkpoints.split_revision(name)[0] if name in (MINI, STANDARD) or not Path(name).is_dir() else None
    if checkpoints.model_type(directory) == FUSION:
        require(f"the encoder {name!r}", *TORCH)
        # Imported here, as below: torch takes seconds to import, and is not needed for the doubles or a wrong name.
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
    """Whether OpenVINO is to run a model: where the runtime says so, or leaves it open and nothing faster is there.

    Raises `ModelUnavailable` where the runtime wants OpenVINO on another device, or without the package.
    """
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
    """Whether torch is installed, and may find a device that is faster than the CPU."""
    if not _may_have_accelerator():
        return False
    if not _has_torch():
        log.warning("accelerator_not_used", extra={"reason": missing("an accelerator", "torch")})
    return _has_torch()


def _has_torch() -> bool:
    return all(map(is_installed, TORCH))


def _may_have_accelerator() -> bool:
    """Whether torch might find a device that is faster than the CPU; told without importing it."""
    return sys.platform == "darwin" or NVIDIA_DEVICE.exists()


def is_for_gpu(runtime: Runtime) -> bool:
    """Whether a model of this runtime would run on an NVIDIA GPU; told without importing torch."""
    wanted = runtime.device.startswith("cuda") or (runtime.device == "auto" and runtime.backend != "openvino")
    return wanted and NVIDIA_DEVICE.exists() and _has_torch()
