"""A deadline that judges a server and not the event loop that waits for it."""

from __future__ import annotations

import asyncio
from types import TracebackType

LAPS = 4


class fair_timeout:
    """Raise `TimeoutError` once this has taken `deadline_s`, and the loop has gone round `LAPS` times meanwhile.

    The loop looks for what has come once in each round. One that has much to do, or was not given the processor, finds
    an answer and that its time is over in the same round; by then, the answer may have been there for long.
    """

    __slots__ = ("_lap_s", "_left", "_loop", "_timeout", "_timer")

    def __init__(self, deadline_s: float) -> None:
        self._lap_s = deadline_s / LAPS
        self._left = LAPS
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._timeout.__aenter__()
        self._timer = self._loop.call_later(self._lap_s, self._pass_lap)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        self._timer.cancel()
        return await self._timeout.__aexit__(kind, error, traceback)

    def _pass_lap(self) -> None:
        self._left -= 1
        if self._left:
            self._timer = self._loop.call_later(self._lap_s, self._pass_lap)
        else:
            self._timeout.reschedule(self._loop.time())
