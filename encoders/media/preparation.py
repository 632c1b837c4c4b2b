"""Pictures resized and cropped to a model's input without torch, so that small processes can do it.

A preparer is a value: it can be sent to other processes, and equal ones give equal results.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.media.borders import trim_borders
from encoders.media.resizing import resize_pixels

Pixels = NDArray[np.uint8]
"""A prepared picture: (height, width, 3) uint8 RGB at the encoder's own input size."""
ImagePreparer = Callable[[Image.Image], Pixels]
"""Resizes and crops a decoded RGB picture to a model's input; may be called from any thread."""

_REDUCING_GAP = 2.0
"""Pillow first reduces pictures that are this many times too large: several times faster, and off by a quarter of a
level of 255 on average."""
_SCALE_STEP = 1e-5
"""Precision of the scale that is searched for."""
_LARGEST_SCALE = 100.0
"""The largest scale that is searched for."""


class FixedSizePreparer(msgspec.Struct, frozen=True, tag="fixed"):
    """Makes every picture the same size, as most towers take it, ViT and ConvNeXT among them. Lengths in pixels."""

    size: tuple[int, int] | None = None
    """(height, width) to resize to, whatever the picture's proportions."""
    shortest_edge: int | None = None
    """Without `size`: the length of the shorter side after resizing, which keeps the proportions."""
    crop: tuple[int, int] | None = None
    """(height, width) of the middle that is cut out after resizing; None: nothing is cut off."""
    resample: int = Image.Resampling.BICUBIC
    """Pillow's number of the filter."""
    trim: bool = False
    """Whether plain borders are cut off before resizing."""
    reducing_gap: float = _REDUCING_GAP
    """Pictures so many times too large are first reduced by a whole number."""
    margin: tuple[int, int, int] | None = None
    """With `size`: the RGB levels of the margin around a picture that keeps its proportions; None: it is stretched."""
    query_views: tuple[float, ...] = (1.0,)
    """What is looked at of a picture to search with: its middle, so much of either side, by each view."""

    def __call__(self, image: Image.Image) -> Pixels:
        """RGB picture → (height, width, 3) uint8."""
        return self.resized(self.framed(image))

    def framed(self, image: Image.Image) -> Image.Image:
        """RGB picture → what is looked at of it, before resizing."""
        return trim_borders(as_rgb(image)) if self.trim else as_rgb(image)

    def resized(self, framed: Image.Image) -> Pixels:
        """What `framed` gave → (height, width, 3) uint8."""
        size, resample = self.scaled(*framed.size), Image.Resampling(self.resample)
        resized = resize_pixels(framed, size, resample, self.reducing_gap)
        if self.size is not None and self.margin is not None:
            resized = _with_margin(resized, self.size, self.margin)
        return resized if self.crop is None else _center_crop(resized, self.crop)

    def views(self, picture: Pixels) -> list[Pixels]:
        """A prepared picture (height, width, 3) to search with → its views, of the same shape: who takes a photo aims
        at the middle."""
        return [picture if share == 1 else self._view(picture, share) for share in self.query_views]

    def _view(self, picture: Pixels, share: float) -> Pixels:
        height, width = picture.shape[:2]
        middle = _center_crop(picture, (round(height * share), round(width * share)))
        return resize_pixels(Image.fromarray(middle), (width, height), Image.Resampling(self.resample), _REDUCING_GAP)

    @property
    def least_side(self) -> int | None:
        """With both sides at least so long, a picture is not scaled up; None: it is not resized."""
        return self.shortest_edge if self.size is None else max(self.size)

    @property
    def output_size(self) -> tuple[int, int] | None:
        """(height, width) of what it makes of every picture; None: it depends on the picture."""
        return self.crop or self.size

    def scaled(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) that a picture of this width and height is resized to."""
        if self.size is not None:
            return (self.size[1], self.size[0]) if self.margin is None else _fitted(width, height, self.size)
        if self.shortest_edge is None:
            return width, height
        if width <= height:
            return self.shortest_edge, int(self.shortest_edge * height / width)
        return int(self.shortest_edge * width / height), self.shortest_edge


class PatchPreparer(msgspec.Struct, frozen=True, tag="patches"):
    """Keeps a picture's proportions within a bounded number of patches, as SigLIP 2's NaFlex checkpoints take it.

    Source: Tschannen et al., "SigLIP 2", 2025, section on NaFlex.
    """

    patch: int
    """Side of a patch, in pixels."""
    max_patches: int
    """The most patches of a picture."""
    resample: int = Image.Resampling.BILINEAR
    """Pillow's number of the filter."""

    def __call__(self, image: Image.Image) -> Pixels:
        """RGB picture → (rows · patch, columns · patch, 3) uint8, with rows · columns ≤ `max_patches`."""
        size = self.scaled(*image.size)
        return resize_pixels(as_rgb(image), size, Image.Resampling(self.resample), _REDUCING_GAP)

    def views(self, picture: Pixels) -> list[Pixels]:
        """A prepared picture (height, width, 3) to search with → itself."""
        return [picture]

    @property
    def query_views(self) -> tuple[float, ...]:
        """What is looked at of a picture to search with: the whole."""
        return (1.0,)

    @property
    def crop(self) -> None:
        """None: nothing is cut off."""

    def scaled(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) that a picture of this width and height is resized to."""
        rows, columns = self.grid(height, width)
        return columns * self.patch, rows * self.patch

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """(rows, columns) of patches at the largest scale that has at most `max_patches`, found by bisection."""
        low, high = _SCALE_STEP / 10, _LARGEST_SCALE
        while high - low >= _SCALE_STEP:
            scale = (low + high) / 2
            rows, columns = self._at(scale, height), self._at(scale, width)
            low, high = (scale, high) if rows * columns <= self.max_patches else (low, scale)
        return self._at(low, height), self._at(low, width)

    def _at(self, scale: float, length: int) -> int:
        return max(1, math.ceil(length * scale / self.patch))


def as_rgb(image: Image.Image) -> Image.Image:
    """A picture as RGB: itself where it is that already, as Pillow would copy it."""
    return image if image.mode == "RGB" else image.convert("RGB")


Preparer = FixedSizePreparer | PatchPreparer
"""The preparers that encoders have; msgspec tells them apart by their tag."""


def _fitted(width: int, height: int, size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the largest picture of the same proportions within `size`, (height, width)."""
    scale = min(size[1] / width, size[0] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _with_margin(pixels: Pixels, size: tuple[int, int], colour: tuple[int, int, int]) -> Pixels:
    """A picture in the middle of a plain one of `size`, (height, width)."""
    height, width = pixels.shape[:2]
    if (height, width) == size:
        return pixels
    canvas = np.full((*size, 3), colour, np.uint8)
    canvas[_middle(size[0], height), _middle(size[1], width)] = pixels
    return canvas


def _center_crop(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Cut out the middle (height, width); a smaller picture gets black borders, as in transformers' processors."""
    middle = pixels[_middle(pixels.shape[0], size[0]), _middle(pixels.shape[1], size[1])]
    return _with_margin(np.ascontiguousarray(middle), size, (0, 0, 0))


def _middle(length: int, wanted: int) -> slice:
    """The middle of a length; the whole where that is shorter."""
    start = max(0, (length - wanted) // 2)
    return slice(start, start + min(length, wanted))
