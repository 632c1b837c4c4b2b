"""A query worker on real servers under hostile requests: no 5xx but 503, no hang, no crash, no growth, always alive."""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench.report import Target, publish_report
from tests.fuzz import seeds
from tests.fuzz.budget import HTTP_BY_SCHEMA, HTTP_MUTATED, HTTP_RAW, SEED
from tests.fuzz.http_inputs import mutated_request, raw_bytes
from tests.fuzz.slow_clients import siege
from tests.fuzz.watching import HealthRecord, own_resident_mb, watched_health
from tests.fuzz.wire import Answer, BrokenAnswer, Connection
from tests.stack import Stack, start_stack
from tests.unit.query_api.http.test_conformance import open_document

PRODUCTS = 300
CLIENTS = 6
DEADLINE_S = 15.0
MOST_HEALTH_MS = 250.0
MOST_GROWTH = 1.10
SCHEMATHESIS = """
[checks.negative_data_rejection]
expected-statuses = ["400", "404", "405", "408", "413", "414", "415", "416", "422", "431", "503"]
"""
WARM_UP = 0.15
"""The share of the requests after which memory is taken for the first time."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with products that have pictures."""
    directory = tmp_path_factory.mktemp("fuzz")
    stack = start_stack(directory / "data")
    rows = directory / "products.jsonl"
    rows.write_text("\n".join(json.dumps(seeds.product(number)) for number in range(PRODUCTS)))
    stack.cli("publish", "products", rows, check=False)
    stack.wait_until_indexed()
    yield stack
    stack.cli("down")


