"""Training items on disk: pictures as one memory-mapped array, the rest as JSON lines. Built once, read many times."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class TrainingItem:
    """One thing to learn: its words in two languages, and how many pictures of it there are."""

    key: str
    views: int = 0
    english: list[str] = field(default_factory=list)
    chinese: list[str] = field(default_factory=list)
    alike: str = ""
    """Items with an equal, non-empty mark cannot be told apart by their words; they are no negatives of each other."""
    held_out: bool = False


@dataclass(frozen=True)
class ItemStore:
    """Items and their pictures (n, views, side, side, 3) uint8; view 0 is the packshot or main photo."""

    items: list[TrainingItem]
    pictures: NDArray[np.uint8]

    def rows(self, *, held_out: bool) -> NDArray[np.int64]:
        """Rows (n,) of the training items or of the held-out ones."""
        return np.asarray([row for row, item in enumerate(self.items) if item.held_out == held_out], np.int64)


def open_store(
    directory: Path,
    shape: tuple[int, int, int],
    produce: Callable[[], Iterable[tuple[TrainingItem, Sequence[Image.Image]]]],
    label: str,
) -> ItemStore:
    """Open a store, building it first where it is not complete.

    Args:
        directory: Its own directory; the name should tell what went in, since content is never checked again.
        shape: Items, views an item, and side in pixels, as (n, views, side).
        produce: Makes n items with up to `views` pictures each; called only to build.
        label: What progress lines call it.
    """
    finished = directory / "items.jsonl"
    if not finished.is_file():
        directory.mkdir(parents=True, exist_ok=True)
        finished.write_text("".join(_build(directory, shape, produce(), label)), "utf-8")
    items = [TrainingItem(**json.loads(line)) for line in finished.read_text("utf-8").splitlines()]
    return ItemStore(items, np.load(directory / "pictures.npy", mmap_mode="r"))


def _build(
    directory: Path,
    shape: tuple[int, int, int],
    items: Iterable[tuple[TrainingItem, Sequence[Image.Image]]],
    label: str,
) -> list[str]:
    count, views, side = shape
    pictures = np.lib.format.open_memmap(
        directory / "pictures.npy", mode="w+", dtype=np.uint8, shape=(count, views, side, side, 3)
    )
    lines: list[str] = []
    for row, (item, images) in enumerate(items):
        for view, image in enumerate(images):
            pictures[row, view] = np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))
        lines.append(json.dumps({**asdict(item), "views": len(images)}, ensure_ascii=False) + "\n")
        if (row + 1) % 250 == 0 or row + 1 == count:
            print(f"{label}: {row + 1}/{count} items drawn", flush=True)
    pictures.flush()
    return lines
