"""The encoder behind many concurrent queries, and the circuit breaker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders.inference.device_priority import DevicePriority
from encoders.port import HashEncoder
from indexer.errors import StoreUnavailable
from query_api.circuit_breaker import FAILURE_THRESHOLD, CircuitBreaker
from query_api.embedding.batcher import EncoderBatcher
from query_api.errors import EncoderBusy


class GatedEncoder(HashEncoder):
    """Encodes when it is let."""

    def __init__(self) -> None:
        super().__init__(8)
        self.gate = threading.Event()
        self.batches: list[int] = []

    def encode_texts(self, texts: Sequence[str]) -> Any:
        assert self.gate.wait(10)
        self.batches.append(len(texts))
        if "poison" in texts:
            raise ValueError("cannot encode this")
        return super().encode_texts(texts)


@pytest.fixture
def encoder() -> Iterator[GatedEncoder]:
    encoder = GatedEncoder()
    yield encoder
    encoder.gate.set()


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


async def test_what_arrives_during_a_batch_makes_the_next_one(
    encoder: GatedEncoder, thread: ThreadPoolExecutor
) -> None:
    batcher = EncoderBatcher(encoder, thread, batch=4)
    tasks = [asyncio.create_task(batcher.encode(f"text {at}")) for at in range(9)]
    pixels = np.zeros((8, 8, 3), np.uint8)
    tasks.append(asyncio.create_task(batcher.encode(pixels)))
    await asyncio.sleep(0)
    encoder.gate.set()
    rows = await asyncio.gather(*tasks)
    assert encoder.batches == [4, 4, 1]
    expected = HashEncoder(8).encode_texts([f"text {at}" for at in range(9)])
    assert np.allclose(rows[:9], expected) and np.allclose(rows[9], HashEncoder(8).encode_images([pixels])[0])


async def test_a_failing_batch_fails_all_of_its_callers_and_no_others(
    encoder: GatedEncoder, thread: ThreadPoolExecutor
) -> None:
    batcher = EncoderBatcher(encoder, thread, batch=2)
    tasks = [asyncio.create_task(batcher.encode(text)) for text in ("poison", "victim", "next")]
    encoder.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(outcome, ValueError) for outcome in outcomes] == [True, True, False]


async def test_a_late_answer_is_busy_and_the_queue_is_bounded(
    encoder: GatedEncoder, thread: ThreadPoolExecutor
) -> None:
    batcher = EncoderBatcher(encoder, thread, batch=1, waiting=2, deadline_s=0.05)
    tasks = [asyncio.create_task(batcher.encode(str(at))) for at in range(3)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, EncoderBusy) for outcome in outcomes)
    encoder.gate.set()
    await batcher.aclose()
    # The first was being encoded when it was given up; the others were never encoded.
    assert encoder.batches == [1]
    assert (await batcher.encode("again")).shape == (8,)


async def test_queries_go_before_what_nobody_waits_for(encoder: GatedEncoder, thread: ThreadPoolExecutor) -> None:
    batcher = EncoderBatcher(encoder, thread, batch=8)
    done: list[str] = []

    async def encode(text: str, in_background: bool) -> None:
        await batcher.encode(text, in_background=in_background)
        done.append(text)

    tasks = [asyncio.create_task(encode(f"own {at}", True)) for at in range(5)]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(encode(f"query {at}", False)) for at in range(3)]
    await asyncio.sleep(0)
    encoder.gate.set()
    await asyncio.gather(*tasks)
    # The background's small batches: those that were under way, or wait for the queries.
    assert encoder.batches == [3, 2, 2, 1] or encoder.batches == [2, 3, 2, 1]
    assert {text for text in done[:5] if text.startswith("query")} == {"query 0", "query 1", "query 2"}


async def test_a_caller_may_have_a_deadline_of_its_own(encoder: GatedEncoder, thread: ThreadPoolExecutor) -> None:
    batcher = EncoderBatcher(encoder, thread)
    with pytest.raises(EncoderBusy, match=r"within 0\.01 s"):
        await batcher.encode("late", deadline_s=0.01)


async def test_queries_take_precedence_over_other_processes_and_background_work_does_not(
    encoder: GatedEncoder, thread: ThreadPoolExecutor, tmp_path: Path
) -> None:
    encoder.gate.set()
    device_priority, seen = DevicePriority(tmp_path / "cpu.precedence"), []
    other = DevicePriority(tmp_path / "cpu.precedence")
    encode = encoder.encode_texts
    encoder.encode_texts = lambda texts: (seen.append(other._is_locked(other._file or 0)), encode(texts))[1]
    batcher = EncoderBatcher(encoder, thread, device_priority=device_priority)
    await batcher.encode("query")
    await batcher.encode("own", in_background=True)
    assert seen == [True, False]


async def test_closing_fails_those_that_wait(encoder: GatedEncoder, thread: ThreadPoolExecutor) -> None:
    batcher = EncoderBatcher(encoder, thread, batch=1)
    tasks = [asyncio.create_task(batcher.encode(str(at))) for at in range(2)]
    for _ in range(3):
        await asyncio.sleep(0)
    closing = asyncio.create_task(batcher.aclose())
    await asyncio.sleep(0)
    encoder.gate.set()
    await closing
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert not isinstance(outcomes[0], BaseException) and isinstance(outcomes[1], EncoderBusy)


async def test_the_circuit_opens_after_failures_and_closes_after_an_answer() -> None:
    now, asked = [0.0], []
    breaker = CircuitBreaker(0.01, lambda: now[0])

    async def hang() -> None:
        asked.append("hang")
        await asyncio.Event().wait()

    async def answer() -> str:
        asked.append("answer")
        return "fine"

    for _ in range(FAILURE_THRESHOLD + 2):
        with pytest.raises(StoreUnavailable):
            await breaker.call(hang)
    assert len(asked) == FAILURE_THRESHOLD
    now[0] = 10.0
    assert await breaker.call(answer) == await breaker.call(answer) == "fine"


async def test_while_one_call_tries_again_the_others_do_without() -> None:
    now = [0.0]
    breaker = CircuitBreaker(0.01, lambda: now[0])

    async def hang() -> None:
        await asyncio.Event().wait()

    for _ in range(FAILURE_THRESHOLD):
        with pytest.raises(StoreUnavailable):
            await breaker.call(hang)
    now[0] = 10.0
    outcomes = await asyncio.gather(*(breaker.call(hang) for _ in range(5)), return_exceptions=True)
    assert sum("not asked" in str(outcome) for outcome in outcomes) == 4
