"""Reads that many ask for at the same time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import Any

import pytest

from indexer.errors import StoreUnavailable
from query_api.shared_reads import SharedReads


class Server:
    """Holds each batch until it is told to answer, with what it has by the time that the batch was sent."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.batches: list[list[str]] = []
        self.may_answer = asyncio.Semaphore(0)
        self.error: Exception | None = None

    async def read(self, names: Sequence[str]) -> list[int]:
        self.batches.append(list(names))
        found = [self.values.get(name, 0) for name in names]
        await self.may_answer.acquire()
        if self.error is not None:
            raise self.error
        return found


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_after_a_batch_was_sent_is_in_the_next_one_with_all_others() -> None:
    server = Server()
    reads = SharedReads(server.read)
    early = reads.ask("a")
    await turns()
    server.values |= {"a": 1, "b": 2}
    late = [reads.ask(name) for name in ("a", "b", "a")]
    await turns()
    assert server.batches == [["a"]]
    server.may_answer.release()
    assert await early == 0
    server.may_answer.release()
    assert await asyncio.gather(*late) == [1, 2, 1]
    assert server.batches == [["a"], ["a", "b", "a"]]
    await reads.aclose()


async def test_a_failure_is_that_of_its_batch_alone() -> None:
    server = Server()
    reads = SharedReads(server.read)
    server.error = StoreUnavailable("away")
    failing = [reads.ask(name) for name in ("a", "b")]
    server.may_answer.release()
    assert [type(answer) for answer in await asyncio.gather(*failing, return_exceptions=True)] == [StoreUnavailable] * 2
    server.error = None
    server.may_answer.release()
    assert await reads.ask("a") == 0
    await reads.aclose()


async def test_a_failure_of_what_was_left_alone_is_nobodys() -> None:
    server, complaints = Server(), list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    reads = SharedReads(server.read)
    server.error = StoreUnavailable("away")
    reads.ask("a")
    server.may_answer.release()
    await turns()
    server.error = None
    gc.collect()
    assert server.batches == [["a"]] and not complaints
    await reads.aclose()


async def test_who_gives_up_takes_nobody_along() -> None:
    server = Server()
    reads = SharedReads(server.read)

    async def ask(name: str) -> int:
        return await reads.ask(name)

    asking = [asyncio.create_task(ask(name)) for name in ("a", "b")]
    await turns()
    asking[0].cancel()
    await turns()
    server.may_answer.release()
    assert await asking[1] == 0
    await reads.aclose()


async def test_at_the_end_nobody_waits_for_ever() -> None:
    server = Server()
    reads = SharedReads(server.read)
    sent = reads.ask("a")
    await turns()
    waiting = reads.ask("b")
    await reads.aclose()
    for read in (sent, waiting):
        with pytest.raises(StoreUnavailable):
            await read
