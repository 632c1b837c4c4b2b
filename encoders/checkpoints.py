"""Checkpoints: where a model's files are, whether they are safe to load, and the version that names their content."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Final

from encoders.errors import ModelUnavailable

MODEL_TYPES: Final = ("clip", "siglip", "siglip2", "chinese_clip", "vision-text-dual-encoder")
_HUB_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_HUB_FILES: Final = ("*.json", "*.safetensors", "*.txt", "*.model")
_HASHED_SUFFIXES: Final = {".json", ".safetensors", ".txt", ".model"}
_CHUNK_BYTES: Final = 1 << 20
TRAINING_RECORD: Final = "training.json"
"""Written beside the weights by a training run, and no part of the version: it does not change what they compute."""


def locate(name: str) -> Path:
    """Find a model's directory: `name` itself, or what the hub has under the name `owner/model`.

    Raises:
        ModelUnavailable: no such directory, or the hub has no such model or cannot be reached.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if not _HUB_NAME.fullmatch(name):
        raise ModelUnavailable(f"no model directory {name!r}: give an existing directory or a hub name, owner/model")
    return _download(name)


def check_dual_encoder(directory: Path) -> str:
    """Check that a directory holds a dual encoder in safetensors form, and return its model type.

    Raises:
        ModelUnavailable: no readable config, another model type, or no safetensors weights.
    """
    kind = model_type(directory)
    if kind not in MODEL_TYPES:
        raise ModelUnavailable(
            f"{directory} holds a model of type {kind!r}; text–image encoders are {', '.join(MODEL_TYPES)}"
        )
    if not any(directory.glob("*.safetensors")):
        raise ModelUnavailable(
            f"{directory} has no *.safetensors; pickled weights can run code and are never loaded:"
            " convert them with save_pretrained(safe_serialization=True)"
        )
    return kind


def content_version(directory: Path) -> str:
    """A hash of 12 hexadecimal digits over names and content of weights, config, processor and tokenizer files."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(directory.iterdir()):
        if path.suffix in _HASHED_SUFFIXES and path.name != TRAINING_RECORD:
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
    return digest.hexdigest()


def model_type(directory: Path) -> str | None:
    """The `model_type` in a directory's `config.json`. Raises `ModelUnavailable` where the file is none."""
    path = directory / "config.json"
    try:
        return json.loads(path.read_text("utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelUnavailable(f"{path} is missing or no JSON object: {error}") from error


def _download(name: str) -> Path:
    # Imported here: a local model needs no hub client, which takes time to import.
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]

    try:
        return Path(snapshot_download(name, allow_patterns=list(_HUB_FILES)))
    except Exception as error:
        raise ModelUnavailable(
            f"{name!r} is no local directory, and the hub gave no model of that name: {type(error).__name__}: {error}"
        ) from error
