"""Fusion models made and loaded: with random weights, with towers of checkpoints, or from a directory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    AutoTokenizer,
    BertTokenizer,
    PreTrainedTokenizerBase,
)

from encoders.architectures.config import (
    FusionConfig,
    ImageTowerConfig,
    TextTowerConfig,
    architecture_named,
    read_config,
)
from encoders.architectures.model import WEIGHTS, FusionModel
from encoders.architectures.tokenizer import train_tokenizer
from encoders.errors import ModelUnavailable
from encoders.huggingface.library_output import leave_output_to_logging


def new_model(
    architecture: str | FusionConfig,
    texts: Iterable[str],
    *,
    text_from: Path | None = None,
    image_from: Path | None = None,
    max_tokens: int = TextTowerConfig.max_tokens,
    seed: int = 0,
) -> FusionModel:
    """A model to be trained.

    A checkpoint's tower is projected by a rotation, as far as there are dimensions for it, so that what is alike to the
    tower is alike to the model before any training.

    Args:
        architecture: its name, or its shape.
        texts: what the vocabulary is learned from, where the text tower brings none.
        text_from: a local checkpoint of a BERT-family encoder, whose weights and tokenizer the text tower takes.
        image_from: a local checkpoint of a ViT, ResNet or ConvNeXT.
        max_tokens: to which a checkpoint reads texts, where it can read so far.
        seed: of the random weights.

    Raises:
        ModelUnavailable: no such architecture, or a checkpoint that is none of these.
    """
    config = architecture_named(architecture) if isinstance(architecture, str) else architecture
    torch.manual_seed(seed)
    if image_from is not None:
        config = replace(config, image=_image_like(_settings(image_from), image_from))
    if text_from is not None:
        tokenizer: PreTrainedTokenizerBase = _from_pretrained(AutoTokenizer, text_from)
        config = replace(config, text=_text_like(_settings(text_from), tokenizer, max_tokens))
    else:
        tokenizer = train_tokenizer(texts, config.text.pieces, config.text.max_tokens)
    model = FusionModel(config, tokenizer)
    for tower, projection, source in (
        (model.text_tower, model.text_projection, text_from),
        (model.image_tower, model.image_projection, image_from),
    ):
        if source is not None:
            _take_weights(tower, source)
            torch.nn.init.orthogonal_(projection.weight)
    return model


def load_model(directory: Path, device: torch.device) -> FusionModel:
    """The model that `FusionModel.save` wrote. Raises `ModelUnavailable` naming what does not fit."""
    config = read_config(directory)
    tokenizer = _from_pretrained(BertTokenizer if config.text.kind != "transformers" else AutoTokenizer, directory)
    try:
        model = FusionModel(config, tokenizer)
        model.load_state_dict(load_file(directory / WEIGHTS))
    except ModelUnavailable:
        raise
    except Exception as error:
        raise ModelUnavailable(f"model in {directory} cannot be loaded: {type(error).__name__}: {error}") from error
    return model.eval().to(device)


def _take_weights(tower: Any, source: Path) -> None:
    checkpoint = _from_pretrained(AutoModel, source, use_safetensors=True, dtype=torch.float32)
    missing = tower.model.load_state_dict(checkpoint.state_dict(), strict=False).missing_keys
    if missing:
        raise ModelUnavailable(f"{source} is no single tower: it lacks {len(missing)} tensors, such as {missing[0]}")


def _settings(source: Path) -> dict[str, Any]:
    return _from_pretrained(AutoConfig, source).to_dict()


def _text_like(settings: dict[str, Any], tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> TextTowerConfig:
    # A tokenizer that knows no limit states an astronomic one.
    most = min(max_tokens, int(tokenizer.model_max_length), int(settings["max_position_embeddings"]))
    return TextTowerConfig("transformers", max_tokens=most, settings=settings)


def _image_like(settings: dict[str, Any], source: Path) -> ImageTowerConfig:
    processor = _from_pretrained(AutoImageProcessor, source)
    size = processor.size if isinstance(processor.size, dict) else vars(processor.size)
    side = int(size.get("height") or size.get("shortest_edge") or ImageTowerConfig.side)
    return ImageTowerConfig(
        "transformers", side, settings=settings, mean=tuple(processor.image_mean), std=tuple(processor.image_std)
    )


def _from_pretrained(kind: Any, source: Path, **options: Any) -> Any:
    """What transformers loads from a local directory, without code of its own. Raises `ModelUnavailable`."""
    leave_output_to_logging()
    try:
        return kind.from_pretrained(source, local_files_only=True, trust_remote_code=False, **options)
    except Exception as error:
        raise ModelUnavailable(f"{source} cannot be loaded: {type(error).__name__}: {error}") from error
