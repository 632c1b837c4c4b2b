"""Embeddings cut to their first dimensions: less to store and to search, and less exact."""

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
    """An encoder whose embeddings are the first `dim` dimensions of another's, made unit again.

    Source: Kusupati et al., 2022, Matryoshka representation learning. Models that were trained so lose little; with
    others the dimensions are all alike, and what is left is what a projection to so many of them leaves.
    """

    def __init__(self, encoder: Encoder, dim: int) -> None:
        """Take an encoder, which is used by nobody else. Raises `ModelUnavailable` where it has fewer dimensions."""
        whole = encoder.spec
        if not 0 < dim <= whole.dim:
            raise ModelUnavailable(
                f"{whole.model}{_MARK}{dim}: {whole.model} can be cut to 1 to {whole.dim} dimensions"
            )
        self.spec = replace(whole, version=f"{whole.version}{_MARK}{dim}", dim=dim)
        self.preparer = encoder.preparer
        self._encoder = encoder

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        return self._cut(self._encoder.encode_texts(texts))

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        return self._cut(self._encoder.encode_images(images))

    def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        return self._cut(as_joint_encoder(self._encoder).encode_products(texts, images))

    def _cut(self, rows: FloatArray) -> FloatArray:
        return normalise_rows(rows[:, : self.spec.dim])


def split_name(name: str) -> tuple[str, str]:
    """The model that an encoder's name names, and what follows: `#64`, or nothing. A directory may have a # itself."""
    model, mark, dim = name.rpartition(_MARK)
    return (model, mark + dim) if mark and not Path(name).expanduser().is_dir() else (name, "")


def truncated_dimensions(name: str) -> int | None:
    """The dimensions that an encoder's name asks for; None: all. Raises `ModelUnavailable` for what is no number."""
    suffix = split_name(name)[1]
    asked = suffix.removeprefix(_MARK)
    if suffix and not (asked.isascii() and asked.isdecimal() and int(asked)):
        raise ModelUnavailable(f"encoder {name!r}: after {_MARK} comes a number of dimensions from 1 on, not {asked!r}")
    return int(asked) if asked else None
