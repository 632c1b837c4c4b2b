"""Places for requests, and the queue before them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from query_api.admission.slots import BURST_S, BURST_WAITING, Admission
from query_api.errors import TooBusy


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def occupied(admission: Admission, count: int) -> AsyncExitStack:
    """So many are worked on, until this is closed."""
    working = AsyncExitStack()
    for _ in range(count):
        await working.enter_async_context(admission.slot("search"))
    return working


async def work(admission: Admission, done: list[int], number: int) -> None:
    async with admission.slot("search"):
        done.append(number)


async def waiting(admission: Admission, done: list[int], numbers: range) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(work(admission, done, number)) for number in numbers]
    await asyncio.sleep(0)
    return tasks


async def test_who_comes_when_all_places_are_taken_waits_in_order(clock: Clock) -> None:
    admission, done = Admission(2, clock=clock), list[int]()
    async with await occupied(admission, 2):
        tasks = await waiting(admission, done, range(5))
        assert not done and admission.waiting == 5
    await asyncio.gather(*tasks)
    assert done == list(range(5)) and admission.waiting == 0


async def test_a_burst_waits_and_what_is_over_it_is_refused(clock: Clock) -> None:
    admission, done = Admission(2, clock=clock), list[int]()
    async with await occupied(admission, 2):
        tasks = await waiting(admission, done, range(BURST_WAITING + 3))
        assert admission.waiting == BURST_WAITING and admission.refuses()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends[BURST_WAITING:]] == [TooBusy] * 3
    assert done == list(range(BURST_WAITING)) and not admission.refuses()


async def test_a_queue_that_does_not_end_is_cut_to_half_of_what_is_worked_on(clock: Clock) -> None:
    admission, done = Admission(8, clock=clock), list[int]()
    working = await occupied(admission, 8)
    tasks = await waiting(admission, done, range(20))
    clock.now += BURST_S + 0.1
    assert admission.refuses()
    await working.aclose()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    # The last to come have waited least.
    assert [type(end) for end in ends] == [TooBusy] * 16 + [type(None)] * 4
    assert done == list(range(16, 20)) and not admission.refuses()


@pytest.mark.parametrize(("gap_s", "may_wait"), [(0.001, 4), (1.0, BURST_WAITING)])
async def test_a_queue_that_is_empty_for_a_moment_is_no_burst_anew(clock: Clock, gap_s: float, may_wait: int) -> None:
    admission, done = Admission(8, clock=clock), list[int]()
    async with await occupied(admission, 8) as working:
        overload = await waiting(admission, done, range(4))
        clock.now += BURST_S + 0.1
        await working.aclose()
        await asyncio.gather(*overload)
    clock.now += gap_s
    async with await occupied(admission, 8):
        again = await waiting(admission, done, range(100))
        assert admission.waiting == may_wait
        clock.now += 0.1
    await asyncio.gather(*again, return_exceptions=True)


async def test_who_is_gone_leaves_their_place_to_others(clock: Clock) -> None:
    admission, done = Admission(1, clock=clock), list[int]()
    working = await occupied(admission, 1)
    first, second, third = await waiting(admission, done, range(3))
    first.cancel()
    await working.aclose()
    # Cancelled as its turn had come.
    second.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)
    assert done == [2]
    async with await occupied(admission, 1):
        assert admission.waiting == 0


async def test_a_request_that_fails_gives_its_place_back(clock: Clock) -> None:
    admission = Admission(1, clock=clock)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with admission.slot("search"):
                raise ZeroDivisionError
    async with await occupied(admission, 1):
        pass
