"""A fusion model: two towers, their projections into one space, and the fusion that makes a product's vector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from encoders.architectures.config import FusionConfig, write_config
from encoders.architectures.fusion import ProductParts, build_fusion
from encoders.architectures.towers import build_image_tower, build_text_tower
from encoders.media.preparation import FixedSizePreparer, Preparer
from encoders.spec import MAIN_IMAGE_WEIGHT

WEIGHTS = "model.safetensors"
_LONGEST_TOKEN = 64
"""Characters; a megabyte of text is cut to this many a token before it is tokenised, not after."""


class FusionModel(nn.Module):
    """Embeds texts, pictures and whole products into one space; `encoders.training.trainable.Trainable`."""

    def __init__(self, config: FusionConfig, tokenizer: PreTrainedTokenizerBase) -> None:
        """A model with random weights."""
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.dim = config.dim
        side = config.image.side
        self.preparer: Preparer = FixedSizePreparer((side, side))
        self.text_tower = build_text_tower(config.text, len(tokenizer))
        self.image_tower = build_image_tower(config.image)
        self.text_projection = nn.Linear(self.text_tower.width, self.dim, bias=False)
        self.image_projection = nn.Linear(self.image_tower.width, self.dim, bias=False)
        self.fusion = build_fusion(config)
        self.mean: Tensor
        self.std: Tensor
        for name, levels in (("mean", config.image.mean), ("std", config.image.std)):
            self.register_buffer(name, torch.tensor(levels).reshape(3, 1, 1), persistent=False)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.text_projection.weight.device

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts → (n, dim) unit rows."""
        return self._single_modality(texts, self._no_pictures(), torch.zeros(0, dtype=torch.int64))

    def embed_images(self, levels: Tensor) -> Tensor:
        """Pictures (n, 3, height, width) as float32 in 0 … 1 → (n, dim) unit rows."""
        return self._single_modality([""] * len(levels), levels, torch.arange(len(levels)))

    def embed_products(self, texts: Sequence[str], levels: Tensor, owners: Tensor) -> Tensor:
        """Whole products → (n, dim) unit rows; a product without text and pictures has a row that means nothing.

        Args:
            texts: n texts, empty where a product has none.
            levels: (m, 3, height, width) pictures of all products; m may be 0.
            owners: (m,) int64, whose picture each is: its row among `texts`. The first of a product is its main one.
        """
        return functional.normalize(self.fusion(self.parts(texts, levels, owners)), dim=-1)

    def parts(self, texts: Sequence[str], levels: Tensor, owners: Tensor) -> ProductParts:
        """Projected texts and pictures (n, dim) and their sequences, as the fusion takes them.

        The arguments are those of `embed_products`.
        """
        text, words, word_mask = self._texts(texts)
        has_text = torch.tensor([*map(bool, texts)], dtype=torch.bool, device=self.device)
        image, regions, region_mask = self._pictures(len(texts), levels, owners)
        has_image = torch.bincount(owners, minlength=len(texts)).to(self.device) > 0
        kept = has_text[:, None]
        return ProductParts(text * kept, image, has_text, has_image, words, word_mask & kept, regions, region_mask)

    def save(self, directory: Path) -> None:
        """Write weights, configuration and tokenizer; `encoders.loading.load_encoder` loads the directory."""
        directory.mkdir(parents=True, exist_ok=True)
        write_config(self.config, directory)
        self.tokenizer.save_pretrained(directory)
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.state_dict().items()}
        save_file(state, directory / WEIGHTS)

    def _single_modality(self, texts: Sequence[str], levels: Tensor, owners: Tensor) -> Tensor:
        """Rows of one modality without the other."""
        if self.config.queries == "fused":
            return self.embed_products(texts, levels, owners)
        parts = self.parts(texts, levels, owners)
        return functional.normalize(parts.text + parts.image, dim=-1)

    def _texts(self, texts: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        """Projected wholes (n, dim) and words (n, length, dim), and which words there are (n, length)."""
        if not any(texts):
            return torch.zeros(len(texts), self.dim, device=self.device), *self._nothing(len(texts))
        tokens = self._tokens(texts)
        wholes, words = self.text_tower(**tokens)
        if not self.fusion.needs_sequences:
            return self.text_projection(wholes), *self._nothing(len(texts))
        return self.text_projection(wholes), self.text_projection(words), tokens["mask"].bool()

    def _tokens(self, texts: Sequence[str]) -> dict[str, Tensor]:
        most = self.config.text.max_tokens
        # Lone surrogates are no text, and tokenizers refuse them.
        readable = [text[: most * _LONGEST_TOKEN].encode("utf-8", "replace").decode("utf-8") for text in texts]
        tokens = self.tokenizer(readable, truncation=True, max_length=most, padding=True, return_tensors="pt")
        # A tokenizer without start and end marks makes no token of an empty text; towers need one.
        missing = int(tokens["input_ids"].shape[1] < 1)
        ids, mask = (functional.pad(tokens[name], (0, missing)) for name in ("input_ids", "attention_mask"))
        return {"ids": ids.long().to(self.device), "mask": mask.long().to(self.device)}

    def _pictures(self, count: int, levels: Tensor, owners: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Projected and pooled wholes (n, dim) and all regions (n, length, dim), and which there are (n, length)."""
        pooled = torch.zeros(count, self.dim, device=self.device)
        if not len(levels):
            return pooled, *self._nothing(count)
        wholes, regions = self.image_tower((levels.to(self.device) - self.mean) / self.std)
        places = _index_within_product(owners)
        weights = torch.where(places == 0, MAIN_IMAGE_WEIGHT, 1.0).to(self.device)[:, None]
        rows = owners.to(self.device)
        total = torch.zeros(count, 1, device=self.device).index_add(0, rows, weights).clamp(min=1.0)
        pooled = pooled.index_add(0, rows, weights * self.image_projection(wholes)) / total
        if not self.fusion.needs_sequences:
            return pooled, *self._nothing(count)
        return pooled, *_group_by_product(self.image_projection(regions), count, rows, places.to(self.device))

    def _nothing(self, count: int) -> tuple[Tensor, Tensor]:
        """No words or regions of `count` products."""
        none = torch.zeros(count, 0, device=self.device)
        return none[..., None].expand(-1, -1, self.dim), none.bool()

    def _no_pictures(self) -> Tensor:
        side = self.config.image.side
        return torch.zeros(0, 3, side, side)


def _index_within_product(owners: Tensor) -> Tensor:
    """Which of its product's pictures each is, from 0 on."""
    counts: Counter[int] = Counter()
    places: list[int] = []
    for owner in owners.tolist():
        places.append(counts[owner])
        counts[owner] += 1
    return torch.tensor(places, dtype=torch.int64)


def _group_by_product(regions: Tensor, count: int, rows: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Regions (m, r, dim) of all pictures in a row a product (n, most · r, dim), and which there are."""
    most, each = int(places.max()) + 1, regions.shape[1]
    out = torch.zeros(count, most, *regions.shape[1:], device=regions.device, dtype=regions.dtype)
    mask = torch.zeros(count, most, each, device=regions.device, dtype=torch.bool)
    out[rows, places], mask[rows, places] = regions, torch.ones_like(mask[0, 0])
    return out.flatten(1, 2), mask.flatten(1, 2)
