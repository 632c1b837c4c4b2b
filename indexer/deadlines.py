"""A deadline that judges a server and not the event loop that waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

LAPS = 4


@asynccontextmanager
async def fair_timeout(deadline_s: float) -> AsyncGenerator[None]:
    """Raise `TimeoutError` once this has taken `deadline_s`, and the loop has gone round `LAPS` times meanwhile.

    The loop looks for what has come once in each round. One that has much to do, or was not given the processor, finds
    an answer and that its time is over in the same round; by then, the answer may have been there for long.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as timeout:

        def pass_lap(left: int) -> None:
            nonlocal timer
            if left:
                timer = loop.call_later(deadline_s / LAPS, pass_lap, left - 1)
            else:
                timeout.reschedule(loop.time())

        timer = loop.call_later(deadline_s / LAPS, pass_lap, LAPS - 1)
        try:
            yield
        finally:
            timer.cancel()
