"""Freshness: the workers' histograms, added up into a few numbers that people read."""

import math

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from vitrine.stack.freshness import METRIC, measure_freshness, quantile_ms, summarise_histograms


def page(**times_s: list[float]) -> str:
    """A worker's metrics, with these times since Kafka by kind of change."""
    registry = CollectorRegistry()
    histogram = Histogram(METRIC, "…", ["change", "since"], buckets=(0.1, 0.2, 0.4), registry=registry)
    for change, times in times_s.items():
        for seconds in times:
            histogram.labels(change, "kafka").observe(seconds)
    return generate_latest(registry).decode()


def test_the_workers_events_are_added_up_by_kind_of_change():
    found = summarise_histograms([page(scalar=[0.05] * 3), page(scalar=[0.15], deleted=[0.15])])
    assert found["scalar"]["events"] == 4 and found["deleted"]["events"] == 1
    assert 0 < found["scalar"]["since_kafka"]["p50_ms"] <= 100 < found["scalar"]["since_kafka"]["p99_ms"] <= 200


def test_a_quantile_is_interpolated_within_its_bucket():
    assert quantile_ms({0.1: 0, 0.2: 10, math.inf: 10}, 0.5) == 150


def test_a_quantile_beyond_the_last_bound_is_not_known():
    assert quantile_ms({0.1: 0, math.inf: 10}, 0.5) is None


def test_no_worker_no_events():
    assert summarise_histograms([""]) == {}


async def test_a_worker_that_is_away_does_not_count():
    assert await measure_freshness(["http://127.0.0.1:1"]) == {}
