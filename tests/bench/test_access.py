"""What API keys and rate limits cost: the same searches with and without them, in turns."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from tests.bench.catalogue import Catalogue
from tests.bench.http_load import LoadReport, get, load
from tests.bench.report import RUNS, Target, median_of, publish_report
from tests.bench.shop import open_shop

CONNECTIONS = 8
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = 2 * RUNS + 1
LIMIT = "1000000/second"
HOT_QUERIES = 20
OPEN, LOCKED = "without keys", "with keys and limits"


def test_keys_and_limits_cost_little(tmp_path: Path) -> None:
    with open_shop(tmp_path, Catalogue(), "mini") as shop:
        keys = tmp_path / "keys"
        made = subprocess.run(
            [sys.executable, "-m", "vitrine", "apikey", "create", "--scope", "search"],
            env={**shop.env, "VITRINE_QUERY_API_KEYS_FILE": str(keys)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        locked = {
            "VITRINE_QUERY_API_KEYS_FILE": str(keys),
            "VITRINE_QUERY_RATE_LIMIT_KEY": LIMIT,
            "VITRINE_QUERY_RATE_LIMIT_ADDRESS": LIMIT,
        }
        header = f"Authorization: Bearer {made.stdout.split()[0]}\r\n"
        with shop.query_worker() as open_url, shop.query_worker(**locked) as locked_url:
            assert _refuses(locked_url)
            ways = {OPEN: (open_url, ""), LOCKED: (locked_url, header)}
            measured = {kind: _measure(ways, kind == "cached") for kind in ("cached", "uncached")}
    _report(measured)


def _refuses(url: str) -> bool:
    return asyncio.run(load(url, lambda _: get(url, "/v1/search?q=dress"), 1, 0.2)).statuses.keys() == {401}


def _measure(ways: dict[str, tuple[str, str]], cached: bool) -> dict[str, dict[str, float]]:
    """Requests a second and latencies of each way: the median of rounds in turns."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for round_ in range(ROUNDS):
        for name in sorted(ways, reverse=bool(round_ % 2)):
            url, header = ways[name]
            report = asyncio.run(_load(url, header, cached, round_))
            assert report.statuses.keys() == {200}, report.statuses
            runs[name].append({"rate": report.rate, "p50": report.percentile_ms(50), "p99": report.percentile_ms(99)})
    return {name: median_of(rounds) for name, rounds in runs.items()}


async def _load(url: str, header: str, cached: bool, round_: int) -> LoadReport:
    def request(number: int) -> bytes:
        query = number % HOT_QUERIES if cached else f"{round_}x{number}"
        return get(url, f"/v1/search?q=red+dress+{query}", header)

    return await load(url, request, CONNECTIONS, SECONDS)


def _report(measured: dict[str, dict[str, dict[str, float]]]) -> None:
    rows = [
        (kind, name, figures["rate"], figures["p50"], figures["p99"])
        for kind, ways in measured.items()
        for name, figures in ways.items()
    ]
    targets = [
        Target(
            f"{kind}: with keys ÷ without", ways["with keys and limits"]["rate"] / ways["without keys"]["rate"], 0.95
        )
        for kind, ways in measured.items()
    ]
    publish_report("access", ("searches", "way", "requests/s", "p50 ms", "p99 ms"), rows, targets)
