"""Text towers and image towers: each gives a vector of the whole, and one of every word or region."""

from __future__ import annotations

from typing import Any, Final, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transformers import AutoConfig, AutoModel, BertConfig, BertModel, ConvNextConfig, ResNetConfig, ViTConfig, ViTModel

from encoders.architectures.config import ImageTowerConfig, TextTowerConfig
from encoders.errors import ModelUnavailable

TowerOutput = tuple[Tensor, Tensor]
"""Vectors of the wholes (n, width), and of their words or regions (n, length, width)."""
_PROBE_SIDE: Final = 64


class TransformerTextTower(nn.Module):
    """A BERT-family encoder; the whole is the mean of its words.

    Source: Devlin et al., "BERT", 2018; Reimers and Gurevych, "Sentence-BERT", 2019 (mean pooling).
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        config = AutoConfig.for_model(**settings)
        self.model = BertModel(config, add_pooling_layer=False) if isinstance(config, BertConfig) else _auto(config)
        self.width = _width(config)

    def forward(self, ids: Tensor, mask: Tensor) -> TowerOutput:
        """Token ids and mask (n, length) int64 → wholes and words."""
        words: Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return masked_mean(words, mask.bool()), words


class LstmTextTower(nn.Module):
    """A bidirectional LSTM over word pieces; the whole is the mean of its states.

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997.
    """

    def __init__(self, config: TextTowerConfig, pieces: int) -> None:
        super().__init__()
        self.pieces = nn.Embedding(pieces, config.width, padding_idx=0)
        self.lstm = nn.LSTM(config.width, config.width // 2, config.layers, batch_first=True, bidirectional=True)
        self.width = 2 * (config.width // 2)

    def forward(self, ids: Tensor, mask: Tensor) -> TowerOutput:
        """Token ids and mask (n, length) int64 → wholes and words."""
        # Packed: what a text is padded with must not reach the backward direction.
        lengths = mask.sum(1).clamp(min=1).cpu()
        packed = pack_padded_sequence(self.pieces(ids), lengths, batch_first=True, enforce_sorted=False)
        words, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=ids.shape[1])
        return masked_mean(words, mask.bool()), words


class TransformersImageTower(nn.Module):
    """A ViT, ResNet or ConvNeXT of transformers; the whole is the mean of its regions, normalised by a ConvNeXT.

    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020; He et al., "Deep Residual Learning for Image
    Recognition", 2015; Liu et al., "A ConvNet for the 2020s", 2022.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        config = AutoConfig.for_model(**settings)
        self.model = ViTModel(config, add_pooling_layer=False) if isinstance(config, ViTConfig) else _auto(config)
        self.width = _width(config)

    def forward(self, pictures: Tensor) -> TowerOutput:
        """Normalised pictures (n, 3, side, side) float32 → wholes and regions."""
        output = self.model(pixel_values=pictures)
        states: Tensor = output.last_hidden_state
        if states.dim() == 4:
            # Convolutions give a map, and know best how to pool it.
            return output.pooler_output.flatten(1), states.flatten(2).transpose(1, 2)
        regions = states[:, 1:]
        return regions.mean(1), regions


class ConvolutionalImageTower(nn.Module):
    """Layers of convolutions without a classifier; the whole is the mean of the last map's cells."""

    def __init__(self, layers: nn.Module, width: int) -> None:
        super().__init__()
        self.layers = layers
        self.width = width

    def forward(self, pictures: Tensor) -> TowerOutput:
        """Normalised pictures (n, 3, side, side) float32 → wholes and regions."""
        regions = self.layers(pictures).flatten(2).transpose(1, 2)
        return regions.mean(1), regions


def build_text_tower(config: TextTowerConfig, pieces: int) -> TransformerTextTower | LstmTextTower:
    """A text tower with random weights, for a vocabulary of so many pieces."""
    if config.kind == "lstm":
        return LstmTextTower(config, pieces)
    return TransformerTextTower(config.settings if config.kind == "transformers" else _bert(config, pieces))


def build_image_tower(config: ImageTowerConfig) -> TransformersImageTower | ConvolutionalImageTower:
    """An image tower with random weights."""
    if config.kind == "cnn":
        return ConvolutionalImageTower(_plain_convolutions(config), config.widths[-1])
    if config.kind == "torchvision":
        return _torchvision(config.name)
    return TransformersImageTower(config.settings if config.kind == "transformers" else _image_settings(config))


def masked_mean(rows: Tensor, mask: Tensor) -> Tensor:
    """Mean over the rows (n, length, width) that the mask (n, length) keeps; zero where it keeps none."""
    kept = mask[..., None].to(rows.dtype)
    return (rows * kept).sum(1) / kept.sum(1).clamp(min=1.0)


def _auto(config: Any) -> nn.Module:
    return cast(nn.Module, AutoModel.from_config(config, trust_remote_code=False))


def _width(config: Any) -> int:
    """The width of a single tower's features. Raises `ModelUnavailable` for a model of several towers."""
    width: int | None = getattr(config, "hidden_size", None)
    widths: list[int | None] = getattr(config, "hidden_sizes", None) or [width]
    if widths[-1] is None:
        raise ModelUnavailable(f"a model of type {config.model_type!r} is no single tower")
    return widths[-1]


def _bert(config: TextTowerConfig, pieces: int) -> dict[str, Any]:
    return BertConfig(
        vocab_size=pieces,
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=4 * config.width,
        max_position_embeddings=config.max_tokens,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    ).to_dict()


def _image_settings(config: ImageTowerConfig) -> dict[str, Any]:
    widths, depths = list(config.widths), list(config.depths)
    if config.kind == "vit":
        return ViTConfig(
            image_size=config.side,
            patch_size=config.patch,
            hidden_size=widths[-1],
            num_hidden_layers=sum(depths),
            num_attention_heads=config.heads,
            intermediate_size=4 * widths[-1],
        ).to_dict()
    if config.kind == "resnet":
        return ResNetConfig(embedding_size=widths[0], hidden_sizes=widths, depths=depths, layer_type="basic").to_dict()
    return ConvNextConfig(
        hidden_sizes=widths, depths=depths, num_stages=len(widths), layer_scale_init_value=0.1
    ).to_dict()


def _plain_convolutions(config: ImageTowerConfig) -> nn.Module:
    """Each stage halves the sides."""
    layers: list[nn.Module] = []
    for before, after in zip((3, *config.widths), config.widths, strict=False):
        layers += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers)


def _torchvision(name: str) -> ConvolutionalImageTower:
    # Imported here: it costs a second, and only its own models need it.
    from torchvision.models import get_model

    try:
        model = get_model(name, weights=None)
    except ValueError as error:
        raise ModelUnavailable(f"torchvision has no model {name!r}: {error}") from error
    features = getattr(model, "features", None) or nn.Sequential(*list(model.children())[:-2])
    with torch.no_grad():
        features_map = features.eval()(torch.zeros(1, 3, _PROBE_SIDE, _PROBE_SIDE))
    if features_map.dim() != 4:
        raise ModelUnavailable(f"torchvision's {name} makes no map of regions: take a ResNet, ConvNeXt or EfficientNet")
    return ConvolutionalImageTower(features, features_map.shape[1])
