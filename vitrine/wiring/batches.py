"""How an indexing worker takes its batches: their limits, their pulse, and the rests of a standby worker."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from encoders.liveness.progress import Pulse
from streams.config import IndexingConfig
from streams.delivery.batching import BatchLimits, ProcessBatch, ReleaseNextBatch
from streams.delivery.messages import Message
from vitrine.generations.pace import rest_s

STANDBY_LINGER_S, STANDBY_MESSAGES = 0.5, 64
"""Few batches, as nobody searches it yet; and small ones, as searches of the other generation wait for each write."""
STANDBY_CATCH_UP_S = 600.0
"""For how long it rests between batches; ever shorter, so that it catches up."""


def with_pulse(process: ProcessBatch, pulse: Pulse) -> ProcessBatch:
    """Process batches, each seen while it is under way."""

    async def process_seen(batch: list[Message], release_next_batch: ReleaseNextBatch) -> None:
        with pulse.busy(f"a batch of {len(batch)} events"):
            await process(batch, release_next_batch)

    return process_seen


def with_rests(process: ProcessBatch) -> ProcessBatch:
    """Process batches with rests between them: as long as each batch took at first, and shorter with time."""
    began_s = time.monotonic()

    async def process_and_rest(batch: list[Message], release_next_batch: ReleaseNextBatch) -> None:
        batch_began_s = time.monotonic()
        await process(batch, release_next_batch)
        now_s = time.monotonic()
        hurry = min(1.0, (now_s - began_s) / STANDBY_CATCH_UP_S)
        await asyncio.sleep(rest_s(now_s - batch_began_s, share=(1 + hurry) / 2))

    return process_and_rest


def standby_limits(limits: BatchLimits) -> BatchLimits:
    return replace(
        limits,
        max_messages=STANDBY_MESSAGES,
        overlap_messages=STANDBY_MESSAGES,
        linger_s=STANDBY_LINGER_S,
        quiet_linger_s=STANDBY_LINGER_S,
        max_in_flight=1,
    )


def batch_limits(indexing: IndexingConfig) -> BatchLimits:
    return BatchLimits(
        indexing.batch_events,
        indexing.batch_bytes,
        indexing.overlap_events,
        indexing.linger_s,
        indexing.quiet_linger_s,
        indexing.in_flight,
    )
