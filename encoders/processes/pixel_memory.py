"""Memory that a worker shares with its decoders and its encoder: pixels written by the ones are read by the other.

An anonymous file, whose length is fixed for good: whoever has mapped it can read it whatever the others do.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import sys
import weakref
from typing import Final

import msgspec
import numpy as np

from encoders.media.preparation import Pixels

TOTAL_BYTES: Final = 2**26
"""The most memory that a worker's pixels take, once all of it has been used."""


class PixelMemorySetup(msgspec.Struct, array_like=True):
    """What a process that inherits the memory has to know of it."""

    descriptor: int
    size: int
    """Bytes."""


class PixelMemory:
    """The memory, as the worker has it who makes it. It goes with this object, and with the last pixels in it."""

    def __init__(self, size: int) -> None:
        """Make it; pages are taken when they are first written to. Raises `OSError`."""
        self.descriptor = os.memfd_create("pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        # Not closed by hand: a thread may be about to hand it to the encoder service.
        weakref.finalize(self, os.close, self.descriptor).atexit = False
        self.size = size
        os.ftruncate(self.descriptor, size)
        fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self._memory = mmap.mmap(self.descriptor, size)
        self._starts_at = ctypes.addressof(ctypes.c_ubyte.from_buffer(self._memory))

    @property
    def setup(self) -> PixelMemorySetup:
        """For a process that inherits it."""
        return PixelMemorySetup(self.descriptor, self.size)

    def part(self, start: int, size: int) -> ctypes.Array[ctypes.c_ubyte]:
        """Some of it, from a start on, in bytes."""
        return (ctypes.c_ubyte * size).from_buffer(self._memory, start)

    def start_of(self, pixels: Pixels) -> int | None:
        """The offset of pixels (height, width, 3) in it; None: they are elsewhere, or not contiguous."""
        start = pixels.__array_interface__["data"][0] - self._starts_at
        return start if 0 <= start <= self.size - pixels.nbytes and pixels.flags.c_contiguous else None


class ReadPixels:
    """The memory, as an encoder has it."""

    def __init__(self, setup: PixelMemorySetup) -> None:
        """Map it to be read, and close the file.

        Raises:
            ValueError: it is shorter than it is said to be, or could become so: reading would end this process then.
            OSError: it cannot be mapped.
        """
        try:
            is_fixed = fcntl.fcntl(setup.descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK
            if not is_fixed or os.fstat(setup.descriptor).st_size < setup.size:
                raise ValueError("shared pixels need a file of a fixed length")
            self._memory = mmap.mmap(setup.descriptor, setup.size, prot=mmap.PROT_READ)
        finally:
            os.close(setup.descriptor)

    def pixels(self, start: int, height: int, width: int) -> Pixels:
        """The picture (height, width, 3) uint8 that begins at a byte. Raises `ValueError` where there is no room."""
        if start < 0 or min(height, width) < 1:
            raise ValueError(f"no picture of {width} × {height} pixels is at {start}")
        return np.frombuffer(self._memory, np.uint8, height * width * 3, start).reshape(height, width, 3)


def make_pixel_memory() -> PixelMemory | None:
    """Memory to share; None: this system, or its sandbox, has no such files."""
    if sys.platform != "linux":
        return None
    try:
        return PixelMemory(TOTAL_BYTES)
    except OSError:
        return None
