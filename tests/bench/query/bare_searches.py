"""Searches of Milvus' made again with nothing around them: `python -m tests.bench.query.bare_searches URI FILE`.

Each of so many clients takes the next request's searches, those at once that were under way at once, and waits.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import uvloop

from indexer.milvus.access import MilvusAccess
from indexer.milvus.columns import ColumnarMilvusClient
from indexer.milvus.connection import MilvusConfig
from tests.bench.query.generator import DEADLINE_S, Outcome
from tests.bench.query.recorded_worker import Search

Wave = Sequence[Search]


def waves_of(searches: Sequence[Search]) -> list[list[Search]]:
    """A request's searches, those together that were under way at once."""
    waves: list[list[Search]] = []
    for search in sorted(searches, key=lambda one: one.began_s):
        if not waves or search.began_s >= max(other.ended_s for other in waves[-1]):
            waves.append([])
        waves[-1].append(search)
    return waves


def search_bare(uri: str, file: Path, clients: int, seconds: float) -> Outcome:
    """Have a process make the searches of a file, on the cores that this one may use."""
    argv = [sys.executable, "-m", "tests.bench.query.bare_searches", uri, str(file), str(clients), str(seconds)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=DEADLINE_S, check=True)
    return msgspec.json.decode(done.stdout, type=Outcome)


async def _search(uri: str, requests: Sequence[Sequence[Wave]], clients: int, seconds: float) -> Outcome:
    client = ColumnarMilvusClient(MilvusAccess(MilvusConfig(uri, deadline_s=30)))
    took_s, turns = list[float](), itertools.cycle(requests)

    async def call(one: Search) -> Any:
        return await getattr(client, one.method)(*one.arguments, **one.options)

    async def ask() -> None:
        while (began_s := time.perf_counter()) < started_s + seconds:
            for wave in next(turns):
                await asyncio.gather(*map(call, wave))
            took_s.append(time.perf_counter() - began_s)

    await call(requests[0][0][0])
    cpu_s, started_s = time.process_time(), time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(clients)))
    lasted_s = time.perf_counter() - started_s
    await client.close()
    p50_ms, p99_ms = (float(one) * 1000 for one in np.percentile(took_s, (50, 99)))
    busy = (time.process_time() - cpu_s) / lasted_s
    return Outcome(len(took_s) / lasted_s, p50_ms, p99_ms, len(took_s), {200: len(took_s)}, {}, busy)


def main() -> None:
    """Search, and tell on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    parser.add_argument("file", type=Path)
    parser.add_argument("clients", type=int)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    requests = pickle.loads(given.file.read_bytes())
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_search(given.uri, requests, given.clients, given.seconds))))


if __name__ == "__main__":
    main()
