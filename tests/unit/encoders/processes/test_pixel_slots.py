"""Pixels come through shared memory, whose slots are free again when nobody has them any more."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys

import numpy as np
import pytest

from encoders.errors import InvalidImage
from encoders.media.preparation import FixedSizePreparer
from encoders.processes import pixel_memory
from encoders.processes.image_decoding import DecodingConfig, ImageDecoderPool, InProcessImageDecoder
from encoders.processes.pixel_memory import PixelMemory, make_pixel_memory
from encoders.processes.pixel_slots import PixelSlots, slots_for
from tests.unit.encoders.pictures import colour_of, jpeg

PREPARER = FixedSizePreparer((8, 8))
SLOT_BYTES, SLOTS = 8 * 8 * 3, 5
FILES = [jpeg(colour_of(number), 20, 20) for number in range(12)]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no such memory on this system")


@pytest.fixture
def few_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_memory, "TOTAL_BYTES", SLOTS * SLOT_BYTES)


async def free(pool: ImageDecoderPool) -> int:
    # What has just been awaited is referred to until the next turn of the event loop.
    await asyncio.sleep(0)
    gc.collect()
    assert pool._slots is not None
    return len(pool._slots._free)


def test_a_slot_is_free_again_when_the_last_view_of_its_pixels_is_gone() -> None:
    slots = PixelSlots(SLOT_BYTES, PixelMemory(SLOTS * SLOT_BYTES))
    taken = [slots.take() for _ in range(SLOTS)]
    assert sorted(slot for slot in taken if slot is not None) == [*range(SLOTS)] and slots.take() is None
    row = slots.pixels(2, 8, 8)[3].reshape(-1)
    assert row.shape == (24,) and slots.take() is None
    del row
    assert slots.take() == 2
    slots.give_back([2, None, 4])
    assert {slots.take(), slots.take()} == {2, 4} and slots.take() is None


@pytest.mark.parametrize("size", [(8, 9), (0, 8), (-1, -8), (2**40, 2**40)])
def test_a_slot_holds_no_larger_picture(size: tuple[int, int]) -> None:
    slots = PixelSlots(SLOT_BYTES, PixelMemory(SLOTS * SLOT_BYTES))
    with pytest.raises(ValueError, match="in a slot of"):
        slots.pixels(0, *size)


def test_pictures_of_no_fixed_size_have_no_slots() -> None:
    assert slots_for(FixedSizePreparer(shortest_edge=8), make_pixel_memory()) is None


async def test_pictures_are_the_same_in_slots_and_when_there_is_none_left(few_slots: None) -> None:
    async with ImageDecoderPool(PREPARER, DecodingConfig(processes=1, deadline_s=30)) as pool:
        pictures = await pool.decode(FILES)
        assert await free(pool) == 0, "five are in slots, seven came by the socket"
        for picture, plain in zip(pictures, await InProcessImageDecoder(PREPARER).decode(FILES), strict=True):
            assert isinstance(picture, np.ndarray) and isinstance(plain, np.ndarray) and np.array_equal(picture, plain)
        del pictures, picture
        assert await free(pool) == SLOTS


async def test_whatever_becomes_of_a_decoder_no_slot_is_lost(few_slots: None) -> None:
    async with ImageDecoderPool(PREPARER, DecodingConfig(processes=1, deadline_s=30)) as pool:
        assert isinstance((await pool.decode([b"no picture"]))[0], InvalidImage)
        assert await free(pool) == SLOTS
        for _ in range(3):
            decoding = asyncio.create_task(pool.decode(FILES * 20))
            await asyncio.sleep(0)
            os.kill(pool.pids[0], signal.SIGKILL)
            assert all(isinstance(picture, np.ndarray) for picture in await decoding)
            del decoding
            assert await free(pool) == SLOTS
