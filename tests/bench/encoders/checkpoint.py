"""CLIPs of random parameters with a tokenizer of their own, as every library that takes CLIPs can load them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

from tests.bench.encoders.inputs import texts

TOKENS = 77
END = "</w>"


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a CLIP."""

    text: Mapping[str, int]
    vision: Mapping[str, int]
    """Of each tower its width, layers and heads, as transformers' configuration has them."""
    pixels: int
    patch: int
    dim: int


def _tower(width: int, layers: int, heads: int) -> Mapping[str, int]:
    sizes = {"hidden_size": width, "intermediate_size": 4 * width}
    return {**sizes, "num_hidden_layers": layers, "num_attention_heads": heads}


SMALL = Shape(_tower(256, 4, 4), _tower(256, 4, 4), 64, 8, 128)
"""7 million parameters."""
VIT_B_32 = Shape(_tower(512, 12, 8), _tower(768, 12, 12), 224, 32, 512)
"""OpenAI's ViT-B/32, but for the number of tokens: 125 million parameters."""


def build_clip(directory: Path, shape: Shape = SMALL) -> Path:
    """Write the checkpoint, unless it is there."""
    if (directory / "model.safetensors").is_file():
        return directory
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(directory)
    # Two formats: older releases read the pictures' processing from a file of its own.
    images = CLIPImageProcessor(
        size={"shortest_edge": shape.pixels}, crop_size={"height": shape.pixels, "width": shape.pixels}
    )
    CLIPProcessor(images, tokenizer).save_pretrained(directory)
    facts = {
        name: value for name, value in images.to_dict().items() if isinstance(value, (bool, int, float, list, dict))
    }
    (directory / "preprocessor_config.json").write_text(
        json.dumps({**facts, "image_processor_type": "CLIPImageProcessor"})
    )
    torch.manual_seed(0)
    text = {
        **shape.text,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": TOKENS,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
    }
    vision = {**shape.vision, "image_size": shape.pixels, "patch_size": shape.patch}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=shape.dim)).save_pretrained(directory)
    return directory


def _tokenizer(directory: Path) -> CLIPTokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix=END))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=3_000,
        end_of_word_suffix=END,
        initial_alphabet=[
            *pre_tokenizers.ByteLevel.alphabet(),
            *(f"{one}{END}" for one in pre_tokenizers.ByteLevel.alphabet()),
        ],
        special_tokens=["<|startoftext|>", "<|endoftext|>"],
    )
    tokenizer.train_from_iterator(texts(4_000), trainer)
    learnt = json.loads(tokenizer.to_str())["model"]
    (directory / "vocab.json").write_text(json.dumps(learnt["vocab"]))
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in learnt["merges"]]
    (directory / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]))
    return CLIPTokenizer(str(directory / "vocab.json"), str(directory / "merges.txt"), model_max_length=TOKENS)
