"""The frozen towers of `standard`, by torch: features before any projection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from transformers import AutoModel

from encoders.huggingface.semantic_visual import register_semantic_visual
from encoders.media.preparation import FixedSizePreparer
from encoders.media.processor_settings import LevelScale, fixed_size, scale_of, written_settings
from encoders.pretrained.standard import IMAGE_WEIGHTS, PROMPTS, StandardSettings, write_checkpoint
from encoders.pretrained.torch_pickle import read_state_dict
from vitrine.samples.standard.palette import palette

_BATCH: Final = 32
Item = TypeVar("Item")


@dataclass(frozen=True)
class Classifier:
    """The image tower's own classifier of ImageNet's 1,000 classes."""

    weight: Tensor
    """(1000, 1280) float32."""
    bias: Tensor
    """(1000,) float32."""


class FrozenTowers:
    """Texts and pictures into the features that projections begin with."""

    def __init__(self, directory: Path) -> None:
        """Args: directory: where the towers' checkpoint is, or is written to."""
        if not (directory / "model.safetensors").is_file():
            directory.mkdir(parents=True, exist_ok=True)
            write_checkpoint(directory, StandardSettings("towers", 0.5, 0.1), _nothing_learnt())
        register_semantic_visual()
        self._model: Any = AutoModel.from_pretrained(directory).float().eval()
        self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self._tokenizer.enable_padding(pad_id=self._model.config.text_config.pad_token_id)
        self._tokenizer.enable_truncation(256)
        settings = written_settings(directory)
        self._preparer: FixedSizePreparer = fixed_size(settings)
        self._scale: LevelScale = scale_of(settings)

    @torch.inference_mode()
    def texts(self, texts: Sequence[str], kind: str) -> Tensor:
        """Texts → unit features (n, 384) float32. Args: kind: `query` or `document`, as which they are read."""
        prompted = [PROMPTS[kind] + text for text in texts]
        order = sorted(range(len(texts)), key=lambda at: len(prompted[at]))
        rows = torch.empty(len(texts), self._model.config.text_config.hidden_size)
        for part in _batches(order):
            rows[part] = self._text_batch([prompted[at] for at in part])
        return functional.normalize(rows, dim=-1)

    @torch.inference_mode()
    def pictures(self, pictures: Iterable[Image.Image]) -> Tensor:
        """RGB pictures → pooled features (n, 1280) float32."""
        return torch.cat([self._picture_batch(part) for part in _batches(pictures)])

    def _text_batch(self, texts: Sequence[str]) -> Tensor:
        encoded = self._tokenizer.encode_batch(list(texts))
        ids, mask = (torch.tensor([getattr(text, name) for text in encoded]) for name in ("ids", "attention_mask"))
        words = self._model.text_model(input_ids=ids, attention_mask=mask).last_hidden_state
        return (words * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)

    def _picture_batch(self, pictures: Sequence[Image.Image]) -> Tensor:
        levels = torch.from_numpy(np.stack([self._preparer(picture) for picture in pictures])).permute(0, 3, 1, 2)
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self._scale.mean, self._scale.std))
        return self._model.vision_model((levels * self._scale.factor - mean) / std).mean(dim=(2, 3))


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while part := list(islice(iterator, _BATCH)):
        yield part


def read_classifier() -> Classifier:
    """The classifier in the image tower's package. Raises as `WeightFile.read` does."""
    state = read_state_dict(IMAGE_WEIGHTS.read())
    return Classifier(*(torch.from_numpy(np.array(state[f"_fc.{name}"], np.float32)) for name in ("weight", "bias")))


def _nothing_learnt() -> dict[str, np.ndarray[Any, Any]]:
    shapes = {"text": (384, 384), "semantic": (384, 1280), "visual": (1, 1280)}
    weights = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    biases = {f"{name}.bias": np.zeros(shape[0], np.float32) for name, shape in shapes.items()}
    return weights | biases | {name: rows.numpy() for name, rows in palette().items()}
