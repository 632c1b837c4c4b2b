"""A forward pass in three steps, so that a host can prepare one while its device computes another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from encoders.media.preparation import Pixels
from encoders.port import Encoder, as_joint_encoder
from encoders.spec import FloatArray

PassKind = Literal["texts", "images", "products"]


class ForwardPass(Protocol):
    """Inputs that are ready for the device: tokenised or stacked, and on their way there."""

    def launch(self) -> None:
        """Start the pass on the device; returns at once unless the device is the host."""
        ...

    def rows(self) -> FloatArray:
        """Wait for the device → (n, dim) unit float32 rows. Call `launch` before."""
        ...


@runtime_checkable
class StagingEncoder(Protocol):
    """An encoder whose passes can be prepared while its device computes another one; from one thread at a time."""

    def stage_texts(self, texts: Sequence[str]) -> ForwardPass:
        """Tokenise texts, and start to copy them to the device."""
        ...

    def stage_images(self, images: Sequence[Pixels]) -> ForwardPass:
        """Stack prepared pictures (height, width, 3) uint8, and start to copy them to the device."""
        ...


def stage(encoder: Encoder, kind: PassKind, inputs: Sequence[Any]) -> ForwardPass:
    """A pass of any encoder.

    Args:
        kind: what the inputs are: texts, prepared pictures, or pairs of a text and a list of prepared pictures.
    """
    if kind != "products" and isinstance(encoder, StagingEncoder):
        return encoder.stage_texts(inputs) if kind == "texts" else encoder.stage_images(inputs)
    return _PlainPass(encoder, kind, inputs)


class _PlainPass:
    """A pass of an encoder that does all at once."""

    def __init__(self, encoder: Encoder, kind: PassKind, inputs: Sequence[Any]) -> None:
        self._encoder, self._kind, self._inputs = encoder, kind, inputs

    def launch(self) -> None:
        """Nothing is under way before it is waited for."""

    def rows(self) -> FloatArray:
        """Compute all."""
        if self._kind == "texts":
            return self._encoder.encode_texts(self._inputs)
        if self._kind == "images":
            return self._encoder.encode_images(self._inputs)
        texts, images = zip(*self._inputs, strict=True)
        return as_joint_encoder(self._encoder).encode_products(texts, images)
