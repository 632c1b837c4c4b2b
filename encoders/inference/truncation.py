"""Embeddings cut to their first dimensions: less to store and to search, but less exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from encoders.errors import ModelUnavailable
from encoders.media.preparation import Pixels
from encoders.port import Encoder, as_joint_encoder
from encoders.spec import FloatArray, normalise_rows

_MARK = "#"


class TruncatedEncoder:
    """An encoder whose embeddings are the first `dim` dimensions of another's, scaled to length 1 again.

    Models that were trained for it lose little. With others no dimension matters more than another, and the loss is
    that of a projection to any `dim` of them.
    Source: Kusupati et al., "Matryoshka Representation Learning", 2022.
    """

    def __init__(self, encoder: Encoder, dim: int) -> None:
        """Wrap an encoder. Raises `ModelUnavailable` where it has fewer than `dim` dimensions, or `dim` is below 1."""
        full = encoder.spec
        if not 0 < dim <= full.dim:
            raise ModelUnavailable(f"{full.model}{_MARK}{dim}: {full.model} can be cut to 1 to {full.dim} dimensions")
        self.spec = replace(full, version=f"{full.version}{_MARK}{dim}", dim=dim)
        self.preparer = encoder.preparer
        self.prompts = encoder.prompts
        self._encoder = encoder

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts → (n, dim) unit float32 rows."""
        return self._cut(self._encoder.encode_texts(texts))

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows."""
        return self._cut(self._encoder.encode_images(images))

    def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Embed whole products → (n, dim) unit float32 rows. Raises `SpecMismatch` for an encoder of parts."""
        return self._cut(as_joint_encoder(self._encoder).encode_products(texts, images))

    def _cut(self, rows: FloatArray) -> FloatArray:
        return normalise_rows(rows[:, : self.spec.dim])


def split_name(name: str) -> tuple[str, str]:
    """The model's name in an encoder's name, and the suffix `#64`, or "". A # in a directory's name is no suffix."""
    model, mark, dim = name.rpartition(_MARK)
    return (model, mark + dim) if mark and not Path(name).expanduser().is_dir() else (name, "")


def truncated_dimensions(name: str) -> int | None:
    """The dimensions that an encoder's name asks for; None: all. Raises `ModelUnavailable` where the suffix is none."""
    suffix = split_name(name)[1]
    number = suffix.removeprefix(_MARK)
    if suffix and not (number.isascii() and number.isdecimal() and int(number)):
        raise ModelUnavailable(
            f"encoder {name!r}: after {_MARK} comes a number of dimensions from 1 on, not {number!r}"
        )
    return int(number) if number else None
