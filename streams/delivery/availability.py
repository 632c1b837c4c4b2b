"""Waiting for servers and worker processes: the same idempotent call again, until it succeeds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from encoders.liveness.progress import progress
from encoders.liveness.vitals import Outages
from indexer.errors import StoreUnavailable
from streams import metrics
from streams.errors import KafkaRefused, PublishFailed

T = TypeVar("T")
MAX_WAIT_S = 15.0
OUTAGES = Outages()
"""Of the process, as its metrics are: what every repeated call has found out about its server."""

log = logging.getLogger(__name__)


async def until_available(server: str, call: Callable[[], Awaitable[T]]) -> T:
    """Repeat an idempotent call with growing waits while its server is not available.

    For ever: an event is acknowledged when its effect is durable and not before, so there is nothing else to do.
    The unacknowledged events fill the queues, and the worker stops fetching.
    """
    wait_s = 0.1
    while True:
        try:
            answer = await call()
            OUTAGES.answered(server)
            progress()
            return answer
        except (StoreUnavailable, PublishFailed) as error:
            metrics.RETRIES.labels(server).inc()
            OUTAGES.failed(server, str(error))
            progress()
            level = logging.ERROR if isinstance(error, KafkaRefused) else logging.WARNING
            extra = {"server": server, "error": str(error)[:600], "retry_in_s": wait_s}
            log.log(level, "server_unavailable", extra=extra)
            await asyncio.sleep(max(wait_s, error.retry_after_s if wait_s > 1 else 0))
            wait_s = min(2 * wait_s, MAX_WAIT_S)


async def until_process_answers(process: str, call: Callable[[], Awaitable[T]]) -> T:
    """Repeat an idempotent call of a worker process: while none can be started, and once more when one dies of it.

    That none can be started is no fault of the events in hand, so they wait. A call that ends two processes is.

    Raises:
        WorkerProcessFailed: two processes in a row died, hung or answered nonsense.
    """

    async def answer() -> T:
        try:
            return await call()
        except WorkerProcessUnavailable as error:
            raise StoreUnavailable(str(error)) from error

    try:
        return await until_available(process, answer)
    except WorkerProcessFailed:
        return await until_available(process, answer)
