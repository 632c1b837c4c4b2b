"""What a model made ready for a backend needs to be served without the checkpoint's own libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from encoders.errors import ModelUnavailable
from encoders.inference.tokens import TokenRules
from encoders.media.preparation import Preparer

MANIFEST: Final = "manifest.json"
TOKENIZER: Final = "tokenizer.json"
TEXT_TOWER, IMAGE_TOWER = "text.xml", "image.xml"
WORD_TABLE: Final = "words.bin"
"""Just of a text tower with a large vocabulary."""
WORD_VECTORS: Final = "word_vectors"
"""The input of such a tower."""


class Agreement(msgspec.Struct, frozen=True):
    """The least cosine over probes to torch in float32; where that was not installed, to the graphs in float32."""

    text: float
    image: float


class Manifest(msgspec.Struct, frozen=True):
    """The file beside the towers, written last."""

    dim: int
    tokens: TokenRules
    preparer: Preparer
    agreement: dict[str, Agreement]
    """By the precision that both towers were computed in."""

    def write(self, directory: Path) -> None:
        """Write it into a model's directory."""
        (directory / MANIFEST).write_bytes(msgspec.json.encode(self))

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """Read it. Raises `ModelUnavailable`, naming the directory to remove, where it is no such file."""
        try:
            return msgspec.json.decode((directory / MANIFEST).read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise ModelUnavailable(f"{directory} is broken, remove it and load the model again: {error}") from error