class Verdicts:
    """What the answers were."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.slowest_s = 0.0
        self.faults: list[str] = []

    def note(self, request: bytes, answer: Answer | None, took_s: float) -> None:
        """Count an answer, and note what is wrong with it."""
        self.slowest_s = max(self.slowest_s, took_s)
        self.statuses[str(answer.status) if answer else "hung up"] += 1
        if answer and (fault := _fault(answer)):
            self.faults.append(f"{fault}: {request[:1_500]!r}")


def _fault(answer: Answer) -> str | None:
    if answer.status >= 500 and answer.status != 503:
        return f"status {answer.status}"
    if answer.status == 503 and "retry-after" not in answer.headers:
        return "503 without Retry-After"
    if "json" in answer.headers.get("content-type", "") and answer.body:
        try:
            json.loads(answer.body)
        except ValueError:
            return f"{answer.status} with a body that is no JSON"
    return None


def test_mutated_requests(stack: Stack) -> None:
    worker = stack.status()["query_workers"][0]
    verdicts, memory = Verdicts(), [0.0]
    began = time.monotonic()
    with watched_health(worker["url"]) as health:
        asyncio.run(_mutated(worker["url"], worker["pid"], verdicts, memory))
    after_mb = own_resident_mb(worker["pid"])
    _report("fuzz-http", HTTP_MUTATED, verdicts, health, (memory[0], after_mb), time.monotonic() - began)
    assert not verdicts.faults, "\n".join(verdicts.faults[:10])
    _no_traceback(stack)


async def _mutated(url: str, pid: int, verdicts: Verdicts, memory: list[float]) -> None:
    left = iter(range(HTTP_MUTATED))

    async def client(number: int) -> None:
        rng, connection = random.Random(f"{SEED} http {number}"), Connection(url, DEADLINE_S)
        media = await _media_paths(url)
        for count in left:
            if count == int(HTTP_MUTATED * WARM_UP):
                memory[0] = own_resident_mb(pid)
            request = mutated_request(rng, connection.authority, media)
            await _send(connection, request.content, request.method, verdicts)
        await connection.close()

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(client(number))


def test_bytes_that_are_hardly_requests(stack: Stack) -> None:
    worker = stack.status()["query_workers"][0]
    verdicts = Verdicts()

    async def run() -> None:
        rng = random.Random(f"{SEED} raw")
        for _ in range(HTTP_RAW):
            # What is left incomplete would be waited for: a short deadline, after which this side hangs up.
            connection = Connection(worker["url"], 0.1)
            await _send(connection, raw_bytes(rng, connection.authority), "", verdicts, may_wait=True)
            await connection.close()

    with watched_health(worker["url"]) as health:
        asyncio.run(run())
    memory_mb = own_resident_mb(worker["pid"])
    _report("fuzz-http-raw", HTTP_RAW, verdicts, health, (memory_mb, memory_mb), 0.0)
    assert not verdicts.faults, "\n".join(verdicts.faults[:10])
    _no_traceback(stack)


def test_requests_by_the_schema(stack: Stack) -> None:
    url, document = stack.url, open_document()
    schema = stack.data_dir.parent / "openapi.json"
    schema.write_text(json.dumps(document))
    config = stack.data_dir.parent / "schemathesis.toml"
    config.write_text(SCHEMATHESIS)
    examples = max(1, HTTP_BY_SCHEMA // sum(len(operations) for operations in document["paths"].values()))
    command = [
        Path(sys.executable).with_name("schemathesis"), "--config-file", config, "run", schema, "--url", url,
        "--checks", "all", "--max-examples", str(examples), "--phases", "fuzzing", "--workers", "2",
        "--seed", str(SEED), "--request-timeout", str(DEADLINE_S), "--suppress-health-check", "all",
        "--exclude-checks", "unsupported_method,missing_required_header,positive_data_acceptance",
    ]  # fmt: skip
    with watched_health(url) as health:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=3_000, cwd=stack.data_dir)
    made = re.search(r"([\d,]+) generated", ran.stdout)
    print(ran.stdout[-3_000:], f"{made and made[1]} cases; /healthz at most {health.worst_ms:.0f} ms", sep="\n")
    # What schemathesis cannot make of a form with files it calls an error, which is its own.
    assert made and "\nFailures:" not in ran.stdout, ran.stdout[-12_000:] + ran.stderr[-2_000:]
    assert not health.failures
    _no_traceback(stack)


def test_slow_and_half_open_clients(stack: Stack) -> None:
    worker = stack.status()["query_workers"][0]
    before_mb = own_resident_mb(worker["pid"])
    media = asyncio.run(_media_paths(worker["url"]))
    with watched_health(worker["url"]) as health:
        outcome = asyncio.run(siege(worker["url"], media[0], worker["pid"]))
    rows = [(outcome.clients, outcome.served, outcome.refused, outcome.worst_search_s, before_mb, outcome.peak_mb)]
    columns = ["slow clients", "searches served", "not served", "slowest search, s", "MB before", "MB at most"]
    targets = [
        Target("/healthz at most, ms", health.worst_ms, MOST_HEALTH_MS, at_most=True),
        Target("searches not served", float(outcome.refused), 0.0, at_most=True),
        Target("slowest search, s", outcome.worst_search_s, 2.0, at_most=True),
        Target("MB more than before", outcome.peak_mb - before_mb, 200.0, at_most=True),
    ]
    publish_report("fuzz-slow-clients", columns, rows, targets)
    assert all(target.met for target in targets[1:]) and not health.failures
    _no_traceback(stack)


async def _send(
    connection: Connection, content: bytes, method: str, verdicts: Verdicts, may_wait: bool = False
) -> None:
    began = time.monotonic()
    try:
        answer = await connection.send(content, method)
    except BrokenAnswer as broken:
        if not may_wait or "no answer" not in str(broken):
            verdicts.faults.append(f"{broken}: {content[:1_500]!r}")
        return
    verdicts.note(content, answer, time.monotonic() - began)


async def _media_paths(url: str) -> list[str]:
    connection = Connection(url, DEADLINE_S)
    answer = await connection.send(f"GET /v1/search?k=50 HTTP/1.1\r\nHost: {connection.authority}\r\n\r\n".encode())
    await connection.close()
    assert answer and answer.status == 200
    hits: list[dict[str, Any]] = json.loads(answer.body)["hits"]
    return [hit["image_url"] for hit in hits if (hit.get("image_url") or "").startswith("/media/")]


def _no_traceback(stack: Stack) -> None:
    for log in (stack.data_dir / "logs").glob("*.log"):
        text = log.read_text(errors="replace")
        assert "Traceback" not in text, f"{log.name}: {text[max(0, text.index('Traceback') - 500) :][:3_000]}"


def _report(
    name: str,
    inputs: int,
    verdicts: Verdicts,
    health: HealthRecord,
    memory_mb: tuple[float, float],
    took_s: float,
) -> None:
    before, after = memory_mb
    targets = [
        Target("/healthz at most, ms", health.worst_ms, MOST_HEALTH_MS, at_most=True),
        Target("memory after ÷ before", after / before, MOST_GROWTH, at_most=True),
        Target("faults", float(len(verdicts.faults)), 0.0, at_most=True),
    ]
    rows = [(status, count) for status, count in sorted(verdicts.statuses.items())]
    facts = {"inputs": inputs, "seconds": round(took_s), "slowest_s": verdicts.slowest_s}
    facts |= {"healthz_p99_ms": health.percentile_ms(0.99), "healthz_worst_ms": health.worst_ms}
    publish_report(name, ["status", "answers"], rows, targets, **facts, memory_mb=memory_mb)
    print(facts, *verdicts.faults[:10], sep="\n")
    assert targets[0].met, str(targets[0])
    assert targets[1].met, str(targets[1])
    assert not health.failures
