"""Query workers that are measured, on the core that is theirs: open, with keys, and one whose searches are noted."""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from query_api.access.api_keys import encode_record, make_key
from tests.bench.cores import Cores, move_tree
from tests.bench.query.bare_searches import waves_of
from tests.bench.query.recorded_worker import recorded_searches
from tests.bench.shop import Servers, Worker

RATE_LIMIT = "1000000/second"


@dataclass(frozen=True, slots=True)
class LockedWorker:
    """A worker that asks for keys and counts by rates."""

    url: str
    header: str
    """What a request has to bring."""


@contextmanager
def open_worker(servers: Servers, cores: Cores, **settings: str) -> Iterator[Worker]:
    """A query worker."""
    with servers.query_process(**settings) as worker:
        move_tree(worker.process, cores.encoder)
        yield worker


@contextmanager
def locked_worker(servers: Servers, cores: Cores, directory: Path) -> Iterator[LockedWorker]:
    """A query worker that asks for keys."""
    key, stored = make_key(["search", "users"], time.time())
    file = directory / "keys"
    file.write_bytes(encode_record(stored))
    locks = {"VITRINE_QUERY_API_KEYS_FILE": str(file), "VITRINE_QUERY_RATE_LIMIT_KEY": RATE_LIMIT}
    with open_worker(servers, cores, **locks) as worker:
        yield LockedWorker(worker.url, f"authorization: Bearer {key}\r\n")


def record_requests(servers: Servers, paths: Sequence[str], directory: Path) -> Path:
    """The searches of Milvus' that uncached requests come to, for `search_bare`, and the file that they are in."""
    log, output = directory / "searches", directory / "requests"
    asked: list[tuple[float, float]] = []
    command = (sys.executable, "-m", "tests.bench.query.recorded_worker", str(log))
    with servers.query_process(command) as worker, httpx.Client(base_url=worker.url, trust_env=False) as http:
        for path in paths:
            began_s = time.monotonic()
            http.get(path, headers={"cache-control": "no-cache"}).raise_for_status()
            asked.append((began_s, time.monotonic()))
    searches = recorded_searches(log)
    requests = [waves_of([one for one in searches if began <= one.began_s <= ended]) for began, ended in asked]
    output.write_bytes(pickle.dumps([one for one in requests if one]))
    return output
