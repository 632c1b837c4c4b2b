"""A CLIP of 7 million random parameters with a tokenizer of its own, as every library that takes CLIPs can load it."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

from tests.bench.encoders.inputs import texts

TOWER = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 4, "num_attention_heads": 4}
PIXELS, PATCH, TOKENS, DIM = 64, 8, 77, 128
END = "</w>"


def build_clip(directory: Path) -> Path:
    """Write the checkpoint, unless it is there."""
    if (directory / "model.safetensors").is_file():
        return directory
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(directory)
    # Two formats: older releases read the pictures' processing from a file of its own.
    images = CLIPImageProcessor(size={"shortest_edge": PIXELS}, crop_size={"height": PIXELS, "width": PIXELS})
    CLIPProcessor(images, tokenizer).save_pretrained(directory)
    facts = {
        name: value for name, value in images.to_dict().items() if isinstance(value, (bool, int, float, list, dict))
    }
    (directory / "preprocessor_config.json").write_text(
        json.dumps({**facts, "image_processor_type": "CLIPImageProcessor"})
    )
    torch.manual_seed(0)
    text = {
        **TOWER,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": TOKENS,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
    }
    vision = {**TOWER, "image_size": PIXELS, "patch_size": PATCH}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=DIM)).save_pretrained(directory)
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
