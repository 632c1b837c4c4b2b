"""A product's event in traces: from its producer's span, by that of its batch, to what is published of it.

A batch is one span, with a link to each event that is recorded; each of these has a span of its own in its producer's
trace, with a link to the batch. A batch of one event is that event's span. What is published again, on a delay line, as
a dead letter or as its replay, keeps its producer's headers, so each try is a span of the same trace.

Source: OpenTelemetry, "Semantic conventions for messaging spans"; CloudEvents, "Distributed Tracing extension".
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import msgspec

from encoders.tracing.spans import Span, Tracer, current_span, entered
from encoders.tracing.trace_context import TRACEPARENT, TraceContext, context_of_headers, read_context
from streams.delivery.batching import ProcessBatch, ReleaseNextBatch
from streams.delivery.messages import Message


@dataclass(frozen=True, slots=True)
class _TracedBatch:
    """A batch under way."""

    span: Span
    events: Mapping[Message, Span]
    """Of those that are recorded in their producer's traces; the batch's own span where it is of one event."""
    rejected: dict[Message, str] = field(default_factory=dict[Message, str])
    """The reasons."""

    def end(self, error: str) -> None:
        for message, span in self.events.items():
            span.end(self.rejected.get(message, error))
        if self.span not in self.events.values():
            self.span.end(error)


_batch: ContextVar[_TracedBatch | None] = ContextVar("traced batch", default=None)


def with_traces(process: ProcessBatch, tracer: Tracer | None, topic: str, group: str) -> ProcessBatch:
    """Process batches, each as a span. Args: tracer: None: just process them; group: of consumers."""
    if tracer is None:
        return process

    async def process_traced(batch: list[Message], release_next_batch: ReleaseNextBatch) -> None:
        with _under_way(_begin(tracer, batch, topic, group)):
            await process(batch, release_next_batch)

    return process_traced


def trace_headers(message: Message) -> dict[str, bytes]:
    """Headers by which a record that tells of a message of this batch goes on with its trace; none without a tracer."""
    batch = _batch.get()
    if batch is None:
        return {}
    span = batch.events.get(message)
    context = span.context if span else context_of(message) or batch.span.context
    return context.headers


def trace_rejection(message: Message, reason: str) -> None:
    """Note in a message's span that it, or some of its media, can never be processed."""
    if batch := _batch.get():
        batch.rejected[message] = reason


def begin_send(tracer: Tracer, topic: str) -> Span:
    """The span of sending an event, within the current one."""
    within = current_span()
    return tracer.begin(f"send {topic}", "producer", _facts("send", topic), within.context if within else None)


def context_of(message: Message) -> TraceContext | None:
    """What a message says of its trace: in its headers, or else as a CloudEvents attribute."""
    headers = message.headers
    found = (context_of_headers(headers, prefix) for prefix in ("", "ce_", "ce-"))
    return next(filter(None, found), None) or _context_in(message.value)


class _Attributes(msgspec.Struct):
    """Of an envelope in structured mode."""

    traceparent: object = None
    tracestate: object = None


_attributes = msgspec.json.Decoder(_Attributes)


def _context_in(value: bytes | None) -> TraceContext | None:
    if value is None or TRACEPARENT.encode() not in value:
        return None
    try:
        said = _attributes.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return read_context(_ascii(said.traceparent), _ascii(said.tracestate))


def _ascii(text: object) -> bytes:
    return text.encode() if isinstance(text, str) and text.isascii() else b""


def _begin(tracer: Tracer, batch: Sequence[Message], topic: str, group: str) -> _TracedBatch:
    facts = {**_facts("process", topic), "messaging.consumer.group.name": group}
    contexts = {message: context for message in batch if (context := context_of(message))}
    if len(batch) == 1:
        span = tracer.begin(f"process {topic}", "consumer", facts | _place(batch[0]), contexts.get(batch[0]))
        return _TracedBatch(span, {batch[0]: span})
    recorded = {message: context for message, context in contexts.items() if context.is_sampled}
    links = list(dict.fromkeys(recorded.values()))
    size = {"messaging.batch.message_count": len(batch)}
    span = tracer.begin(f"process {topic}", "consumer", facts | size, links=links)
    events = {
        message: tracer.begin(f"process {topic}", "consumer", facts | _place(message), context, [span.context])
        for message, context in recorded.items()
    }
    return _TracedBatch(span, events)


@contextmanager
def _under_way(batch: _TracedBatch) -> Generator[None]:
    token, error = _batch.set(batch), ""
    try:
        with entered(batch.span):
            yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        _batch.reset(token)
        batch.end(error)


def _facts(operation: str, topic: str) -> dict[str, str]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": operation,
        "messaging.operation.name": operation,
        "messaging.destination.name": topic,
    }


def _place(message: Message) -> dict[str, str | int]:
    return {
        "messaging.destination.partition.id": str(message.partition),
        "messaging.kafka.offset": message.offset,
    }
