"""Messages are handed over at once, and waited for as before where there is no room."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator

import pytest
from faust.transport.consumer import Consumer
from mode import Service

from streams.kafka.prompt_hand_over import hand_over_promptly


@pytest.fixture
async def consumer() -> AsyncIterator[Service]:
    async with Service() as service:
        hand_over_promptly(service)
        hand_over_promptly(service)
        yield service


def test_faust_hands_messages_over_as_is_expected() -> None:
    source = " ".join(inspect.getsource(Consumer._drain_messages).split())
    assert "await self.wait_first( callback(message), self.suspend_flow.wait() )" in source


async def test_a_message_that_there_is_room_for_takes_no_task(consumer: Service) -> None:
    taken: list[str] = []

    async def take() -> None:
        assert asyncio.current_task() is this
        taken.append("a")

    this = asyncio.current_task()
    await consumer.wait_first(take(), asyncio.Event().wait())
    assert taken == ["a"]


async def test_one_that_has_to_wait_is_waited_for(consumer: Service) -> None:
    room: asyncio.Queue[str] = asyncio.Queue(1)
    handing = [asyncio.create_task(consumer.wait_first(room.put(one), asyncio.Event().wait())) for one in "abc"]
    assert [await room.get() for _ in handing] == ["a", "b", "c"]
    assert [(await one) is None for one in handing] == [True, False, False]


async def test_one_that_waits_when_fetching_is_suspended_is_given_up(consumer: Service) -> None:
    room: asyncio.Queue[str] = asyncio.Queue(1)
    room.put_nowait("a")
    suspended = asyncio.Event()
    handing = asyncio.create_task(consumer.wait_first(room.put("b"), suspended.wait()))
    await asyncio.sleep(0)
    suspended.set()
    await handing
    assert room.get_nowait() == "a"
    await asyncio.sleep(0)
    assert room.empty()


async def test_what_goes_wrong_is_raised(consumer: Service) -> None:
    async def fail(later: bool) -> None:
        await asyncio.sleep(0.001 * later)
        raise ValueError("broken")

    for later in (False, True):
        with pytest.raises(ValueError, match="broken"):
            await consumer.wait_first(fail(later), asyncio.Event().wait())


async def test_other_waits_are_as_they_were(consumer: Service) -> None:
    event = asyncio.Event()
    event.set()
    assert (await consumer.wait_first(event, timeout=5)).done == [event]
