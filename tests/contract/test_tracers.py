"""What every tracer does: the double, and OpenTelemetry's SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from encoders.tracing.in_memory import InMemoryTracer
from encoders.tracing.open_telemetry import SdkTracer
from encoders.tracing.spans import Tracer
from encoders.tracing.trace_context import TraceContext

Ended = Callable[[], list[dict[str, Any]]]
PARENT = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True, "vendor=1")
UNSAMPLED = TraceContext("5bf92f3577b34da6a3ce929d0e0e4736", "10f067aa0ba902b7", False)


@pytest.fixture(params=["double", "sdk"])
def tracer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Tracer, Ended]:
    """A tracer that records what others record alone, and what it has told of."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    if request.param == "double":
        double = InMemoryTracer(is_sampled=False)
        return double, lambda: [
            {
                "name": span.name,
                "kind": span.kind,
                "trace": span.context.trace_id,
                "parent": span.parent.span_id if span.parent else None,
                "links": [link.span_id for link in span.links],
                "attributes": {**span.attributes, **({"error.type": span.error} if span.error else {})},
                "failed": bool(span.error),
            }
            for span in double.ended
        ]
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return SdkTracer(provider), lambda: [
        {
            "name": span.name,
            "kind": span.kind.name.lower(),
            "trace": f"{span.context.trace_id:032x}",
            "parent": f"{span.parent.span_id:016x}" if span.parent else None,
            "links": [f"{link.context.span_id:016x}" for link in span.links],
            "attributes": dict(span.attributes or {}),
            "failed": span.status.status_code is StatusCode.ERROR,
        }
        for span in exporter.get_finished_spans()
    ]


def test_a_span_goes_on_with_its_parents_trace_and_has_parts(tracer):
    begins, ended = tracer
    request = begins.begin("GET", "server", {"method": "GET"}, PARENT)
    part = request.child("retrieve", "client", {"db": "milvus"})
    part.end("TimeoutError")
    request.rename("GET /v1/search")
    request.set({"status": 503})
    context = request.context
    request.end()
    assert context.is_sampled and context.state == "vendor=1" and context.trace_id == PARENT.trace_id
    assert ended() == [
        {
            "name": "retrieve",
            "kind": "client",
            "trace": PARENT.trace_id,
            "parent": context.span_id,
            "links": [],
            "attributes": {"db": "milvus", "error.type": "TimeoutError"},
            "failed": True,
        },
        {
            "name": "GET /v1/search",
            "kind": "server",
            "trace": PARENT.trace_id,
            "parent": PARENT.span_id,
            "links": [],
            "attributes": {"method": "GET", "status": 503},
            "failed": False,
        },
    ]


def test_what_is_linked_to_something_recorded_is_recorded_in_a_trace_of_its_own(tracer):
    begins, ended = tracer
    batch = begins.begin("process", "consumer", {}, links=[UNSAMPLED, PARENT])
    assert batch.is_recorded and batch.context.trace_id not in (PARENT.trace_id, UNSAMPLED.trace_id)
    batch.end()
    assert [span["links"] for span in ended()] == [[UNSAMPLED.span_id, PARENT.span_id]]


@pytest.mark.parametrize("parent", [None, UNSAMPLED])
def test_what_is_not_recorded_still_says_which_trace_it_is_of(tracer, parent):
    begins, ended = tracer
    span = begins.begin("GET", "server", {}, parent, [UNSAMPLED])
    span.set({"status": 200})
    span.end()
    assert not span.is_recorded and not span.context.is_sampled and ended() == []
    assert int(span.context.trace_id, 16) and (parent is None or span.context.trace_id == parent.trace_id)
