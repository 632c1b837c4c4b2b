"""The line that the log has of each query, and its count."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Sequence

from prometheus_client import Counter

from encoders.tracing.spans import annotate
from query_api import metrics
from query_api.access.callers import CALLER_ID
from query_api.contract.requests import SearchRequest

log = logging.getLogger(__name__)

_QUERY_FIELDS = ("text", "image", "audio", "video", "product_id", "parts", "user_id")


@functools.cache
def _queries(cache: str) -> Counter:
    """Looked up once."""
    return metrics.QUERIES.labels(cache)


def log_query(
    request: SearchRequest,
    query_id: str,
    took_ms: float,
    cache: str,
    hit_count: int,
    total: int,
    degraded: Sequence[str] = (),
    variant: str = "",
) -> None:
    """Count a query and log one line, which tells neither what was asked nor by whom.

    Args:
        cache, total, degraded: as the response has them.
        variant: of an experiment that it was part of; empty: none.
        hit_count: of the page.
    """
    _queries(cache).inc()
    for part in degraded:
        metrics.DEGRADED.labels(part).inc()
    if variant:
        metrics.VARIANT_ANSWERS.labels(variant).inc()
    annotate({"vitrine.cache": cache, "vitrine.mode": request.mode, "vitrine.hits": hit_count})
    key = CALLER_ID.get()
    fields = {
        "query_id": query_id,
        "took_ms": took_ms,
        "cache": cache,
        "hits": hit_count,
        "total": total,
        "degraded": list(degraded),
        "mode": request.mode,
        **({"key": key} if key else {}),
        **({"variant": variant} if variant else {}),
        "asked_with": [name for name in _QUERY_FIELDS if getattr(request, name)],
    }
    # Behind the answers that are ready now: nobody waits for it, and lines in a row take half of what single ones do.
    asyncio.get_running_loop().call_soon(functools.partial(log.info, "query_answered", extra=fields))
