"""How fresh the index has been: the workers' own histograms, added up."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

METRIC = "vitrine_event_to_searchable_seconds"
TIMEOUT_S = 2.0

Buckets = dict[float, float]
"""Events by the upper bound of their time, seconds; cumulative."""


async def measure_freshness(urls: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Times from event to searchable since the workers started, by kind of change; workers that are away do not count.

    Args:
        urls: of the indexing workers' own servers.
    """
    async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S) as client:
        pages = await asyncio.gather(*(_page(client, url) for url in urls))
    return summarise_histograms(pages)


def summarise_histograms(pages: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Events, median and 99th percentile in ms by kind of change, of metrics in Prometheus' text format."""
    histograms: dict[tuple[str, str], Buckets] = {}
    for page in pages:
        for labels, count in _samples(page):
            buckets = histograms.setdefault((labels["change"], labels["since"]), {})
            bound = float(labels["le"])
            buckets[bound] = buckets.get(bound, 0.0) + count
    summaries: dict[str, dict[str, Any]] = {}
    for (change, since), buckets in sorted(histograms.items()):
        entry = summaries.setdefault(change, {"events": int(buckets[math.inf])})
        entry[f"since_{since}"] = {"p50_ms": quantile_ms(buckets, 0.5), "p99_ms": quantile_ms(buckets, 0.99)}
    return summaries


def quantile_ms(buckets: Buckets, share: float) -> int | None:
    """A quantile, interpolated within its bucket as Prometheus does; None when it is beyond the last bound."""
    wanted = share * buckets[math.inf]
    below_bound, below = 0.0, 0.0
    for bound, count in sorted(buckets.items()):
        if count >= wanted and count > below:
            if math.isinf(bound):
                return None
            return round(1000 * (below_bound + (bound - below_bound) * (wanted - below) / (count - below)))
        below_bound, below = bound, count
    return None


def _samples(page: str) -> Iterable[tuple[Mapping[str, str], float]]:
    for family in text_string_to_metric_families(page):
        if family.name == METRIC:
            yield from ((sample.labels, sample.value) for sample in family.samples if sample.name == f"{METRIC}_bucket")


async def _page(client: httpx.AsyncClient, url: str) -> str:
    try:
        response = await client.get(f"{url}/metrics")
        return response.raise_for_status().text
    except httpx.HTTPError:
        return ""
