"""An idle process that hangs is found out before it is needed."""

from __future__ import annotations

import asyncio
import os
import signal

import numpy as np
import pytest

from encoders.processes import worker as worker_module
from encoders.processes.image_decoding import DecodingConfig, ImageDecoderPool
from tests.unit.encoders.pictures import SMALL, jpeg


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "IDLE_CHECK_S", 0.05)
    monkeypatch.setattr(worker_module, "IDLE_DEADLINE_S", 1.0)


async def until_it_has_none(pool: ImageDecoderPool) -> None:
    while pool.pids:
        await asyncio.sleep(0.02)


@pytest.mark.usefixtures("impatient")
async def test_an_idle_process_that_is_frozen_is_ended_and_replaced_when_needed():
    async with ImageDecoderPool(SMALL, DecodingConfig(processes=1, deadline_s=60)) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        async with asyncio.timeout(20):
            while not pool.silent_s():
                await asyncio.sleep(0.02)
            await until_it_has_none(pool)
        (pixels,) = await pool.decode([jpeg()])
        assert isinstance(pixels, np.ndarray) and pool.pids != [pid]
        assert pool.starting_s() == 0


@pytest.mark.usefixtures("impatient")
async def test_an_idle_process_that_answers_stays():
    async with ImageDecoderPool(SMALL, DecodingConfig(processes=1, deadline_s=60)) as pool:
        pids = pool.pids
        for _ in range(5):
            await pool.decode([jpeg()])
            await asyncio.sleep(0.1)
        assert pool.pids == pids
