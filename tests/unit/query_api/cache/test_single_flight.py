"""Work that many ask for at once."""

from __future__ import annotations

import asyncio

import pytest

from query_api.cache.single_flight import SingleFlight


class Work:
    """Counts how often it is begun and cancelled."""

    def __init__(self) -> None:
        self.begun = self.cancelled = 0
        self.ends = asyncio.Event()
        self.fails = False

    async def __call__(self) -> int:
        self.begun += 1
        try:
            await self.ends.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fails:
            raise ValueError("failed")
        return self.begun


async def waiting(flights: SingleFlight[int], work: Work, count: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flights.join("key", work)) for _ in range(count)]
    while not work.begun:
        await asyncio.sleep(0)
    return tasks


async def test_it_is_done_once_for_all_and_again_for_those_who_come_after() -> None:
    flights, work = SingleFlight[int](), Work()
    tasks = await waiting(flights, work, 3)
    work.ends.set()
    assert await asyncio.gather(*tasks) == [1, 1, 1]
    assert await flights.join("key", work) == 2


async def test_its_failure_is_everybodys() -> None:
    flights, work = SingleFlight[int](), Work()
    tasks = await waiting(flights, work, 3)
    work.fails = True
    work.ends.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["failed"] * 3


async def test_who_gives_up_takes_nobody_along_and_the_last_one_ends_it() -> None:
    flights, work = SingleFlight[int](), Work()
    first, second = await waiting(flights, work, 2)
    first.cancel()
    await asyncio.wait([first])
    assert not work.cancelled
    second.cancel()
    later = asyncio.create_task(flights.join("key", work))
    await asyncio.wait([second])
    work.ends.set()
    assert await later >= 1
    with pytest.raises(asyncio.CancelledError):
        await second
    assert work.cancelled in (0, 1) and work.begun - work.cancelled == 1


async def test_work_that_nobody_waits_for_is_ended() -> None:
    flights, work = SingleFlight[int](), Work()
    (only,) = await waiting(flights, work, 1)
    only.cancel()
    await asyncio.wait([only])
    while not work.cancelled:
        await asyncio.sleep(0)
    work.ends.set()
    assert await flights.join("key", work) == 2


async def test_work_that_has_just_ended_is_not_joined() -> None:
    """Who comes in the very round in which it ends, and is not content with it, would join it for ever."""
    flights, begun = SingleFlight[int](), 0

    async def work() -> int:
        nonlocal begun
        begun += 1
        return begun

    async def ask_until_it_is_another(rounds: int) -> int:
        for _ in range(rounds):
            await asyncio.sleep(0)
        for _ in range(10):
            if (answer := await flights.join("key", work)) > 1:
                return answer
        raise AssertionError("joined what had ended")

    first = asyncio.create_task(flights.join("key", work))
    others = [asyncio.create_task(ask_until_it_is_another(rounds)) for rounds in range(4)]
    assert await first == 1
    assert min(await asyncio.gather(*others)) > 1
