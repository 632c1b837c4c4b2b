"""A circuit breaker: while a server hangs, queries do without it instead of each waiting for it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from indexer.deadlines import fair_timeout
from indexer.errors import StoreUnavailable

Result = TypeVar("Result")

FAILURE_THRESHOLD = 3
"""This many failures in a row open the circuit."""
OPEN_S = 2.0
"""How long it stays open; then one call tries again, and decides."""


class CircuitBreaker:
    """Puts a deadline on calls to one server and, while it fails, does not make them. For one event loop."""

    def __init__(self, deadline_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._deadline_s = deadline_s
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    async def call(self, ask: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `ask`.

        Raises:
            StoreUnavailable: the call failed, was late, or was not made as the circuit is open.
        """
        if self._clock() < self._open_until:
            raise StoreUnavailable("not asked: it did not answer a moment ago", OPEN_S)
        if self._failures >= FAILURE_THRESHOLD:
            # Half open: this call tries, the others go on without until it has an answer.
            self._open_until = self._clock() + OPEN_S
        try:
            async with fair_timeout(self._deadline_s):
                answer = await ask()
        except TimeoutError as error:
            self._count_failure()
            raise StoreUnavailable(f"no answer within {self._deadline_s} s") from error
        except StoreUnavailable:
            self._count_failure()
            raise
        self._failures, self._open_until = 0, 0.0
        return answer

    def _count_failure(self) -> None:
        self._failures += 1
        if self._failures >= FAILURE_THRESHOLD:
            self._open_until = self._clock() + OPEN_S
