"""Micro-batches: bounded by count, bytes and linger; several under way; pressure reaches the source."""

import asyncio

import pytest

from streams.delivery.batching import BatchLimits, MicroBatcher, ReleaseNextBatch
from streams.delivery.messages import Message


def message(n: int = 0, size: int = 1) -> Message:
    return Message("t", 0, n, 0, None, b"x" * size, {}, ack=lambda: None)


class Recorder:
    """A pipeline that notes its batches and can be held."""

    def __init__(self, gives_way: bool = False) -> None:
        self.gives_way = gives_way
        self.batches: asyncio.Queue[list[int]] = asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()

    async def process(self, batch: list[Message], release_next_batch: ReleaseNextBatch) -> None:
        self.batches.put_nowait([message.offset for message in batch])
        if self.gives_way:
            release_next_batch()
        await self.gate.wait()


async def run(limits: BatchLimits, recorder: Recorder) -> tuple[MicroBatcher, asyncio.Task[None]]:
    batcher = MicroBatcher(limits, recorder.process)
    return batcher, asyncio.create_task(batcher.run())


async def test_waiting_messages_share_a_batch_up_to_its_count():
    recorder = Recorder()
    batcher = MicroBatcher(BatchLimits(max_messages=4, linger_s=0), recorder.process)
    for n in range(4):
        await batcher.put(message(n))
    task = asyncio.create_task(batcher.run())
    assert await recorder.batches.get() == [0, 1, 2, 3]
    task.cancel()


async def test_a_batch_closes_when_its_bytes_are_reached():
    recorder = Recorder()
    batcher, task = await run(BatchLimits(max_messages=4, max_bytes=100, quiet_linger_s=10), recorder)
    for n in range(3):
        await batcher.put(message(n, size=60))
    assert await recorder.batches.get() == [0, 1]
    task.cancel()


async def test_a_lone_message_goes_when_its_linger_ends():
    recorder = Recorder()
    batcher, task = await run(BatchLimits(linger_s=0.01), recorder)
    await batcher.put(message(7))
    assert await asyncio.wait_for(recorder.batches.get(), 5) == [7]
    task.cancel()


async def test_no_more_batches_than_allowed_are_under_way_and_put_waits():
    recorder = Recorder()
    recorder.gate.clear()
    batcher, task = await run(BatchLimits(max_messages=1, linger_s=0, max_in_flight=2), recorder)

    async def feed() -> None:
        for n in range(10):
            await batcher.put(message(n))

    feeding = asyncio.create_task(feed())
    assert [await recorder.batches.get() for _ in range(2)] == [[0], [1]]
    done, _ = await asyncio.wait([feeding], timeout=0.05)
    assert not done and recorder.batches.empty()
    recorder.gate.set()
    await asyncio.wait_for(feeding, 5)
    task.cancel()


async def test_draining_waits_for_what_is_under_way_and_starts_nothing():
    recorder = Recorder()
    recorder.gate.clear()
    batcher, task = await run(BatchLimits(max_messages=1, linger_s=0, max_in_flight=2), recorder)
    await batcher.put(message(0))
    await recorder.batches.get()
    draining = asyncio.create_task(batcher.drain())
    await asyncio.sleep(0)
    await batcher.put(message(1))
    assert not draining.done()
    recorder.gate.set()
    await asyncio.wait_for(draining, 5)
    assert recorder.batches.empty()
    task.cancel()


async def test_batches_grow_while_others_are_under_way():
    recorder = Recorder()
    recorder.gate.clear()
    batcher, task = await run(BatchLimits(max_messages=8, linger_s=0, quiet_linger_s=0, max_in_flight=1), recorder)
    await batcher.put(message(0))
    assert await recorder.batches.get() == [0]
    for n in range(1, 6):
        await batcher.put(message(n))
    recorder.gate.set()
    assert await asyncio.wait_for(recorder.batches.get(), 5) == [1, 2, 3, 4, 5]
    task.cancel()


async def test_enough_messages_for_a_batch_do_not_wait_for_those_under_way():
    recorder = Recorder()
    recorder.gate.clear()
    batcher, task = await run(BatchLimits(overlap_messages=2, linger_s=60, quiet_linger_s=0), recorder)
    await batcher.put(message(0))
    assert await recorder.batches.get() == [0]
    await batcher.put(message(1))
    await batcher.put(message(2))
    assert await asyncio.wait_for(recorder.batches.get(), 5) == [1, 2]
    task.cancel()


async def test_a_message_stops_lingering_when_nothing_is_under_way_any_more():
    recorder = Recorder()
    recorder.gate.clear()
    batcher, task = await run(BatchLimits(linger_s=60, quiet_linger_s=0), recorder)
    await batcher.put(message(0))
    await recorder.batches.get()
    await batcher.put(message(1))
    recorder.gate.set()
    assert await asyncio.wait_for(recorder.batches.get(), 5) == [1]
    task.cancel()


async def test_the_next_batch_waits_no_longer_than_until_the_one_before_gives_way():
    recorder = Recorder(gives_way=True)
    recorder.gate.clear()
    batcher, task = await run(BatchLimits(linger_s=60, quiet_linger_s=0), recorder)
    await batcher.put(message(0))
    assert await recorder.batches.get() == [0]
    await batcher.put(message(1))
    assert await asyncio.wait_for(recorder.batches.get(), 5) == [1]
    task.cancel()


async def test_company_is_waited_for_after_a_batch_too():
    recorder = Recorder()
    recorder.gate.clear()
    batcher, task = await run(BatchLimits(max_messages=2, linger_s=60, quiet_linger_s=60), recorder)
    for n in range(3):
        await batcher.put(message(n))
    assert await recorder.batches.get() == [0, 1]
    recorder.gate.set()
    following = asyncio.create_task(recorder.batches.get())
    assert not (await asyncio.wait([following], timeout=0.05))[0]
    await batcher.put(message(3))
    assert await asyncio.wait_for(following, 5) == [2, 3]
    task.cancel()


async def test_waiting_bytes_are_bounded():
    batcher = MicroBatcher(BatchLimits(max_bytes=100), Recorder().process)
    await batcher.put(message(0, size=100))
    done, pending = await asyncio.wait([asyncio.create_task(batcher.put(message(1)))], timeout=0.05)
    assert pending and not done
    pending.pop().cancel()


async def test_it_has_settled_when_nothing_waits_and_nothing_is_under_way():
    recorder = Recorder()
    recorder.gate.clear()
    batcher, task = await run(BatchLimits(linger_s=0, quiet_linger_s=0), recorder)
    await asyncio.wait_for(batcher.wait_until_idle(), 5)
    await batcher.put(message(0))
    settling = asyncio.create_task(batcher.wait_until_idle())
    await recorder.batches.get()
    assert not settling.done()
    recorder.gate.set()
    await asyncio.wait_for(settling, 5)
    task.cancel()


async def test_a_failing_batch_ends_the_run():
    async def process(_batch: list[Message], _release_next_batch: ReleaseNextBatch) -> None:
        raise RuntimeError("boom")

    batcher = MicroBatcher(BatchLimits(linger_s=0), process)
    await batcher.put(message())
    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(batcher.run(), 5)


def test_limits_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        BatchLimits(max_messages=0)
