"""Lines of the log say which span they are of."""

from __future__ import annotations

import json
import logging

from encoders.tracing.in_memory import InMemoryTracer
from encoders.tracing.spans import entered, within
from vitrine.logs import _JsonFormatter  # pyright: ignore[reportPrivateUsage]


def line() -> dict[str, object]:
    info = {"name": "streams", "levelno": logging.INFO, "levelname": "INFO"}
    record = logging.makeLogRecord(info | {"msg": "batch_indexed", "events": 3})
    return json.loads(_JsonFormatter().format(record))


def test_a_line_has_the_ids_of_the_span_that_it_is_of_recorded_or_not():
    for is_sampled in (True, False):
        span = InMemoryTracer(is_sampled).begin("process", "consumer", {})
        with within(span), entered(span.child("write")) as stage:
            said = line()
        assert said["trace_id"] == span.context.trace_id and said["span_id"] == stage.context.span_id
        assert said["events"] == 3


def test_outside_of_a_span_it_has_none():
    assert not {"trace_id", "span_id"} & line().keys()
