"""Encoders by name, as configuration gives them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from encoders import checkpoints
from encoders.architectures.config import MODEL_TYPE as FUSION
from encoders.errors import ModelUnavailable
from encoders.port import Encoder, HashEncoder, JointHashEncoder, Ranker
from encoders.spec import EmbeddingSpec
from encoders.truncation import TruncatedEncoder, asked_dimensions, split_name

if TYPE_CHECKING:
    import torch

_DOUBLES: Final = {"hash": HashEncoder, "hash-joint": JointHashEncoder}
MINI_DIRECTORY: Final = Path(__file__).parent / "models" / "mini"


def load_encoder(name: str, device: str = "auto") -> Encoder:
    """Load an encoder.

    Args:
        name: `mini` (ships with the project), `hash` and `hash-joint` (no weights, for tests), a model directory, or a
            hub name; `NAME#64` for the first 64 dimensions of its embeddings.
        device: `auto` (the best there is), or a torch device such as `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        ModelUnavailable: no such model or device, one that is no text–image dual encoder, or one that does not have
            so many dimensions.
    """
    dim = asked_dimensions(name)
    encoder = _load_whole(split_name(name)[0], device)
    return encoder if dim is None else TruncatedEncoder(encoder, dim)


def load_ranker(directory: str, spec: EmbeddingSpec) -> Ranker:
    """Load a ranker of candidates.

    Args:
        directory: Config and safetensors weights of a fusion ranker.
        spec: Of the vectors that it will read.

    Raises:
        ModelUnavailable: no ranker is there.
        SpecMismatch: it was trained on other vectors.
    """
    # Imported here: most query workers have none.
    from encoders.architectures import ranker

    return ranker.VectorRanker(ranker.load_ranker(Path(directory).expanduser()), spec)


def _load_whole(name: str, device: str) -> Encoder:
    if name in _DOUBLES:
        return _DOUBLES[name]()
    directory = MINI_DIRECTORY if name == "mini" else checkpoints.locate(name)
    shown = name if name == "mini" or not Path(name).is_dir() else None
    # Imported here: the doubles must not cost seconds of torch, nor a name that is not to be found.
    if checkpoints.model_type(directory) == FUSION:
        from encoders.architectures.serving import FusionEncoder

        return FusionEncoder(directory, torch_device(device), shown)
    from encoders.hf import HfDualEncoder

    return HfDualEncoder(directory, torch_device(device), shown)


def torch_device(name: str) -> torch.device:
    """A device by name, `auto` for the best there is. Raises `ModelUnavailable` for one that cannot be used."""
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
