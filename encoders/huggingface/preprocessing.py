"""A checkpoint's own picture preprocessing, redone as Pillow work on the CPU and arithmetic on the device.

The resize and crop follow the checkpoint's `preprocessor_config.json` and agree with its image processor up to
the rounding of 8-bit levels; scaling and normalisation run on the device, over whole batches of uint8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import BaseImageProcessor

from encoders.errors import ModelUnavailable
from encoders.media.preparation import FixedSizePreparer, PatchPreparer, Pixels, Preparer

_CONVNEXT_SQUEEZES = 384
"""ConvNeXT processors of this many pixels and more squeeze the whole picture instead of cropping it."""


CopyToDevice = Callable[[NDArray[Any]], Tensor]
"""An array of this process onto the device."""


class ImagePreprocessor(Protocol):
    """Decoded pictures → the image tower's keyword arguments, in two steps for two processes."""

    preparer: Preparer
    """Resizes and crops, without torch."""

    def batchable_groups(self, images: Sequence[Pixels]) -> list[list[int]]:
        """Indices of the pictures that can go together, in groups."""
        ...

    def model_inputs(self, images: Sequence[Pixels], copy: CopyToDevice) -> dict[str, Tensor]:
        """Stack prepared pictures, and scale and normalise them on the device that `copy` puts them on."""
        ...


@dataclass(frozen=True)
class Normalisation:
    """Levels 0–255 → the numbers that the image tower was trained on."""

    factor: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def from_processor(cls, processor: BaseImageProcessor) -> Normalisation:
        """Read it from a checkpoint's image processor."""
        factor = float(_setting(processor, "rescale_factor")) if _on(processor, "do_rescale") else 1.0
        if not _on(processor, "do_normalize"):
            return cls(factor, (0.0,) * 3, (1.0,) * 3)
        mean, std = _setting(processor, "image_mean"), _setting(processor, "image_std")
        return cls(factor, tuple(mean), tuple(std))

    def __call__(self, levels: Tensor) -> Tensor:
        """(…, 3) uint8 → (…, 3) float32."""
        mean, std = (torch.tensor(row, device=levels.device) for row in (self.mean, self.std))
        return (levels.to(torch.float32) * self.factor - mean) / std


class FixedSizePreprocessor:
    """Every picture to one size: CLIP, SigLIP, Chinese-CLIP, ViT and ConvNeXT processors."""

    def __init__(self, processor: BaseImageProcessor) -> None:
        self._normalise = Normalisation.from_processor(processor)
        self.preparer: Preparer = replace(_fixed_size(processor), trim=_on(processor, "do_trim_borders"))

    def batchable_groups(self, images: Sequence[Pixels]) -> list[list[int]]:
        groups: dict[tuple[int, ...], list[int]] = {}
        for at, pixels in enumerate(images):
            groups.setdefault(pixels.shape, []).append(at)
        return list(groups.values())

    def model_inputs(self, images: Sequence[Pixels], copy: CopyToDevice) -> dict[str, Tensor]:
        return {"pixel_values": self.pixel_values(copy(np.stack(images)))}

    def pixel_values(self, levels: Tensor) -> Tensor:
        """(n, height, width, 3) uint8 → (n, 3, height, width) float32."""
        return self._normalise(levels).permute(0, 3, 1, 2)


class PatchPreprocessor:
    """Pictures of any shape as a bounded number of patches: SigLIP 2's NaFlex checkpoints."""

    def __init__(self, processor: BaseImageProcessor) -> None:
        self._normalise = Normalisation.from_processor(processor)
        self._patch = int(_setting(processor, "patch_size"))
        self._max_patches = int(_setting(processor, "max_num_patches"))
        self.preparer: Preparer = PatchPreparer(self._patch, self._max_patches, int(_setting(processor, "resample")))

    def batchable_groups(self, images: Sequence[Pixels]) -> list[list[int]]:
        return [list(range(len(images)))] if images else []

    def model_inputs(self, images: Sequence[Pixels], copy: CopyToDevice) -> dict[str, Tensor]:
        grids = [(pixels.shape[0] // self._patch, pixels.shape[1] // self._patch) for pixels in images]
        levels = np.zeros((len(images), self._max_patches, 3 * self._patch**2), np.uint8)
        mask = np.zeros((len(images), self._max_patches), np.int32)
        for row, (pixels, (high, wide)) in enumerate(zip(images, grids, strict=True)):
            levels[row, : high * wide] = self._patches(pixels, high, wide)
            mask[row, : high * wide] = 1
        mask_on_device = copy(mask)
        return {
            "pixel_values": self._normalise(copy(levels).unflatten(-1, (-1, 3))).flatten(-2)
            * mask_on_device[..., None],
            "pixel_attention_mask": mask_on_device,
            "spatial_shapes": copy(np.array(grids)),
        }

    def _patches(self, levels: Pixels, high: int, wide: int) -> Pixels:
        cells = levels.reshape(high, self._patch, wide, self._patch, 3)
        return cells.transpose(0, 2, 1, 3, 4).reshape(high * wide, -1)


def image_preprocessor(processor: BaseImageProcessor) -> ImagePreprocessor:
    """The preprocessing that a checkpoint's image processor describes."""
    if hasattr(processor, "max_num_patches"):
        return PatchPreprocessor(processor)
    return FixedSizePreprocessor(processor)


def _setting(processor: BaseImageProcessor, name: str) -> Any:
    """A setting that only some processors have, so that the base class does not declare it."""
    try:
        return getattr(processor, name)
    except AttributeError as error:
        raise ModelUnavailable(f"{type(processor).__name__} states no {name}") from error


def _on(processor: BaseImageProcessor, switch: str) -> bool:
    return bool(getattr(processor, switch, False))


def _as_dict(size: object) -> dict[str, int]:
    """A processor's size, which is a dict or a SizeDict depending on the release of transformers."""
    names = ("height", "width", "shortest_edge", "longest_edge")
    read = size.get if isinstance(size, dict) else lambda name: getattr(size, name, None)
    return {name: int(value) for name in names if (value := read(name))}


def _fixed_size(processor: BaseImageProcessor) -> FixedSizePreparer:
    resample = int(getattr(processor, "resample", None) or Image.Resampling.BICUBIC)
    size = _as_dict(_setting(processor, "size")) if _on(processor, "do_resize") else {}
    crop = _crop_size(processor)
    if "height" in size and "width" in size:
        return FixedSizePreparer((size["height"], size["width"]), None, crop, resample)
    short = size.get("shortest_edge")
    if size and short is None:
        raise ModelUnavailable(f"image processor size {size} has neither height and width nor shortest_edge")
    fraction: float | None = getattr(processor, "crop_pct", None)
    if short is None or fraction is None:
        return FixedSizePreparer(None, short, crop, resample)
    if short >= _CONVNEXT_SQUEEZES:
        return FixedSizePreparer((short, short), None, None, resample)
    return FixedSizePreparer(None, int(short / fraction), (short, short), resample)


def _crop_size(processor: BaseImageProcessor) -> tuple[int, int] | None:
    if not _on(processor, "do_center_crop"):
        return None
    size = _as_dict(_setting(processor, "crop_size"))
    return size["height"], size["width"]
