"""The shape of a fusion model, as `config.json` in its directory tells it. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from encoders.errors import ModelUnavailable

MODEL_TYPE: Final = "vitrine-fusion"
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)

TextKind = Literal["bert", "lstm", "transformers"]
ImageKind = Literal["convnext", "resnet", "vit", "cnn", "torchvision", "transformers"]
Fusion = Literal["late", "weighted", "learned", "sum", "mean", "concat", "attention", "mlp", "early", "gated"]
QueryVectorKind = Literal["fused", "projected"]
Matching = Literal["cosine", "distance"]


@dataclass(frozen=True)
class TextTowerConfig:
    """A text tower. `bert` and `lstm` are made of these sizes, `transformers` of `settings`."""

    kind: TextKind = "bert"
    width: int = 96
    layers: int = 2
    heads: int = 4
    pieces: int = 5000
    """Size of the vocabulary that is learned from the catalogue, at most."""
    max_tokens: int = 40
    """Where texts are cut, start and end marks included."""
    settings: dict[str, Any] = field(default_factory=dict)
    """A configuration of transformers, with its `model_type`."""


@dataclass(frozen=True)
class ImageTowerConfig:
    """An image tower. `torchvision` is made by `name`, `transformers` of `settings`, the others of these sizes."""

    kind: ImageKind = "resnet"
    side: int = 64
    """Side of the square that pictures are resized to, in pixels."""
    widths: tuple[int, ...] = (32, 64, 128)
    """Channels of the stages; a `vit` has the last of them."""
    depths: tuple[int, ...] = (1, 1, 1)
    """Blocks of each stage; a `vit` has their sum."""
    heads: int = 4
    patch: int = 16
    """Side of a `vit`'s patches, in pixels."""
    name: str = ""
    """A classifier of torchvision, such as `resnet18`."""
    settings: dict[str, Any] = field(default_factory=dict)
    """A configuration of transformers, with its `model_type`."""
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


@dataclass(frozen=True)
class FusionConfig:
    """Everything that the shape of a fusion model depends on."""

    text: TextTowerConfig = field(default_factory=TextTowerConfig)
    image: ImageTowerConfig = field(default_factory=ImageTowerConfig)
    fusion: Fusion = "late"
    dim: int = 128
    """Dimensions of the space that texts, pictures and products share."""
    image_share: float = 0.5
    """α, the weight of the picture in `weighted`, and at first in `learned` and `late`."""
    layers: int = 2
    """Transformer layers of `early`."""
    heads: int = 4
    queries: QueryVectorKind = "fused"
    """Whether a text or a picture alone goes through the fusion too, or is just projected."""
    matching: Matching = "cosine"
    """What a training run compares by; both give the same order among unit vectors."""

    def __post_init__(self) -> None:
        if not 0.0 < self.image_share < 1.0:
            raise ValueError(f"image_share must be between 0 and 1, not {self.image_share}")

    @property
    def joint(self) -> bool:
        """Whether a product has one vector of all it has, rather than a text part and an image part."""
        return self.fusion != "late"


_VIT: Final = ImageTowerConfig("vit", widths=(128,), depths=(3,))
_BERT_RESNET: Final = FusionConfig()
_VIT_TEXT: Final = FusionConfig(image=_VIT)

ARCHITECTURES: Final[dict[str, FusionConfig]] = {
    "towers-bert-resnet": _BERT_RESNET,
    "towers-bert-convnext": replace(_BERT_RESNET, image=ImageTowerConfig("convnext")),
    "towers-bert-vit": _VIT_TEXT,
    "bert-resnet-weighted": replace(_BERT_RESNET, fusion="weighted", image_share=0.3),
    "bert-resnet-learned": replace(_BERT_RESNET, fusion="learned"),
    "bert-resnet-sum": replace(_BERT_RESNET, fusion="sum"),
    "bert-resnet-mean": replace(_BERT_RESNET, fusion="mean"),
    "bert-resnet-concat": replace(_BERT_RESNET, fusion="concat"),
    "bert-resnet-attention": replace(_BERT_RESNET, fusion="attention"),
    "cnn-lstm": FusionConfig(
        TextTowerConfig("lstm", layers=1),
        ImageTowerConfig("cnn", widths=(32, 64, 128, 128)),
        "mlp",
        matching="distance",
    ),
    "vit-text-early": replace(_VIT_TEXT, fusion="early"),
    "vit-text-late": replace(_VIT_TEXT, image_share=0.3),
    "vit-text-gated": replace(_VIT_TEXT, fusion="gated"),
}
"""The architectures by name, small enough for one CPU core."""


def architecture_named(name: str) -> FusionConfig:
    """An architecture by its name. Raises `ModelUnavailable` for another."""
    if name not in ARCHITECTURES:
        raise ModelUnavailable(f"no architecture {name!r}: there are {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def write_config(config: FusionConfig, directory: Path) -> None:
    """Write `config.json`."""
    document = {"model_type": MODEL_TYPE, **msgspec.to_builtins(config)}
    (directory / "config.json").write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))


def read_config(directory: Path) -> FusionConfig:
    """Read `config.json`. Raises `ModelUnavailable` naming what is wrong with it."""
    path = directory / "config.json"
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        document.pop("model_type", None)
        return msgspec.convert(document, FusionConfig)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise ModelUnavailable(f"{path} is no configuration of a fusion model: {error}") from error
