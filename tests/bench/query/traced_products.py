"""Products through the pipeline over doubles: `python -m tests.bench.query.traced_products [SHARE URL]` prints the
processor's microseconds for one, with so large a share of their traces recorded and told to a collector; without, off.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from contextlib import nullcontext
from dataclasses import replace

from encoders.tracing.config import TracesConfig
from encoders.tracing.opening import open_tracer
from encoders.tracing.spans import Tracer
from encoders.tracing.trace_context import TraceContext
from streams.delivery.messages import Message
from streams.delivery.traces import with_traces
from streams.events.schema import PRODUCT_EVENTS
from tests.unit.streams.pipeline import Bench

BATCH, BATCHES, WARM_UP = 64, 40, 5


async def measure(tracer: Tracer | None, share: float) -> float:
    """The processor's seconds when it was warm."""
    bench, chance = Bench(), random.Random(1)
    process = with_traces(bench.pipeline.process, tracer, PRODUCT_EVENTS, "bench")
    batches = [[_message(bench, chance, share) for _ in range(BATCH)] for _ in range(WARM_UP + BATCHES)]
    began_s = 0.0
    for number, batch in enumerate(batches):
        if number == WARM_UP:
            began_s = time.process_time()
        for message in batch:
            bench.acknowledger.receive(message)
        await process(batch, lambda: None)
    return began_s


def _message(bench: Bench, chance: random.Random, share: float) -> Message:
    number = chance.randrange(10**9)
    data = {"product_id": f"p-{number}", "title": f"Mug number {number}", "price": 9.5, "brand": "Acme"}
    trace = TraceContext(f"{chance.getrandbits(127) + 1:032x}", f"{number + 1:016x}", chance.random() < share)
    return replace(bench.kafka.message(data), headers=trace.headers)


def main() -> None:
    """Print it, the spans' way to the collector included."""
    share, url = (float(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 1 else (0.0, "")
    os.environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_MAX_QUEUE_SIZE": "100000"}
    tracing = open_tracer(TracesConfig(enabled=True), "bench") if url else nullcontext()
    with tracing as tracer:
        began_s = asyncio.run(measure(tracer, share))
    print(1e6 * (time.process_time() - began_s) / (BATCH * BATCHES))


if __name__ == "__main__":
    main()
