"""Several workers feed one device: products/s of decode → encode → rows, and how long a query takes beside them."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from encoders.inference.runtime import Runtime
from encoders.processes.messages import EncoderSetup
from encoders.service.client import ServiceEncoder
from encoders.service.opening import OpenEncoder
from encoders.service.server import EncoderService
from tests.bench.gpu.encoding import Model
from tests.paths import ROOT

START_S = 240.0
"""Until every worker has had its first batch, for which a model may have to be compiled."""
QUERY_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class Size:
    """Of the load."""

    device: str
    workers: int
    decoders: int
    """Of each worker."""
    seconds: float


@dataclass(slots=True)
class _Feeder:
    process: subprocess.Popen[str]
    products: int = 0
    started: threading.Event = field(default_factory=threading.Event)

    def count(self) -> None:
        """Count what it prints until it ends."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.products += int(line)
            self.started.set()


async def by_service(model: Model, size: Size) -> dict[str, Any]:
    """Workers that share the encoder service, and queries that go first there."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "encoder"
        async with EncoderService(path) as service:
            serving = asyncio.create_task(service.run())
            setup = EncoderSetup(model.encoder, _runtime(model, size))
            query = await asyncio.to_thread(ServiceEncoder, path, OpenEncoder(setup, "query"))
            quiet = await asyncio.to_thread(_query_ms, query, size.seconds)
            with _feeding(model, size, ["--socket", str(path)]) as feeders:
                await asyncio.to_thread(_until_started, feeders, size.seconds)
                window = asyncio.create_task(asyncio.to_thread(_products_per_s, feeders, size.seconds))
                beside = await asyncio.to_thread(_query_ms, query, size.seconds)
                found = {"products_per_s": await window, "query_ms_quiet": quiet, "query_ms_beside": beside}
                (load,) = await service.loads()
                found["inputs_a_pass"] = load.inputs / max(1, load.passes)
            query.close()
            serving.cancel()
    return found


async def by_own_contexts(model: Model, size: Size) -> dict[str, Any]:
    """Workers that have a model each."""
    with _feeding(model, size, []) as feeders:
        await asyncio.to_thread(_until_started, feeders, size.seconds)
        return {"products_per_s": await asyncio.to_thread(_products_per_s, feeders, size.seconds)}


def _runtime(model: Model, size: Size) -> Runtime:
    return Runtime(size.device, "torch", model.precision, model.compile)  # type: ignore[arg-type]


@contextlib.contextmanager
def _feeding(model: Model, size: Size, where: list[str]) -> Iterator[list[_Feeder]]:
    options = ["--encoder", model.encoder, "--device", size.device, "--precision", model.precision]
    options += ["--decoders", str(size.decoders), *(["--compile"] if model.compile else []), *where]
    command = [sys.executable, "-m", "tests.bench.gpu.feeder", *options]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(size.workers)]
    feeders = [_Feeder(process) for process in processes]
    for feeder in feeders:
        threading.Thread(target=feeder.count, daemon=True).start()
    try:
        yield feeders
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _until_started(feeders: list[_Feeder], settle_s: float) -> None:
    """Until all have had a batch, and as many decoders as they need."""
    until = time.monotonic() + START_S
    for feeder in feeders:
        while not feeder.started.wait(0.5):
            if feeder.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"a worker has had no batch: exit status {feeder.process.poll()}")
    time.sleep(settle_s)


def _products_per_s(feeders: list[_Feeder], seconds: float) -> float:
    began, before = time.perf_counter(), sum(feeder.products for feeder in feeders)
    time.sleep(seconds)
    return (sum(feeder.products for feeder in feeders) - before) / (time.perf_counter() - began)


def _query_ms(query: ServiceEncoder, seconds: float) -> dict[str, float]:
    """p50 and p99 of a query's text, asked every now and then."""
    query.encode_texts(["warm"])
    took: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        query.encode_texts(["red waterproof jacket"])
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(QUERY_PAUSE_S)
    return {f"p{one}": float(np.percentile(took, one)) for one in (50, 99)}
