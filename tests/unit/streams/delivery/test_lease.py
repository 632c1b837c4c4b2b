"""The lease: a worker writes only while the group surely keeps its partitions for it."""

import asyncio

import pytest

from streams.delivery.lease import MIN_REMAINING_S, WriteLease
from streams.errors import PartitionsLost

SESSION_S = 10.0


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def wanted() -> None:
    """The partitions are still ours."""


def lost() -> None:
    raise PartitionsLost("gone")


async def test_there_is_no_lease_before_the_first_heartbeat():
    lease = WriteLease(SESSION_S, Clock())
    assert not lease.is_valid()
    with pytest.raises(PartitionsLost):
        await lease.deadline(lost)


async def test_a_write_must_land_within_the_session_of_the_heartbeat_counted_from_its_sending():
    clock = Clock()
    lease = WriteLease(SESSION_S, clock)
    lease.renew(clock.now - 2)
    assert await lease.deadline(wanted) == clock.now - 2 + SESSION_S


async def test_a_worker_that_was_frozen_waits_until_it_is_confirmed_again():
    clock = Clock()
    lease = WriteLease(SESSION_S, clock)
    lease.renew(clock.now)
    clock.now += 30
    waiting = asyncio.create_task(lease.deadline(wanted))
    await asyncio.wait([waiting], timeout=0.15)
    assert not waiting.done()
    lease.renew(clock.now)
    assert await asyncio.wait_for(waiting, 5) == clock.now + SESSION_S


async def test_waiting_ends_when_the_partitions_are_lost():
    clock = Clock()
    lease = WriteLease(SESSION_S, clock)
    lease.renew(clock.now)
    clock.now += SESSION_S - MIN_REMAINING_S / 2
    assert not lease.is_valid()
    with pytest.raises(PartitionsLost):
        await asyncio.wait_for(lease.deadline(lost), 5)


async def test_a_late_answer_does_not_shorten_the_lease():
    clock = Clock()
    lease = WriteLease(SESSION_S, clock)
    lease.renew(clock.now)
    lease.renew(clock.now - 5)
    assert await lease.deadline(wanted) == clock.now + SESSION_S
