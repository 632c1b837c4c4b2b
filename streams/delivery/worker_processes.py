"""Waiting for child processes: as for servers while there is none, and once more where one died of the call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from indexer.errors import StoreUnavailable
from streams.delivery.availability import until_available

T = TypeVar("T")


async def until_process_answers(child: str, call: Callable[[], Awaitable[T]]) -> T:
    """What a child process answers.

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
        return await until_available(child, answer)
    except WorkerProcessFailed:
        return await until_available(child, answer)
