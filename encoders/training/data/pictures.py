"""Pictures of a catalogue for training: decoded once onto disk, varied in each batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from encoders.errors import InvalidImage
from encoders.media.images import decode_image
from encoders.media.preparation import FixedSizePreparer, PatchPreparer, Preparer
from encoders.training.config import Augmentation
from encoders.training.data.augmentation import jitter_light, random_crop, random_occlusion
from encoders.training.data.listings import TrainingListing

_ROOM: Final = 1.25
"""Stored pictures are so much larger than the model's input: room for cutting windows."""
_WHITE: Final = 0.94
_MOST_BLUR: Final = 1.2
"""Standard deviation in pixels of an input of 64."""


@dataclass(frozen=True)
class PictureStore:
    """Pictures of all products."""

    side: int
    """Of a training input, in pixels."""
    levels: NDArray[np.uint8]
    """(m, stored, stored, 3), squeezed to squares as fixed-size models squeeze them."""
    rows: list[list[int]]
    """Pictures of each listing, the main one first."""
    undecodable_count: int
    """Files that are no pictures."""

    def read(self, rows: Sequence[int]) -> Tensor:
        """Pictures (n, 3, stored, stored) as float32 in 0 … 1."""
        picked = self.levels[np.asarray(rows, np.int64)] if len(rows) else self.levels[:0]
        return torch.from_numpy(np.ascontiguousarray(picked)).permute(0, 3, 1, 2).float() / 255

    def read_as_served(self, rows: Sequence[int]) -> Tensor:
        """Pictures (n, 3, side, side) as the model gets them when it serves."""
        levels = self.read(rows)
        return torch.nn.functional.interpolate(levels, (self.side, self.side), mode="area") if len(rows) else levels


def open_pictures(listings: Sequence[TrainingListing], preparer: Preparer, directory: Path) -> PictureStore:
    """Decode all pictures into a file of the directory; files that are none are counted and left out."""
    side = input_side(preparer)
    stored = round(side * _ROOM)
    most = sum(len(listing.pictures) for listing in listings)
    directory.mkdir(parents=True, exist_ok=True)
    shape = (most, stored, stored, 3)
    levels = _map(directory / "pictures.npy", shape) if most else np.zeros(shape, np.uint8)
    rows: list[list[int]] = []
    count = broken = 0
    for listing in listings:
        rows.append([])
        for data in listing.pictures:
            try:
                levels[count] = np.asarray(_squeezed(decode_image(data), preparer, stored))
            except InvalidImage:
                broken += 1
                continue
            rows[-1].append(count)
            count += 1
    return PictureStore(side, levels[:count], rows, broken)


def input_side(preparer: Preparer) -> int:
    """Side of the square that a model is trained on, in pixels."""
    if isinstance(preparer, PatchPreparer):
        return int(preparer.max_patches**0.5) * preparer.patch
    if preparer.crop is not None:
        return preparer.crop[0]
    return preparer.size[0] if preparer.size is not None else preparer.shortest_edge or 224


def augment_pictures(levels: Tensor, side: int, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Pictures (n, 3, stored, stored) cut, turned, relit, blurred and partly covered → (n, 3, side, side)."""
    if not len(levels):
        return levels[:, :, :side, :side]
    grounded = _other_grounds(levels, settings.background, generator)
    framed = random_crop(grounded, side, (settings.closest, 1.05), generator) if settings.closest < 1 else levels
    if framed.shape[-1] != side:
        framed = torch.nn.functional.interpolate(framed, (side, side), mode="area")
    lit = jitter_light(framed, settings.light, generator) if settings.light else framed
    return random_occlusion(_blurred(lit, settings.blur, generator), settings.cover, generator)


def _map(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)


def _squeezed(image: Image.Image, preparer: Preparer, stored: int) -> Image.Image:
    """A square as the model sees the picture: squeezed, or the middle cut out first."""
    if isinstance(preparer, FixedSizePreparer) and preparer.size is None:
        short = min(image.size)
        left, top = (image.width - short) // 2, (image.height - short) // 2
        image = image.crop((left, top, left + short, top + short))
    return image.convert("RGB").resize((stored, stored), Image.Resampling.BICUBIC, reducing_gap=3.0)


def _other_grounds(levels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Some pictures' near-white ground replaced by the middle of another picture of the batch, blown up."""
    chosen = torch.rand(len(levels), generator=generator) < share
    lenders = torch.randperm(len(levels), generator=generator)
    if not chosen.any():
        return levels
    size = levels.shape[-1]
    quarter = size // 4
    backgrounds = levels[lenders, :, quarter:-quarter, quarter:-quarter]
    backgrounds = torch.nn.functional.interpolate(backgrounds, (size, size), mode="bilinear", align_corners=False)
    white = (levels.amin(dim=1, keepdim=True) > _WHITE) & chosen.reshape(-1, 1, 1, 1)
    return torch.where(white, backgrounds, levels)


def _blurred(levels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    chosen = torch.nonzero(torch.rand(len(levels), generator=generator) < share).flatten()
    if not len(chosen):
        return levels
    scale = levels.shape[-1] / 64
    sigma = float(0.3 + (_MOST_BLUR - 0.3) * torch.rand(1, generator=generator)) * scale
    kernel = 2 * max(1, round(2 * sigma)) + 1
    return levels.index_put((chosen,), gaussian_blur(levels[chosen], [kernel, kernel], [sigma, sigma]))
