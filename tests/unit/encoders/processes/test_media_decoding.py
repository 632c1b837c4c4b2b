"""Sounds and clips in a child process: decoded as here, and what ends the process is refused."""

from __future__ import annotations

import asyncio
import os
import signal

import numpy as np
import pytest

from encoders.errors import InvalidAudio, InvalidVideo
from encoders.media.preparation import FixedSizePreparer
from encoders.processes.media_decoding import ClipsConfig, InProcessMediaDecoder, MediaDecoderProcess
from tests.unit.sounds import clip, tone

PREPARER = FixedSizePreparer(size=(8, 8))


async def test_a_child_decodes_what_this_process_does() -> None:
    here = InProcessMediaDecoder(PREPARER)
    async with MediaDecoderProcess(PREPARER) as child:
        assert child.pids == []
        sounds = await child.sound(tone(), 5), await here.sound(tone(), 5)
        shown = clip(["red", "blue"])
        frames = await child.frames(shown), await here.frames(shown)
        refused = await child.sound(b"", 5), await child.frames(b"")
    assert isinstance(sounds[0], np.ndarray) and np.array_equal(*sounds)
    assert isinstance(frames[0], list) and isinstance(frames[1], list) and len(frames[0]) == 2
    assert all(map(np.array_equal, *frames))
    assert isinstance(refused[0], InvalidAudio) and isinstance(refused[1], InvalidVideo)


async def test_a_process_that_is_killed_is_replaced() -> None:
    async with MediaDecoderProcess(PREPARER) as child:
        await child.sound(tone(0.1), 5)
        os.kill(child.pids[0], signal.SIGKILL)
        assert isinstance(await child.sound(tone(0.1), 5), np.ndarray)


async def test_a_file_that_takes_too_long_is_refused() -> None:
    async with MediaDecoderProcess(PREPARER, ClipsConfig(deadline_s=0.001)) as child:
        found = await child.frames(clip(["red", "lime", "blue"] * 20, seconds=20, size=(640, 480)))
    assert isinstance(found, InvalidVideo) and "did not answer" in str(found)


async def test_callers_take_turns() -> None:
    async with MediaDecoderProcess(PREPARER) as child:
        found = await asyncio.gather(*(child.sound(tone(0.1 * at), 5) for at in range(1, 6)))
    assert [len(one) for one in found if isinstance(one, np.ndarray)] == [1600, 3200, 4800, 6400, 8000]


@pytest.mark.parametrize("faults", [{"frames": 0}, {"query_seconds": 0}, {"memory_bytes": 1}])
def test_impossible_settings_are_refused(faults: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"clips\."):
        ClipsConfig(**faults)
