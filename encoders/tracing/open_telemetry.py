"""Spans by OpenTelemetry's SDK. Its own variables (`OTEL_…`) say which are recorded, and within which bounds."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace import Span as OpenTelemetrySpan
from opentelemetry.trace import Tracer as OpenTelemetryTracer
from opentelemetry.util.types import Attributes as OpenTelemetryAttributes

from encoders.tracing.spans import NO_ATTRIBUTES, Attributes, Kind, Span
from encoders.tracing.trace_context import TraceContext

_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_NO_PARENT = Context()


class SdkTracer:
    """`Tracer` over a provider of the SDK."""

    def __init__(self, provider: TracerProvider) -> None:
        """Args: provider: from now on, its sampler also looks at what a span links to."""
        self._sampler = provider.sampler = _LinkSampler(provider.sampler)
        self._ids = provider.id_generator = _DecidedIds()
        self._tracer = provider.get_tracer("vitrine", version("vitrine"))

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes,
        parent: TraceContext | None = None,
        links: Sequence[TraceContext] = (),
    ) -> Span:
        if parent is None and not links:
            trace_id = self._ids.generate_trace_id()
            if not self._sampler.should_sample(None, trace_id, name, _KINDS[kind], attributes).decision.is_recording():
                return _UnrecordedSpan(trace_id, self._ids.generate_span_id())
            self._ids.decide(trace_id)
        context = _as_parent(_sdk_context(parent)) if parent else _NO_PARENT
        others = [Link(_sdk_context(link)) for link in links] if links else None
        return _SdkSpan(self._tracer, self._tracer.start_span(name, context, _KINDS[kind], attributes, others))


class _SdkSpan:
    """`Span` over one of the SDK's."""

    __slots__ = ("_span", "_tracer", "is_recorded")

    def __init__(self, tracer: OpenTelemetryTracer, span: OpenTelemetrySpan) -> None:
        self._tracer = tracer
        self._span = span
        self.is_recorded = span.is_recording()

    @property
    def context(self) -> TraceContext:
        own = self._span.get_span_context()
        state = own.trace_state.to_header() if own.trace_state else ""
        return TraceContext(f"{own.trace_id:032x}", f"{own.span_id:016x}", own.trace_flags.sampled, state)

    def child(self, name: str, kind: Kind = "internal", attributes: Attributes = NO_ATTRIBUTES) -> Span:
        parent = set_span_in_context(self._span, _NO_PARENT)
        return _SdkSpan(self._tracer, self._tracer.start_span(name, parent, _KINDS[kind], attributes))

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def set(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def end(self, error: str = "") -> None:
        if error:
            self._span.set_attribute("error.type", error)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class _UnrecordedSpan:
    """`Span` that nobody will see: most are, and the SDK's own takes three times as long to make."""

    __slots__ = ("_span_id", "_trace_id")
    is_recorded = False

    def __init__(self, trace_id: int, span_id: int) -> None:
        self._trace_id = trace_id
        self._span_id = span_id

    @property
    def context(self) -> TraceContext:
        return TraceContext(f"{self._trace_id:032x}", f"{self._span_id:016x}", False)

    def child(self, name: str, kind: Kind = "internal", attributes: Attributes = NO_ATTRIBUTES) -> Span:
        return self

    def rename(self, name: str) -> None:
        """Nobody sees it."""

    def set(self, attributes: Attributes) -> None:
        """Nobody sees them."""

    def end(self, error: str = "") -> None:
        """Nobody sees it."""


class _DecidedIds(RandomIdGenerator):
    """Ids at random; the next trace that a thread begins is called as it was when it was decided to record it."""

    def __init__(self) -> None:
        self._next = threading.local()

    def decide(self, trace_id: int) -> None:
        """Begin the next trace with this id."""
        self._next.trace_id = trace_id

    def generate_trace_id(self) -> int:
        decided: int = self._next.__dict__.pop("trace_id", 0)
        return decided or super().generate_trace_id()


class _LinkSampler(Sampler):
    """Decides as the configured sampler does; of a trace that begins with links, as of the first recorded of these.

    A batch is recorded where one of its events is: else what became of that event would not be seen.
    """

    def __init__(self, configured: Sampler) -> None:
        self._configured = configured

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: OpenTelemetryAttributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if links and not parent_context:
            recorded = next((link.context for link in links if link.context.trace_flags.sampled), None)
            if recorded is not None:
                parent_context, trace_id = _as_parent(recorded), recorded.trace_id
        return self._configured.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"Links({self._configured.get_description()})"


def _sdk_context(context: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.is_sampled else TraceFlags.DEFAULT)
    state = TraceState.from_header([context.state]) if context.state else None
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), True, flags, state)


def _as_parent(context: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(context), _NO_PARENT)
