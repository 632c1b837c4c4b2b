"""Reads that many ask for at the same time are made together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from indexer.errors import StoreUnavailable

Wanted = TypeVar("Wanted")
Found = TypeVar("Found")


class SharedReads(Generic[Wanted, Found]):
    """Joins reads of a server. For one event loop.

    Each is part of a batch that is sent after it was asked for, so it finds whatever was written before. One batch is
    under way at a time, and all who come meanwhile share the next one. A batch that fails does so for all in it; who
    gives up takes nobody along.
    """

    def __init__(self, read: Callable[[Sequence[Wanted]], Awaitable[Sequence[Found]]]) -> None:
        """Args: read: makes a batch, in its order."""
        self._read = read
        self._waiting: list[tuple[Wanted, asyncio.Future[Found]]] = []
        self._reading: asyncio.Task[None] | None = None

    def ask(self, wanted: Wanted) -> asyncio.Future[Found]:
        """What is found, once it is; raises what `read` raises. It may be left alone."""
        found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, found))
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_while_waited_for())
        return found

    async def aclose(self) -> None:
        """Stop reading; who waits is told that the server does not answer."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        waiting, self._waiting = self._waiting, []
        _fail(waiting, _closing())

    async def _read_while_waited_for(self) -> None:
        while self._waiting:
            # Who comes from here on came after this batch was sent.
            batch, self._waiting = self._waiting, []
            try:
                answers = await self._read([wanted for wanted, _ in batch])
            except Exception as error:
                _fail(batch, error)
            except BaseException:
                _fail(batch, _closing())
                raise
            else:
                for (_, future), answer in zip(batch, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)


def _closing() -> StoreUnavailable:
    return StoreUnavailable("the query worker is shutting down")


def _fail(batch: Sequence[tuple[Wanted, asyncio.Future[Found]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
            # Who asked ahead may not need it any more: that is no error that nobody has seen to.
            future.exception()
