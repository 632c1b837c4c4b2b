"""The clock stands while the event loop does."""

import asyncio
import logging
import time

import pytest

from encoders.liveness.clock import GRACE_S, LoopClock


def test_a_frozen_process_finds_that_hardly_any_time_has_passed():
    now = [1_000.0]
    clock = LoopClock(lambda: now[0])
    clock.tick()
    before = clock()
    now[0] += 3_600
    assert clock() == before + GRACE_S and clock.silent_s == 3_600
    clock.tick()
    assert clock() == before + GRACE_S and clock.delay_s > 3_599
    now[0] += 0.25
    clock.tick()
    assert clock() == before + GRACE_S + 0.25 and clock.delay_s == 0


def test_before_it_runs_it_is_the_monotonic_clock():
    now = [7.0]
    clock = LoopClock(lambda: now[0])
    now[0] += 50
    assert clock() == 57 and clock.silent_s == 0


async def test_a_blocked_loop_is_logged_with_what_blocks_it(caplog: pytest.LogCaptureFixture):
    running = asyncio.create_task(LoopClock(tick_s=0.05, blocked_s=0.3).run())
    await asyncio.sleep(0)
    with caplog.at_level(logging.ERROR):
        deadline = time.monotonic() + 10
        while not caplog.records and time.monotonic() < deadline:
            time.sleep(0.05)  # noqa: ASYNC251  (it is what blocks)
    running.cancel()
    (record,) = caplog.records
    assert record.message == "event_loop_blocked"
    assert "test_a_blocked_loop_is_logged" in record.where  # pyright: ignore[reportAttributeAccessIssue]
