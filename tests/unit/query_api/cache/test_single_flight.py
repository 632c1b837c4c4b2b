"""What many ask for at once is done once, for as long as one of them waits."""

from __future__ import annotations

import asyncio

import pytest

from query_api.cache.single_flight import SingleFlight


class Work:
    """Gives how often it was begun, when it is let."""

    def __init__(self) -> None:
        self.begun = self.cancelled = 0
        self.finish = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        try:
            await self.finish.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return number


async def joined(flights: SingleFlight[int], work: Work, count: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flights.join("key", work)) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_it_goes_on_for_those_who_still_wait() -> None:
    flights, work = SingleFlight[int](), Work()
    first, second, third = await joined(flights, work, 3)
    first.cancel()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    work.finish.set()
    assert await third == 1 and (work.begun, work.cancelled) == (1, 0)


async def test_it_is_given_up_with_the_last_who_waits_and_begun_anew_by_the_next() -> None:
    flights, work = SingleFlight[int](), Work()
    waiting = await joined(flights, work, 2)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    # It has not noticed yet, and the next must not be cancelled with it.
    work.finish.set()
    assert await flights.join("key", work) == 2
    assert (work.begun, work.cancelled) == (2, 1)


async def test_its_failure_is_that_of_all() -> None:
    flights = SingleFlight[int]()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    ends = await asyncio.gather(*(flights.join("key", fail) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(end, ZeroDivisionError) for end in ends)
    with pytest.raises(ZeroDivisionError):
        await flights.join("key", fail)
