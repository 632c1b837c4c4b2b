"""Dual encoders in the Hugging Face format, with gradients: `Trainable` for CLIP, SigLIP, SigLIP 2, Chinese-CLIP."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, AutoProcessor

from encoders import checkpoints
from encoders.errors import ModelUnavailable
from encoders.huggingface.dual_encoder import pooled_features
from encoders.huggingface.library_output import leave_output_to_logging
from encoders.huggingface.preprocessing import HostRows, image_preprocessor
from encoders.huggingface.semantic_visual import register_semantic_visual
from encoders.spec import MAIN_IMAGE_WEIGHT

_FULL_PADDING = frozenset({"siglip", "siglip2"})
_OFFSET_POSITIONS = frozenset({"roberta", "xlm-roberta", "camembert"})


class TrainableDualEncoder(nn.Module):
    """A text tower and a picture tower in one space. A product is the unit mean of its text and its pictures."""

    def __init__(self, directory: Path, device: torch.device | str = "cpu") -> None:
        """Load a checkpoint.

        Raises:
            ModelUnavailable: the files are missing, of another kind, or do not fit together.
        """
        super().__init__()
        self._kind = checkpoints.check_dual_encoder(directory)
        self._prompts = checkpoints.prompts_of(directory)
        leave_output_to_logging()
        register_semantic_visual()
        self.device = torch.device(device)
        try:
            self.processor: Any = AutoProcessor.from_pretrained(directory, local_files_only=True)
            model = AutoModel.from_pretrained(directory, local_files_only=True, use_safetensors=True)
        except Exception as error:
            raise ModelUnavailable(f"model in {directory} cannot be loaded: {type(error).__name__}: {error}") from error
        self._dtype = model.dtype
        self.model: Any = model.float().to(self.device)
        self.tokenizer: Any = self.processor.tokenizer
        self._images = image_preprocessor(self.processor.image_processor)
        self.preparer = self._images.preparer
        self.eval()
        with torch.no_grad():
            self.dim = self.embed_texts(["probe"]).shape[-1]

    @property
    def max_tokens(self) -> int:
        """The number of tokens after which texts are cut."""
        text = self.model.config.text_config
        offset = int(text.pad_token_id) + 1 if text.model_type in _OFFSET_POSITIONS else 0
        return min(int(text.max_position_embeddings) - offset, int(self.tokenizer.model_max_length))

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts → (n, dim) unit rows."""
        most = self.max_tokens
        padding = "max_length" if self._kind in _FULL_PADDING else True
        read = self._prompts.for_documents(texts)
        tokens = self.tokenizer(read, padding=padding, truncation=True, max_length=most, return_tensors="pt")
        tower: Callable[..., object] = self.model.get_text_features
        return functional.normalize(pooled_features(tower(**tokens.to(self.device))).float(), dim=-1)

    def embed_images(self, levels: Tensor) -> Tensor:
        """Pictures (n, 3, height, width) as float32 in 0 … 1 → (n, dim) unit rows; no gradient reaches the levels."""
        if not len(levels):
            return torch.zeros(0, self.dim, device=self.device)
        rounded = (levels.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        inputs = self._images.model_inputs([np.ascontiguousarray(pixels) for pixels in rounded], self._on_device)
        tower: Callable[..., object] = self.model.get_image_features
        return functional.normalize(pooled_features(tower(**inputs)).float(), dim=-1)

    def _on_device(self, rows: HostRows) -> Tensor:
        return torch.from_numpy(np.asarray(rows)).to(self.device)

    def embed_products(self, texts: Sequence[str], levels: Tensor, owners: Tensor) -> Tensor:
        """Whole products → (n, dim) unit rows: the mean of a text and the pooled pictures; arguments of `Trainable`."""
        pictures = self.embed_images(levels)
        owners = owners.to(pictures.device)
        weights = _picture_weights(owners).to(pictures.device)[:, None]
        image_parts = torch.zeros(len(texts), self.dim, device=self.device).index_add(0, owners, pictures * weights)
        rows_with_text = [row for row, text in enumerate(texts) if text]
        text_parts = torch.zeros_like(image_parts)
        if rows_with_text:
            rows = torch.tensor(rows_with_text, device=self.device)
            text_parts = text_parts.index_add(0, rows, self.embed_texts([texts[row] for row in rows_with_text]))
        return functional.normalize(text_parts + functional.normalize(image_parts, dim=-1), dim=-1)

    def add_adapters(self, rank: int) -> None:
        """Freeze all weights and put trainable low-rank adapters on every linear layer.

        Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021.
        """
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
        self.model = get_peft_model(self.model, config)

    def save(self, directory: Path) -> None:
        """Write a directory that `load_encoder` loads, adapters merged, in the precision that the checkpoint had."""
        model = copy.deepcopy(self.model)
        if hasattr(model, "merge_and_unload"):
            model = model.merge_and_unload()
        model.to(self._dtype).save_pretrained(directory)
        self.processor.save_pretrained(directory)
        checkpoints.write_prompts(self._prompts, directory)


def _picture_weights(owners: Tensor) -> Tensor:
    """Weight of each picture (m,): the first of its product counts as the index counts main pictures."""
    owners_before: set[int] = set()
    weights = torch.ones(len(owners))
    for row, owner in enumerate(owners.tolist()):
        if owner not in owners_before:
            weights[row] = MAIN_IMAGE_WEIGHT
            owners_before.add(owner)
    return weights
