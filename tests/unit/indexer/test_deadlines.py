"""Deadlines of servers, in a loop that may be busy."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from indexer.deadlines import LAPS, fair_timeout


async def test_what_takes_too_long_is_ended() -> None:
    began_s = time.monotonic()
    with pytest.raises(TimeoutError):
        async with fair_timeout(0.05):
            await asyncio.Event().wait()
    assert time.monotonic() - began_s >= 0.05


async def test_an_answer_that_was_there_in_time_counts_however_busy_the_loop_was() -> None:
    answer = asyncio.get_running_loop().create_future()

    def hold_the_loop(rounds: int) -> None:
        time.sleep(0.02)
        if rounds:
            asyncio.get_running_loop().call_soon(hold_the_loop, rounds - 1)
        else:
            answer.set_result("here")

    # Far over the deadline, in fewer rounds of the loop than it takes.
    asyncio.get_running_loop().call_soon(hold_the_loop, LAPS - 3)
    async with fair_timeout(0.004):
        assert await answer == "here"


async def test_a_cancellation_stays_one() -> None:
    async def wait() -> None:
        async with fair_timeout(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_leaves_nothing_to_be_collected() -> None:
    calls = 1_000
    gc.collect()
    for _ in range(calls):
        async with fair_timeout(60):
            await asyncio.sleep(0)
    # Each cycle would be three objects or more.
    assert gc.collect() < calls
