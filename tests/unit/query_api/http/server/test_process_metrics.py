"""Metrics of several processes, as Prometheus reads them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from query_api.http.server.process_metrics import merge_metrics


def page(answered: int, *, extra: bool = False) -> str:
    registry = CollectorRegistry()
    requests = Counter("requests_total", 'Answered,\nwith "quotes" and # HELP in it', ["route"], registry=registry)
    requests.labels('a{b} "c" d').inc(answered)
    Histogram("seconds", "How long", registry=registry, buckets=(1, 2)).observe(1.5)
    if extra:
        Gauge("alone", "Of one process", registry=registry).set(3)
    return generate_latest(registry).decode()


def test_each_process_has_its_own_series_and_a_metric_stands_together() -> None:
    merged = merge_metrics({0: page(2), 1: page(5, extra=True)})
    families = list(text_string_to_metric_families(merged))
    names = [family.name for family in families]
    assert len(names) == len(set(names)) and "alone" in names
    assert merged.count("# TYPE requests_total counter") == 1
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples
    }
    for number, count in ((0, 2.0), (1, 5.0)):
        assert samples["requests_total", ("process", str(number)), ("route", 'a{b} "c" d')] == count
        assert samples["seconds_bucket", ("le", "2.0"), ("process", str(number))] == 1.0
        assert samples["seconds_sum", ("process", str(number))] == 1.5
