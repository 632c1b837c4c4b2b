"""Spans on their way to a collector over OTLP: bounded, and in nobody's way.

OpenTelemetry's own variables (`OTEL_…`) say where the collector is. Beside `open_telemetry` the only module that
imports it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import Counter

from encoders.tracing.open_telemetry import SdkTracer

FLUSH_S = 3.0
"""How long a process that ends waits for its last spans to be taken."""
DEFAULT_MAX_WAITING = 2_048
"""Spans that wait for the collector, where `OTEL_BSP_MAX_QUEUE_SIZE` does not say; what comes beyond is dropped."""
COMPLAIN_EVERY_S = 60.0
"""How often the log says why a collector does not take spans."""
DROPPED = Counter(
    "vitrine_spans_dropped_total", "Spans that no collector has, as too many waited or it did not take them", ["reason"]
)


class BoundedProcessor(BatchSpanProcessor):
    """Hands spans to an exporter in a thread of its own; what it cannot hand on is dropped, and counted."""

    def __init__(self, exporter: SpanExporter, max_waiting: int) -> None:
        """Args: max_waiting: spans; those that are being exported do not count."""
        super().__init__(_Counted(exporter, self._taken), max_queue_size=max_waiting)
        self._max_waiting = max_waiting
        self._waiting = 0
        self._lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or not span.context.trace_flags.sampled:
            return
        with self._lock:
            is_full = self._waiting >= self._max_waiting
            self._waiting += not is_full
        if is_full:
            DROPPED.labels("full").inc()
        else:
            super().on_end(span)

    def _taken(self, count: int) -> None:
        with self._lock:
            self._waiting -= count


class _Counted(SpanExporter):
    """An exporter that says when it is given spans, and counts those that it could not tell of."""

    def __init__(self, exporter: SpanExporter, on_taken: Callable[[int], None]) -> None:
        self._exporter = exporter
        self._on_taken = on_taken

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._on_taken(len(spans))
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            if result is not SpanExportResult.SUCCESS:
                DROPPED.labels("export").inc(len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class SeldomFilter(logging.Filter):
    """Lets a line through now and then: the exporter says with each try that a collector is away."""

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until_s = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now_s = time.monotonic()
        if now_s < self._quiet_until_s:
            return False
        self._quiet_until_s = now_s + COMPLAIN_EVERY_S
        return True


@contextlib.contextmanager
def exporting_tracer(service: str) -> Generator[SdkTracer]:
    """A tracer that tells a collector; at the end, the last spans have `FLUSH_S` to be taken.

    Args:
        service: the service's name, where OpenTelemetry's variables give it none.
    """
    logging.getLogger(OTLPSpanExporter.__module__).addFilter(SeldomFilter())
    provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
    provider.add_span_processor(BoundedProcessor(OTLPSpanExporter(), _max_waiting()))
    try:
        yield SdkTracer(provider)
    finally:
        closing = threading.Thread(target=provider.shutdown, daemon=True)
        closing.start()
        closing.join(FLUSH_S)


def _resource(service: str) -> Resource:
    found = Resource.create({SERVICE_VERSION: version("vitrine")})
    is_named = not str(found.attributes[SERVICE_NAME]).startswith("unknown_service")
    return found if is_named else found.merge(Resource({SERVICE_NAME: service}))


def _max_waiting() -> int:
    stated = os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE", "")
    return int(stated) if stated.isdigit() and int(stated) else DEFAULT_MAX_WAITING
