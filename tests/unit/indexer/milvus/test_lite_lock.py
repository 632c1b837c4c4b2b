"""Who reads a Milvus Lite file and who writes it wait for each other, and for nobody for ever."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from indexer.errors import StoreUnavailable
from indexer.milvus.lite_lock import LiteLock


@pytest.fixture
def processes(tmp_path: Path) -> tuple[LiteLock, LiteLock]:
    """The locks of two processes on one file: nothing but the file tells them of each other."""
    return LiteLock(str(tmp_path / "shop.db")), LiteLock(str(tmp_path / "shop.db"))


async def test_many_read_at_once_and_whoever_writes_is_alone(processes: tuple[LiteLock, LiteLock]):
    reading, writing, most_reading = 0, 0, 0

    async def read(lock: LiteLock) -> None:
        nonlocal reading, most_reading
        for _ in range(20):
            async with lock.reading():
                reading += 1
                most_reading = max(reading, most_reading)
                await asyncio.sleep(0)
                assert not writing
                reading -= 1

    async def write(lock: LiteLock) -> None:
        nonlocal writing
        for _ in range(20):
            async with lock.writing():
                writing += 1
                await asyncio.sleep(0)
                assert (reading, writing) == (0, 1)
                writing -= 1

    await asyncio.gather(*(kind(lock) for lock in processes for kind in (read, read, write)))
    assert most_reading > 1


async def test_a_reader_who_waits_goes_before_the_next_writer_and_a_writer_before_the_next_reader(
    processes: tuple[LiteLock, LiteLock],
):
    first, second = processes
    came: list[str] = []

    async def come(name: str, lock: LiteLock) -> None:
        async with lock.reading() if name.startswith("read") else lock.writing():
            came.append(name)

    async def behind(names: list[str]) -> None:
        waiting = list[asyncio.Task[None]]()
        for name in names:
            waiting.append(asyncio.create_task(come(name, second)))
            await asyncio.sleep(0)
        await stack.aclose()
        await asyncio.gather(*waiting)

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(first.writing())
        await behind(["read", "write"])
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(first.reading())
        await behind(["write", "read"])
    assert came == ["read", "write", "write", "read"]


async def test_nobody_waits_for_one_who_is_frozen_and_all_do_again_once_it_has_gone(tmp_path: Path):
    frozen, other = (LiteLock(str(tmp_path / "shop.db"), patience_s=0.01) for _ in range(2))
    async with frozen.writing():
        for _ in range(2):
            async with other.reading(), other.writing():
                pass
    async with other.reading():
        pass
    async with frozen.writing():
        loop, patient = asyncio.get_running_loop(), LiteLock(str(tmp_path / "shop.db"), patience_s=60)
        reading = asyncio.create_task(_read(patient))
        began_s = loop.time()
        async with other.reading():
            assert loop.time() - began_s >= 0.01, "it waits anew"
        assert not reading.done()
    await reading


async def _read(lock: LiteLock) -> None:
    async with lock.reading():
        pass


async def test_where_there_is_no_file_nobody_waits_and_where_it_cannot_be_it_is_named(tmp_path: Path):
    async with LiteLock("").writing(), LiteLock("").writing(), LiteLock("").reading():
        pass
    with pytest.raises(StoreUnavailable, match=r"nowhere/shop\.db"):
        async with LiteLock(str(tmp_path / "nowhere" / "shop.db")).reading():
            pass
