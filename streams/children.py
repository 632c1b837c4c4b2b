"""Waiting for child processes: as for servers while there is none, and once more where one died of the call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from encoders.errors import ChildFailed, ChildUnavailable
from indexer.errors import StoreUnavailable
from streams.retrying import until_available

T = TypeVar("T")


async def until_answered(child: str, call: Callable[[], Awaitable[T]]) -> T:
    """What a child process answers.

    That none can be started is no fault of the events in hand, so they wait. A call that ends two processes is.

    Raises:
        ChildFailed: two processes in a row died, hung or answered nonsense.
    """

    async def answer() -> T:
        try:
            return await call()
        except ChildUnavailable as error:
            raise StoreUnavailable(str(error)) from error

    try:
        return await until_available(child, answer)
    except ChildFailed:
        return await until_available(child, answer)
