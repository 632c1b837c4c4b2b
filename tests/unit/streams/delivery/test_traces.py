"""Events in traces: from their producers' spans by those of their batches to what is published of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from encoders.tracing.in_memory import InMemorySpan, InMemoryTracer
from encoders.tracing.spans import current_span, entered, stage
from encoders.tracing.trace_context import TraceContext, context_of_headers
from streams.delivery.messages import Message
from streams.delivery.traces import begin_send, context_of, trace_headers, trace_rejection, with_traces
from streams.events.schema import PRODUCT_EVENTS

NAME = f"process {PRODUCT_EVENTS}"


def context(number: int, is_sampled: bool = True) -> TraceContext:
    return TraceContext(f"{number:032x}", f"{number:016x}", is_sampled)


def message(offset: int, said: TraceContext | None, value: bytes = b"{}") -> Message:
    headers = said.headers if said else {}
    return Message(PRODUCT_EVENTS, 3, offset, 1, b"p", value, headers, ack=lambda: None)


class Worker:
    """Notes what a record about each of a batch's messages would carry."""

    def __init__(self, tracer: InMemoryTracer | None, rejects: Sequence[int] = (), fails: bool = False) -> None:
        self.carried: list[TraceContext | None] = []
        self._rejects, self._fails = rejects, fails
        self.process = with_traces(self._process, tracer, PRODUCT_EVENTS, "group")

    async def _process(self, batch: list[Message], _: object) -> None:
        with stage("encode"):
            self.carried = [context_of_headers(trace_headers(message)) for message in batch]
        for message in batch:
            if message.offset in self._rejects:
                trace_rejection(message, "invalid")
        if self._fails:
            raise ConnectionError("a word")


def spans(tracer: InMemoryTracer) -> tuple[InMemorySpan, list[InMemorySpan]]:
    """That of the batch, and those of its events."""
    of_batch = [span for span in tracer.named(NAME) if "messaging.batch.message_count" in span.attributes]
    return of_batch[0], [span for span in tracer.named(NAME) if span not in of_batch]


async def test_a_batch_links_to_the_events_that_are_recorded_and_each_of_them_to_the_batch():
    tracer = InMemoryTracer(is_sampled=False)
    worker = Worker(tracer)
    events = [
        message(0, context(1)),
        message(1, context(2, is_sampled=False)),
        message(2, None),
        message(3, context(4)),
    ]
    await worker.process(events, lambda: None)
    batch, own = spans(tracer)
    assert batch.links == (context(1), context(4)) and batch.parent is None and batch.kind == "consumer"
    assert [(span.parent, span.links) for span in own] == [(context(one), (batch.context,)) for one in (1, 4)]
    assert worker.carried == [own[0].context, context(2, is_sampled=False), batch.context, own[1].context]
    assert [span.parent for span in tracer.named("encode")] == [batch.context]
    assert batch.attributes == {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": PRODUCT_EVENTS,
        "messaging.consumer.group.name": "group",
        "messaging.batch.message_count": 4,
    }
    assert own[1].attributes["messaging.kafka.offset"] == 3
    assert own[1].attributes["messaging.destination.partition.id"] == "3"
    assert current_span() is None


async def test_a_batch_of_one_event_is_a_part_of_its_trace():
    tracer = InMemoryTracer(is_sampled=False)
    worker = Worker(tracer)
    await worker.process([message(7, context(1))], lambda: None)
    encode, batch = tracer.ended
    assert batch.parent == context(1) and batch.links == () and worker.carried == [batch.context]
    assert encode.parent == batch.context and batch.attributes["messaging.kafka.offset"] == 7


async def test_what_is_rejected_and_what_breaks_is_told_by_its_kind():
    tracer = InMemoryTracer()
    await Worker(tracer, rejects=[1]).process(
        [message(number, context(number + 1)) for number in range(3)], lambda: None
    )
    batch, own = spans(tracer)
    assert batch.error == "" and [span.error for span in own] == ["", "invalid", ""]
    for size in (1, 2):
        tracer.ended.clear()
        with pytest.raises(ConnectionError):
            await Worker(tracer, fails=True).process(
                [message(number, context(9)) for number in range(size)], lambda: None
            )
        assert {span.error for span in tracer.named(NAME)} == {"ConnectionError"}


async def test_without_a_tracer_a_batch_is_just_processed():
    worker = Worker(None)
    await worker.process([message(0, context(1))], lambda: None)
    assert worker.carried == [None]


@pytest.mark.parametrize("prefix", ["", "ce_", "ce-"])
def test_an_event_says_its_trace_in_headers_or_as_an_attribute_of_cloud_events(prefix):
    said = replace(context(5), state="a=1")
    headers = {prefix + name: value for name, value in said.headers.items()}
    assert context_of(replace(message(0, None), headers=headers)) == said
    attributes = {name: value.decode() for name, value in said.headers.items()}
    envelope = json.dumps({"specversion": "1.0", "data": {"traceparent": "x"}, **attributes}).encode()
    assert context_of(message(0, None, envelope)) == said
    assert context_of(message(0, context(6), envelope)) == context(6)


@pytest.mark.parametrize(
    "value",
    [
        b'{"traceparent": 5}',
        b'{"traceparent": null}',
        b'["traceparent"]',
        b'{"traceparent": "00-\xff"}',
        b"traceparent",
    ],
)
def test_an_attribute_that_is_none_counts_as_nothing(value):
    assert context_of(message(0, None, value)) is None


def test_what_is_sent_begins_a_trace_or_goes_on_with_the_current_one():
    tracer = InMemoryTracer()
    span = begin_send(tracer, PRODUCT_EVENTS)
    span.end()
    assert tracer.ended[0].parent is None and tracer.ended[0].kind == "producer"
    assert tracer.ended[0].name == f"send {PRODUCT_EVENTS}"
    with entered(tracer.begin("POST /v1/events", "server", {})) as request:
        assert begin_send(tracer, PRODUCT_EVENTS).context.trace_id == request.context.trace_id
