"""Keeps reads of a Milvus Lite file apart from its upserts, in all processes of the machine.

Milvus Lite 2.5 replaces a row by deleting the old one before it adds the new one, and answers others in between: for
the milliseconds that an upsert takes, its products are found by nobody.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from indexer.errors import StoreUnavailable

PATIENCE_S = 1.0
"""The longest to wait for others: who is frozen in the middle of a call must not hold up everybody."""
_LOOK_AGAIN_S = 0.001
_LOOK_AGAIN_SHARE = 1 / 8
"""Of the time waited so far, where that is longer: an upsert takes dozens of milliseconds."""


class LiteLock:
    """A readers–writer lock by files beside the database. For the tasks of one event loop.

    Neither kind waits for ever: a writer who waits lets in no more readers, and readers who wait go before the next
    writer. What a killed process held is free at once. Who has waited for `PATIENCE_S` goes on without, and so does
    everybody else here until the lock is free again: a product may be missing then, as it may without any lock.

    Source: Downey, 2016, "The Little Book of Semaphores", 4.2.3 (readers-writers without starving).
    """

    def __init__(self, database: str, patience_s: float = PATIENCE_S) -> None:
        """Args: database: the file of the server; empty: there is none, and nothing is kept apart."""
        self._database = database
        self._patience_s = patience_s
        self._is_stuck = False

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[None]:
        """Nobody writes meanwhile. Raises `StoreUnavailable`: the files cannot be opened."""
        if not self._database:
            yield
            return
        with self._opened("room") as room:
            with self._opened("queue") as queue, self._opened("gate") as gate:
                await self._take(fcntl.LOCK_SH, queue)
                await self._take(fcntl.LOCK_SH, gate, room)
            yield

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[None]:
        """Nobody else reads or writes meanwhile. Raises `StoreUnavailable`: the files cannot be opened."""
        if not self._database:
            yield
            return
        with self._opened("room") as room, self._opened("gate") as gate:
            with self._opened("queue") as queue:
                await self._take(fcntl.LOCK_EX, queue, gate)
            await self._take(fcntl.LOCK_EX, room)
            yield

    async def _take(self, kind: int, *files: int) -> None:
        """Lock all of these, or none while one is not to be had; to close them is to let go of them."""
        now_s = asyncio.get_running_loop().time
        since_s = now_s()
        while not all(_locked(file, kind) for file in files):
            for file in files:
                fcntl.flock(file, fcntl.LOCK_UN)
            waited_s = now_s() - since_s
            self._is_stuck |= waited_s >= self._patience_s
            if self._is_stuck:
                return
            await asyncio.sleep(max(_LOOK_AGAIN_S, waited_s * _LOOK_AGAIN_SHARE))
        self._is_stuck = False

    @contextmanager
    def _opened(self, name: str) -> Generator[int]:
        path = f"{self._database}.{name}"
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"{path}, by which readers of milvus.lite_database wait: {error}") from error
        try:
            yield file
        finally:
            os.close(file)


def _locked(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
