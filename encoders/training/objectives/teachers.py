"""What a student learns from: similarities between the two sides of a batch, as several teachers see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from encoders.port import Encoder
from encoders.training.config import Task
from encoders.training.data.batches import BatchSide, TrainingBatch
from encoders.training.data.pictures import PictureStore

_SHARPNESS: Final = 4.0
"""Teachers' similarities in a row have this spread before they become odds."""


class Teacher(Protocol):
    """Something that knows how alike texts and pictures are."""

    def similarities(self, batch: TrainingBatch, task: Task) -> Tensor | None:
        """(left rows, right rows) of a task's two sides; None where it knows nothing of such sides."""
        ...


class EncoderTeacher:
    """Another encoder, of any size and any space."""

    def __init__(self, encoder: Encoder, pictures: PictureStore) -> None:
        self._encoder = encoder
        self._pictures = pictures

    def similarities(self, batch: TrainingBatch, task: Task) -> Tensor | None:
        """(left rows, right rows) cosines of the task's two sides; None where one is of whole products."""
        if "product" in (task.left, task.right):
            return None
        left, right = (self._embed(batch.sides[side]) for side in (task.left, task.right))
        return torch.from_numpy(left @ right.T)

    def _embed(self, inputs: BatchSide) -> np.ndarray:
        if inputs.texts is not None:
            return self._encoder.encode_texts(self._encoder.prompts.for_documents(inputs.texts))
        from PIL import Image

        pictures = [Image.fromarray(self._pictures.levels[row]) for row in inputs.pictures]
        return self._encoder.encode_images([self._encoder.preparer(picture) for picture in pictures])


def distillation_targets(
    teachers: Sequence[Teacher], batch: TrainingBatch, tasks: Sequence[Task]
) -> Mapping[str, Tensor]:
    """The teachers' mean log-odds (n, n) for each task that one of them knows, by the task's name.

    Teachers differ in scale: each row of each is centred and scaled to one spread before the mean is taken.
    """
    targets: dict[str, Tensor] = {}
    for task in tasks:
        if task.left in batch.sides and task.right in batch.sides:
            similarities = [known for teacher in teachers if (known := teacher.similarities(batch, task)) is not None]
            if similarities:
                mean = torch.stack([_standardised(similar) for similar in similarities]).mean(dim=0)
                targets[f"{task.left}-{task.right}"] = _scatter_to_batch(mean, batch, task)
    return targets


def _standardised(similar: Tensor) -> Tensor:
    spread = similar.std(dim=1, keepdim=True, correction=0).clamp_min(1e-6)
    return (similar - similar.mean(dim=1, keepdim=True)) / spread * _SHARPNESS


def _scatter_to_batch(similar: Tensor, batch: TrainingBatch, task: Task) -> Tensor:
    """Rows of the sides as rows of the batch's products."""
    count = len(batch.products)
    whole = torch.zeros(count, count)
    left, right = (torch.tensor(batch.sides[side].rows) for side in (task.left, task.right))
    whole[left[:, None], right[None, :]] = similar.float()
    return whole
