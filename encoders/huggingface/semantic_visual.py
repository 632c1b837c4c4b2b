"""The model type `semantic-visual` for transformers: what things mean, which texts share, beside how they look.

An embedding has three parts. The semantic one is a projection of a text, or of a picture among texts; the visual one
and the colours are a picture's alone, and zero for texts. So text and text compare as the text tower has it, text and
picture by what the picture means, picture and picture by all, each of its share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, BertConfig, BertModel, PreTrainedConfig, PreTrainedModel

from encoders.huggingface.efficientnet_lite import EfficientNetLite
from encoders.huggingface.palette import Palette

_LEAST_FEATURE: Final = 1e-6
"""What features are at least before they are raised, so that a power's gradient is finite."""


class EfficientNetLiteConfig(PreTrainedConfig):
    """The shape of an `EfficientNetLite`."""

    model_type = "efficientnet-lite"

    def __init__(
        self,
        stem_size: int = 32,
        blocks: Sequence[Mapping[str, int]] = (),
        hidden_size: int = 1280,
        **kwargs: Any,
    ) -> None:
        self.stem_size, self.blocks, self.hidden_size = stem_size, list(blocks), hidden_size
        super().__init__(**kwargs)


class SemanticVisualConfig(PreTrainedConfig):
    """Both towers' configurations, the dimensions of pictures' own parts, their shares of pictures' similarity, and
    the power by which looks are pooled: 1 is the mean over a picture, more is nearer to the most."""

    model_type = "semantic-visual"
    sub_configs = {"text_config": BertConfig, "vision_config": EfficientNetLiteConfig}  # noqa: RUF012

    def __init__(
        self,
        text_config: dict[str, Any] | None = None,
        vision_config: dict[str, Any] | None = None,
        visual_dim: int = 128,
        visual_share: float = 0.5,
        colours: int = 32,
        colour_share: float = 0.1,
        visual_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        self.text_config = BertConfig(**{**(text_config or {}), "pooling": "mean"})
        self.vision_config = EfficientNetLiteConfig(**(vision_config or {}))
        self.visual_dim, self.visual_share = visual_dim, visual_share
        self.colours, self.colour_share = colours, colour_share
        self.visual_power = visual_power
        super().__init__(**kwargs)


class SemanticVisualModel(PreTrainedModel):
    """A BERT whose tokens are averaged, an EfficientNet-Lite with two projections, and a palette."""

    config_class = SemanticVisualConfig
    config: SemanticVisualConfig

    def __init__(self, config: SemanticVisualConfig) -> None:
        super().__init__(config)
        text, vision = config.text_config, config.vision_config
        self.text_model = BertModel(text, add_pooling_layer=False)
        self.vision_model = EfficientNetLite(vision.stem_size, vision.blocks, vision.hidden_size)
        self.text_projection = nn.Linear(text.hidden_size, text.hidden_size)
        self.semantic_projection = nn.Linear(vision.hidden_size, text.hidden_size)
        self.visual_projection = nn.Linear(vision.hidden_size, config.visual_dim)
        self.palette = Palette(config.colours)
        self.post_init()

    def get_text_features(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> Tensor:
        """Token ids and mask (n, length) → embeddings (n, dim)."""
        words = self.text_model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask[..., None].to(words.dtype)
        mean = (words * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        semantic = self.text_projection(functional.normalize(mean, dim=-1))
        own = self.config.visual_dim + self.config.colours
        return functional.pad(functional.normalize(semantic, dim=-1), (0, own))

    def get_image_features(self, pixel_values: Tensor, **_: Any) -> Tensor:
        """Normalised pictures (n, 3, height, width) → embeddings (n, dim)."""
        features = self.vision_model(pixel_values)
        semantic = functional.normalize(self.semantic_projection(features.mean(dim=(2, 3))), dim=-1)
        looks = _power_mean(features, self.config.visual_power)
        visual = functional.normalize(self.visual_projection(looks), dim=-1)
        shares = self.config.visual_share, self.config.colour_share
        parts = zip((semantic, visual, self.palette(pixel_values)), (1 - sum(shares), *shares), strict=True)
        return torch.cat([part * share**0.5 for part, share in parts], dim=-1)


def _power_mean(features: Tensor, power: float) -> Tensor:
    """(n, channels, height, width) of what is not negative → (n, channels): the mean of powers, and its root.

    Source: Radenović et al., "Fine-tuning CNN image retrieval with no human annotation", 2019.
    """
    if power == 1:
        return features.mean(dim=(2, 3))
    return features.clamp(min=_LEAST_FEATURE).pow(power).mean(dim=(2, 3)).pow(1 / power)


def register_semantic_visual() -> None:
    """Make the model type known to transformers' automatic classes."""
    AutoConfig.register(SemanticVisualConfig.model_type, SemanticVisualConfig, exist_ok=True)
    AutoModel.register(SemanticVisualConfig, SemanticVisualModel, exist_ok=True)
