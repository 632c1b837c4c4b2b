"""Slots in which decoders leave pixels for the main process: they go through no socket and are copied by nobody.

Shared memory, mapped by the main process and by each decoder before it is confined, cut into slots of one size.
The main process alone decides what goes into which slot, and has it back when nothing refers to its pixels any more: so
there are no locks, and nothing leaks, whatever a decoder dies of. While all slots are taken, pixels come by the socket,
and so they do on systems without such files.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from encoders.media.preparation import FixedSizePreparer, ImagePreparer, Pixels
from encoders.processes.pixel_memory import PixelMemory

_MOST_SLOTS: Final = 4_096


class SlotsSetup(msgspec.Struct, array_like=True):
    """What a decoder has to know of the slots."""

    descriptor: int
    """Of the file, inherited."""
    slot_bytes: int
    slots: int


class PixelSlots:
    """The slots, as the main process has them."""

    def __init__(self, slot_bytes: int, memory: PixelMemory) -> None:
        """Cut memory into slots. Args: slot_bytes: of a picture's pixels at most, no more than the whole memory."""
        count = min(_MOST_SLOTS, memory.size // slot_bytes)
        self.setup = SlotsSetup(memory.descriptor, slot_bytes, count)
        self._memory = memory
        # The last one given back is the next one taken: as few pages are touched as can be.
        self._free = list(range(count))

    def take(self) -> int | None:
        """A slot to decode into; None: all are taken."""
        return self._free.pop() if self._free else None

    def give_back(self, slots: Iterable[int | None]) -> None:
        """Slots that have come to nothing."""
        self._free += [slot for slot in slots if slot is not None]

    def pixels(self, slot: int, height: int, width: int) -> Pixels:
        """What a decoder has left in a slot (height, width, 3), which is free again when this and all views are gone.

        Raises:
            ValueError: a slot holds no picture of this size.
        """
        size = height * width * 3
        if min(height, width) < 1 or size > self.setup.slot_bytes:
            raise ValueError(f"a picture of {width} × {height} pixels in a slot of {self.setup.slot_bytes} bytes")
        holder = self._memory.part(slot * self.setup.slot_bytes, size)
        weakref.finalize(holder, self._free.append, slot).atexit = False
        return np.frombuffer(memoryview(holder), np.uint8).reshape(height, width, 3)


def slots_for(preparer: ImagePreparer, memory: PixelMemory | None) -> PixelSlots | None:
    """Slots for a preparer's pictures; None: they have no fixed size, or no memory takes one of them."""
    size = preparer.output_size if isinstance(preparer, FixedSizePreparer) else None
    if size is None or memory is None or size[0] * size[1] * 3 > memory.size:
        return None
    return PixelSlots(size[0] * size[1] * 3, memory)


class SlotWriter:
    """The slots, as a decoder has them."""

    def __init__(self, setup: SlotsSetup) -> None:
        """Map them, and close the file. Raises `OSError`."""
        self._slot_bytes = setup.slot_bytes
        self._memory = mmap.mmap(setup.descriptor, setup.slot_bytes * setup.slots)
        os.close(setup.descriptor)

    def write(self, slot: int, pixels: Pixels) -> bool:
        """Leave pixels (height, width, 3) uint8 in a slot; False: they do not fit."""
        if pixels.nbytes > self._slot_bytes:
            return False
        start = slot * self._slot_bytes
        self._memory[start : start + pixels.nbytes] = np.ascontiguousarray(pixels).data.cast("B")
        return True
