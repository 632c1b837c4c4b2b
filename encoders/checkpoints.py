"""Checkpoints: where a model's files are, whether they are safe to load, and the version that names their content."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Final

import msgspec

from encoders.errors import ModelUnavailable
from encoders.inference.truncation import split_name
from encoders.prompts import Prompts

MODEL_TYPES: Final = (
    "clip",
    "siglip",
    "siglip2",
    "chinese_clip",
    "vision-text-dual-encoder",
    "semantic-visual",
)
_HUB_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}")
_COMMIT: Final = re.compile("[0-9a-f]{40}")
_REVISION_MARK: Final = "@"
_HUB_FILES: Final = ("*.json", "*.safetensors", "*.txt", "*.model")
_HASHED_SUFFIXES: Final = {".json", ".safetensors", ".txt", ".model"}
_PROMPTS: Final = "config_sentence_transformers.json"
_CHUNK_BYTES: Final = 1 << 20
TRAINING_RECORD: Final = "training.json"
"""Written beside the weights by a training run, and no part of the version: it does not change what they compute."""


class _Stated(msgspec.Struct, omit_defaults=True):
    """What a checkpoint says of its prompts."""

    prompts: Prompts = Prompts()


def locate(name: str) -> Path:
    """Find a model's directory: `name` itself, or what the hub has under the name `owner/model`.

    Args:
        name: a directory; `owner/model` for what its main branch has now; `owner/model@COMMIT` for what one commit has,
            which nobody can change.

    Raises:
        ModelUnavailable: no such directory, or the hub has no such model or commit, or cannot be reached.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    model, revision = split_revision(name)
    if not _HUB_NAME.fullmatch(model):
        raise ModelUnavailable(f"no model directory {name!r}: give an existing directory or a hub name, owner/model")
    if revision is not None and not _COMMIT.fullmatch(revision):
        raise ModelUnavailable(
            f"{name!r}: after {_REVISION_MARK} comes a commit, by the hash of 40 hexadecimal digits; a branch may move"
        )
    return _download(model, revision)


def split_revision(name: str) -> tuple[str, str | None]:
    """The model's name in `owner/model@COMMIT`, and the commit or None. An @ in a directory's name is no mark."""
    model, mark, revision = name.partition(_REVISION_MARK)
    return (model, revision) if mark and not Path(name).expanduser().is_dir() else (name, None)


def pinned_name(name: str) -> str:
    """An encoder's name with the commit that is here of a hub's model; any other name as it is. Asks no hub.

    What is made with a model notes this name: it then stays with the model that it was made with, wherever the branch
    goes.
    """
    whole, suffix = split_name(name)
    model, revision = split_revision(whole)
    if revision is not None or Path(whole).expanduser().is_dir() or not _HUB_NAME.fullmatch(model):
        return name
    commit = _fetched_commit(model)
    return name if commit is None else f"{model}{_REVISION_MARK}{commit}{suffix}"


def is_same_model(asked: str, noted: str) -> bool:
    """Whether a name that somebody asks for is met by one that was noted: without a commit, by any commit of it."""
    if asked == noted:
        return True
    (asked_whole, asked_suffix), (noted_whole, noted_suffix) = split_name(asked), split_name(noted)
    return asked_suffix == noted_suffix and asked_whole == split_revision(noted_whole)[0]


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


def prompts_of(directory: Path) -> Prompts:
    """The prompts that a checkpoint states, in the file of the library sentence-transformers; most state none.

    Raises:
        ModelUnavailable: the file is broken.
    """
    path = directory / _PROMPTS
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Stated).prompts
    except FileNotFoundError:
        return Prompts()
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelUnavailable(f"{path} states no prompts for query and document: {error}") from error


def write_prompts(prompts: Prompts, directory: Path) -> None:
    """Write prompts into a checkpoint, where there are any."""
    if prompts != Prompts():
        (directory / _PROMPTS).write_bytes(msgspec.json.encode(_Stated(prompts)))


def model_type(directory: Path) -> str | None:
    """The `model_type` in a directory's `config.json`. Raises `ModelUnavailable` where the file is none."""
    path = directory / "config.json"
    try:
        return json.loads(path.read_text("utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelUnavailable(f"{path} is missing or no JSON object: {error}") from error


def _download(name: str, revision: str | None) -> Path:
    # Imported here: a local model needs no hub client, which takes time to import.
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]

    at = f" at commit {revision}" if revision else ""
    try:
        path = Path(snapshot_download(name, revision=revision, allow_patterns=list(_HUB_FILES)))
    except Exception as error:
        raise ModelUnavailable(
            f"{name!r} is no local directory, and the hub gave no model of that name{at}:"
            f" {type(error).__name__}: {error}"
        ) from error
    if revision and path.name != revision:
        raise ModelUnavailable(f"the hub gave {path.name} of {name!r}, not the commit {revision} that was asked for")
    return path


def _fetched_commit(model: str) -> str | None:
    """The commit of a hub's model that was fetched last, where it is in the hub client's cache."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(model, "config.json")
    commit = Path(path).parent.name if isinstance(path, str) else ""
    return commit if _COMMIT.fullmatch(commit) else None
