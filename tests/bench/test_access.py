"""What API keys and rates cost: searches a second of a worker that asks for keys, against one that does not."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

from query_api.access.api_keys import encode_record, make_key
from tests.bench.report import RUNS, Target, publish_report
from tests.bench.shop import Shop

CONNECTIONS = 8
SECONDS = 3.0
TURNS = 2 * RUNS
BODY = json.dumps({"text": "red mug", "k": 10}).encode()


def test_keys_and_rates_cost_less_than_a_twentieth(shop: Shop, tmp_path: Path):
    key, stored = make_key(["search"], time.time())
    file = tmp_path / "keys"
    file.write_bytes(encode_record(stored))
    locks = {"VITRINE_QUERY_API_KEYS_FILE": str(file), "VITRINE_QUERY_RATE_LIMIT_KEY": "1000000/second"}
    rows, targets = [], []
    with shop.query_worker() as without, shop.query_worker(**locks) as behind:
        for kind, header in (("cached", ""), ("uncached", "cache-control: no-cache\r\n")):
            runs: dict[str, list[float]] = {"without": [], "with": []}
            contenders = [("without", without, header), ("with", behind, f"{header}authorization: Bearer {key}\r\n")]
            for turn in range(TURNS):
                for name, url, headers in contenders[:: 1 if turn % 2 else -1]:
                    runs[name].append(asyncio.run(_speed(url, headers)))
            speeds = {name: statistics.median(measured[1:]) for name, measured in runs.items()}
            rows.append([kind, speeds["without"], speeds["with"]])
            targets.append(Target(f"{kind} searches/s of those without keys", speeds["with"] / speeds["without"], 0.95))
    publish_report("access", ["searches", "without keys", "with keys"], rows, targets)


async def _speed(url: str, headers: str) -> float:
    """Searches a second."""
    address = urlsplit(url)
    head = f"POST /v1/search HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-type: application/json\r\n{headers}"
    request = f"{head}content-length: {len(BODY)}\r\n\r\n".encode() + BODY
    started = time.perf_counter()
    counts = await asyncio.gather(
        *(_ask(address.hostname or "", address.port or 0, request, started + SECONDS) for _ in range(CONNECTIONS))
    )
    return sum(counts) / (time.perf_counter() - started)


async def _ask(host: str, port: int, request: bytes, until: float) -> int:
    """Send one request after the other; how many were answered. By bare sockets: a client must not be what is slow."""
    reader, writer = await asyncio.open_connection(host, port)
    count = 0
    while time.perf_counter() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 503")), head
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        # A server that does not keep up on a busy machine: asked again, and not counted.
        count += head.startswith(b"HTTP/1.1 200")
    writer.close()
    return count
