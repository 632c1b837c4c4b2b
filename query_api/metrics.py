"""The query worker's Prometheus metrics."""

import functools

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter("vitrine_http_requests_total", "HTTP requests answered", ["route", "method", "status"])
REQUEST_SECONDS = Histogram("vitrine_http_request_seconds", "Time to answer a request", ["route"], buckets=_SECONDS)
QUERIES = Counter("vitrine_queries_total", "Searches answered, by what the candidate cache did", ["cache"])
DEGRADED = Counter("vitrine_degraded_total", "Answers that went without a part", ["part"])
REFRESHED_PRODUCTS = Counter("vitrine_cache_mended_products_total", "Changed products scored anew in cached candidates")
ENCODER_BATCH = Histogram("vitrine_query_encoder_batch", "Queries encoded together", buckets=(1, 2, 4, 8, 16, 32, 64))
IN_FLIGHT = Gauge("vitrine_http_in_flight", "HTTP requests being answered")
requests_under_way = 0
"""What `IN_FLIGHT` tells. A number, as a gauge that is set for each request costs what the rest of counting it does."""
IN_FLIGHT.set_function(lambda: requests_under_way)
INDEX_AGE = Gauge("vitrine_index_age_seconds", "How long the oldest event that is not yet searchable has waited")
LAG = Gauge("vitrine_lag_events", "Events that the active generation's workers have not acknowledged", ["topic"])
VARIANT_ANSWERS = Counter(
    "vitrine_variant_answers_total", "Searches answered, by variant of an experiment", ["variant"]
)
IMPRESSIONS = Counter("vitrine_impressions_total", "Answers whose hits were to be remembered", ["outcome"])
TEXT_TRUST = Gauge("vitrine_text_trust", "How far similarities of texts are trusted, from 0 to 1", ["language"])
REFUSED = Counter(
    "vitrine_http_refused_total", "Requests refused for want of a key, a scope, patience or a place", ["reason"]
)
WORK_LIMIT = Gauge("vitrine_http_work_limit", "Searches that may be worked on at a time", ["lane"])
WORK_WAITING = Gauge("vitrine_http_work_waiting", "Searches that wait to be worked on", ["lane"])
CONNECTIONS_REFUSED = Counter(
    "vitrine_http_connections_refused_total",
    "Connections that were closed, by the status they got, or `evicted`, `write`, `requests`",
    ["reason"],
)


@functools.cache
def _request_series(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: as many as there are routes, methods and statuses."""
    return REQUESTS.labels(route, method, str(status)), REQUEST_SECONDS.labels(route)


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count and time an answered request."""
    requests, times = _request_series(route, method, status)
    requests.inc()
    times.observe(seconds)
