"""Towers converted by OpenVINO from a checkpoint that torch has loaded: for what is not built by operations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
import torch
from torch import Tensor, nn

from encoders.backends.towers import Towers
from encoders.errors import ModelUnavailable
from encoders.huggingface.dual_encoder import HfDualEncoder, is_compiled_tokenizer
from encoders.huggingface.preprocessing import FixedSizePreprocessor
from encoders.inference.parity import probe_pictures


class _TextTower(nn.Module):
    """Token ids and mask (n, length) → embeddings (n, dim)."""

    def __init__(self, encoder: HfDualEncoder) -> None:
        super().__init__()
        self.model = encoder.model
        self._embeddings = encoder.text_embeddings

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self._embeddings(input_ids, attention_mask)


class _ImageTower(nn.Module):
    """Prepared pictures (n, height, width, 3) uint8 → embeddings (n, dim)."""

    def __init__(self, encoder: HfDualEncoder, images: FixedSizePreprocessor) -> None:
        super().__init__()
        self.model = encoder.model
        self._embeddings = encoder.image_embeddings
        self._pixel_values = images.pixel_values

    def forward(self, levels: Tensor) -> Tensor:
        return self._embeddings(self._pixel_values(levels))


def by_torch(checkpoint: Path) -> HfDualEncoder:
    """The checkpoint as torch runs it in float32. Raises `ModelUnavailable`."""
    return HfDualEncoder(checkpoint, torch.device("cpu"))


def converted(checkpoint: Path) -> Towers:
    """Convert both towers, for any number of inputs.

    Raises:
        ModelUnavailable: the checkpoint cannot be loaded, or has a part that cannot be converted.
    """
    encoder = by_torch(checkpoint)
    images = encoder.images
    if not is_compiled_tokenizer(encoder.tokenizer):
        raise ModelUnavailable(f"{checkpoint}: its tokenizer, {type(encoder.tokenizer).__name__}, runs in Python alone")
    pictures = probe_pictures(images.preparer)
    if not isinstance(images, FixedSizePreprocessor) or len(images.batchable_groups(pictures)) > 1:
        raise ModelUnavailable(f"{checkpoint}: it takes pictures of many shapes, which only torch is used for")
    ids, mask = map(torch.from_numpy, encoder.texts.pad(encoder.texts.token_ids(["one text", "and another one"])))
    text = _converted(_TextTower(encoder), {"input_ids": ids, "attention_mask": mask})
    image = _converted(_ImageTower(encoder, images), {"levels": torch.from_numpy(np.stack(pictures[:2]))})
    image.reshape([-1, *pictures[0].shape])
    tokenizer = encoder.tokenizer.backend_tokenizer.to_str()
    return Towers(
        text, image, tokenizer, encoder.texts.rules, images.preparer, encoder.spec.dim, reference=lambda: encoder
    )


def _converted(tower: nn.Module, example: dict[str, Tensor]) -> openvino.Model:
    """A tower as OpenVINO's own graph."""
    with torch.inference_mode(False), torch.no_grad():
        return openvino.convert_model(tower, example_input=example)
