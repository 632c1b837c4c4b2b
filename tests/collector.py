"""A collector of OpenTelemetry, as small as one can be: it takes spans over OTLP (HTTP) and keeps them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

KINDS = {
    Span.SPAN_KIND_INTERNAL: "internal",
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_PRODUCER: "producer",
    Span.SPAN_KIND_CONSUMER: "consumer",
}


@dataclass(frozen=True)
class TakenSpan:
    """A span as a process told of it; ids are hexadecimal."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    """The ids of the spans that it links to."""
    attributes: dict[str, str]


class Collector:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.spans: list[TakenSpan] = []
        self.url = ""

    def take(self, body: bytes) -> None:
        for told in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(
                attribute.value.string_value
                for attribute in told.resource.attributes
                if attribute.key == "service.name"
            )
            self.spans += [_taken(service, span) for scope in told.scope_spans for span in scope.spans]

    def of_trace(self, trace_id: str) -> dict[str, TakenSpan]:
        """The spans of a trace, by name; the last of a name."""
        return {span.name: span for span in self.spans if span.trace_id == trace_id}


def _taken(service: str, span: Span) -> TakenSpan:
    return TakenSpan(
        service,
        span.name,
        KINDS[span.kind],
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        tuple(link.span_id.hex() for link in span.links),
        {
            attribute.key: str(getattr(attribute.value, str(attribute.value.WhichOneof("value"))))
            for attribute in span.attributes
        },
    )


@contextmanager
def running_collector() -> Iterator[Collector]:
    """A collector on a free port."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """What the shared stack tells of its traces."""
    with running_collector() as collector:
        yield collector
