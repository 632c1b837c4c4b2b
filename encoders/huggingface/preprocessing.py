"""A checkpoint's own picture preprocessing, redone as Pillow work on the CPU and arithmetic on the device.

The resize and crop follow the checkpoint's `preprocessor_config.json` and agree with its image processor up to
the rounding of 8-bit levels; scaling and normalisation run on the device, over whole batches of uint8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import BaseImageProcessor

from encoders.media.preparation import PatchPreparer, Pixels, Preparer
from encoders.media.processor_settings import LevelScale, fixed_size, scale_of, setting

HostRows = NDArray[Any] | Sequence[NDArray[Any]]
"""An array, or arrays of one shape that are the rows of one."""
CopyToDevice = Callable[[HostRows], Tensor]
"""An array of this process onto the device."""


class ImagePreprocessor(Protocol):
    """Decoded pictures → the image tower's keyword arguments, in two steps for two processes."""

    preparer: Preparer
    """Resizes and crops, without torch."""

    def batchable_groups(self, images: Sequence[Pixels]) -> list[list[int]]:
        """Places of the pictures (height, width, 3) uint8, in groups that can share a forward pass."""
        ...

    def model_inputs(self, images: Sequence[Pixels], copy: CopyToDevice) -> dict[str, Tensor]:
        """Stack prepared pictures, and normalise them on the device that `copy` puts them on.

        Returns:
            The image tower's arguments: `pixel_values` (n, 3, height, width) float32, or those of a patch model.
        """
        ...


class FixedSizePreprocessor:
    """Every picture to one size: CLIP, SigLIP, Chinese-CLIP, ViT and ConvNeXT processors."""

    def __init__(self, processor: BaseImageProcessor) -> None:
        self._scale = scale_of(processor)
        self.preparer: Preparer = fixed_size(processor)

    def batchable_groups(self, images: Sequence[Pixels]) -> list[list[int]]:
        """Places of the pictures (height, width, 3) uint8, grouped by their shape."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for at, pixels in enumerate(images):
            groups.setdefault(pixels.shape, []).append(at)
        return list(groups.values())

    def model_inputs(self, images: Sequence[Pixels], copy: CopyToDevice) -> dict[str, Tensor]:
        """Pictures of one shape → `pixel_values` (n, 3, height, width) float32."""
        return {"pixel_values": self.pixel_values(copy(images))}

    def pixel_values(self, levels: Tensor) -> Tensor:
        """(n, height, width, 3) uint8 → (n, 3, height, width) float32."""
        return _normalised(levels, self._scale).permute(0, 3, 1, 2)


class PatchPreprocessor:
    """Pictures of any shape as a bounded number of patches: SigLIP 2's NaFlex checkpoints."""

    def __init__(self, processor: BaseImageProcessor) -> None:
        self._scale = scale_of(processor)
        self._patch = int(setting(processor, "patch_size"))
        self._max_patches = int(setting(processor, "max_num_patches"))
        self.preparer: Preparer = PatchPreparer(self._patch, self._max_patches, int(setting(processor, "resample")))

    def batchable_groups(self, images: Sequence[Pixels]) -> list[list[int]]:
        """Places of the pictures (height, width, 3) uint8, all in one group: patches have one shape."""
        return [list(range(len(images)))] if images else []

    def model_inputs(self, images: Sequence[Pixels], copy: CopyToDevice) -> dict[str, Tensor]:
        """Pictures of any shapes → patches.

        Returns:
            `pixel_values` (n, patches, 3 · patch²) float32, `pixel_attention_mask` (n, patches) int32, and
            `spatial_shapes` (n, 2) int64, the rows and columns of patches of each.
        """
        grids = [(pixels.shape[0] // self._patch, pixels.shape[1] // self._patch) for pixels in images]
        levels = np.zeros((len(images), self._max_patches, 3 * self._patch**2), np.uint8)
        mask = np.zeros((len(images), self._max_patches), np.int32)
        for row, (pixels, (high, wide)) in enumerate(zip(images, grids, strict=True)):
            levels[row, : high * wide] = self._patches(pixels, high, wide)
            mask[row, : high * wide] = 1
        mask_on_device = copy(mask)
        return {
            "pixel_values": _normalised(copy(levels).unflatten(-1, (-1, 3)), self._scale).flatten(-2)
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


def _normalised(levels: Tensor, scale: LevelScale) -> Tensor:
    """(…, 3) uint8 → (…, 3) float32."""
    mean, std = _on_device(scale, levels.device)
    return (levels.to(torch.float32) * scale.factor - mean) / std


# Once a device: to make a tensor of numbers there waits for all that it computes.
@lru_cache(maxsize=16)
def _on_device(scale: LevelScale, device: torch.device) -> tuple[Tensor, Tensor]:
    """Means and deviations (3,) float32."""
    with torch.inference_mode(False):
        return torch.tensor(scale.mean, device=device), torch.tensor(scale.std, device=device)
