"""Who gets how much of a chunk."""

from __future__ import annotations

import asyncio

import pytest

from encoders.errors import InvalidImage, WorkerProcessUnavailable
from encoders.processes.fair_queue import MAX_CHUNK_BYTES, MAX_CHUNK_PICTURES, MIN_CHUNK_BYTES, DecodeCall, FairQueue


def _line(*sizes: int) -> tuple[FairQueue, list[DecodeCall]]:
    turns, calls = FairQueue(), [DecodeCall([b"x"] * size) for size in sizes]
    for call in calls:
        turns.add(call)
    return turns, calls


def _shares(turns: FairQueue, calls: list[DecodeCall], processes: int = 1) -> list[int]:
    chunk = turns.next_chunk(processes)
    return [sum(part.call is call for part in chunk) for call in calls]


async def test_small_calls_share_a_chunk() -> None:
    assert _shares(*_line(1, 2, 3)) == [1, 2, 3]


async def test_a_large_call_goes_to_the_end_of_the_line_after_each_chunk() -> None:
    turns, calls = _line(40, 3)
    shares = [_shares(turns, calls) for _ in range(3)]
    assert shares == [[16, 0], [13, 3], [11, 0]]
    assert not turns


async def test_processes_share_what_waits() -> None:
    turns, calls = _line(24)
    assert [_shares(turns, calls, processes=2)[0] for _ in range(2)] == [12, 8]


async def test_few_small_pictures_are_not_worth_sharing() -> None:
    turns, calls = _line(9)
    assert [_shares(turns, calls, processes=4)[0] for _ in range(2)] == [8, 1]


async def test_few_large_pictures_are() -> None:
    turns, call = FairQueue(), DecodeCall([bytes(MIN_CHUNK_BYTES)] * 4)
    turns.add(call)
    assert [len(turns.next_chunk(4)) for _ in range(4)] == [1, 1, 1, 1]


async def test_a_chunk_is_full_by_bytes_too() -> None:
    turns, call = FairQueue(), DecodeCall([bytes(MAX_CHUNK_BYTES // 2)] * MAX_CHUNK_PICTURES)
    turns.add(call)
    assert len(turns.next_chunk(1)) == 2


async def test_what_is_left_of_a_call_given_up_leaves_the_line() -> None:
    turns, calls = _line(20, 1)
    turns.next_chunk(1)
    turns.remove(calls[0])
    assert _shares(turns, calls) == [0, 1]


async def test_a_call_is_finished_with_its_last_picture_in_their_order() -> None:
    call, outcomes = DecodeCall([b"a", b"b"]), [InvalidImage("a"), InvalidImage("b")]
    call.set_outcome(1, outcomes[1])
    assert not call.finished.done()
    call.set_outcome(0, outcomes[0])
    await call.finished
    assert call.outcomes == outcomes


async def test_a_failed_call_stays_failed() -> None:
    call = DecodeCall([b"a"])
    call.fail(WorkerProcessUnavailable("gone"))
    call.set_outcome(0, InvalidImage("a"))
    with pytest.raises(WorkerProcessUnavailable):
        await asyncio.wait_for(call.finished, 1)
