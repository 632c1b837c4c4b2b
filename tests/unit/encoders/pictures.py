"""Pictures as files, and a preparer that misbehaves at some of them; child processes import it by name."""

from __future__ import annotations

import io
import os
import signal
import stat
import time
from dataclasses import dataclass

import numpy as np
from PIL import Image

from encoders.media.preparation import FixedSizePreparer, Pixels

ABORT, DIE, SLEEP, SWELL, FLAT, CHATTER = range(101, 107)
"""Widths at which `Hostile` aborts, is killed, sleeps, wants terabytes, makes no picture, and writes what it likes."""
SMALL = FixedSizePreparer(size=(4, 4))


def jpeg(colour: tuple[int, int, int] = (0, 0, 0), width: int = 16, height: int = 16, kind: str = "JPEG") -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, kind)
    return file.getvalue()


def colour_of(number: int) -> tuple[int, int, int]:
    """A colour that differs from other numbers' by more than JPEG blurs."""
    return 16 * (number % 16), 16 * (number // 16 % 16), 16 * (number // 256 % 16)


@dataclass(frozen=True)
class Hostile:
    """Prepares pictures, save those of some widths."""

    def __call__(self, image: Image.Image) -> Pixels:
        if image.width == ABORT:
            os.abort()
        if image.width == DIE:
            os.kill(os.getpid(), signal.SIGKILL)
        if image.width == SLEEP:
            time.sleep(600)
        if image.width == SWELL:
            return np.ones((2**40, 1, 3), np.uint8)
        if image.width == FLAT:
            return np.zeros((4, 4), np.uint8)
        if image.width == CHATTER:
            _write_to_parent(b"no frame at all " * 100)
        return SMALL(image)


def _write_to_parent(data: bytes) -> None:
    for descriptor in range(3, 32):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, data)
        except OSError:
            continue
