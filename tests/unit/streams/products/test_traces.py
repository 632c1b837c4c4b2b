"""The traces of products: through the pipeline's stages into `index-changes`, and through every detour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from encoders.tracing.in_memory import InMemoryTracer
from encoders.tracing.trace_context import TraceContext, context_of_headers
from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.traces import with_traces
from streams.events.schema import DEAD_LETTER, INDEX_CHANGES, PRODUCT_EVENTS
from tests.unit.streams.pipeline import Bench, picture


def context(number: int) -> TraceContext:
    return TraceContext(f"{number:032x}", f"{number:016x}", True)


class TracedBench:
    """A pipeline whose batches are traced; pictures are out of reach."""

    def __init__(self) -> None:
        self.bench, self.tracer = Bench(), InMemoryTracer(is_sampled=False)
        self.process = with_traces(self.bench.pipeline.process, self.tracer, PRODUCT_EVENTS, "group")

        async def gone(digest: str) -> bytes | None:
            return None

        self.bench.incoming.get = gone

    def message(self, number: int, data: dict[str, Any], **envelope: Any) -> Message:
        return replace(self.bench.kafka.message(data, **envelope), headers=context(number).headers)

    async def index(self, *messages: Message) -> None:
        for message in messages:
            self.bench.acknowledger.receive(message)
        await self.process([*messages], lambda: None)

    def published(self, topic: str) -> list[OutgoingMessage]:
        return [message for message in self.bench.kafka.published if message.topic.startswith(topic)]


def trace_of(message: OutgoingMessage) -> TraceContext:
    found = context_of_headers(message.headers)
    assert found is not None
    return found


async def test_a_record_of_a_change_goes_on_with_the_trace_of_the_latest_event_of_its_product():
    traced = TracedBench()
    mug, mugs = {"product_id": "a", "title": "Mug"}, {"product_id": "a", "title": "Mugs"}
    await traced.index(
        traced.message(1, mug), traced.message(2, {"product_id": "b", "title": "Hat"}), traced.message(3, mugs)
    )
    changes = {message.key: trace_of(message) for message in traced.published(INDEX_CHANGES)}
    own = {span.parent: span.context for span in traced.tracer.named(f"process {PRODUCT_EVENTS}") if span.parent}
    assert changes == {b"a": own[context(3)], b"b": own[context(2)]}
    assert changes[b"a"].trace_id == context(3).trace_id
    stages = {span.name: span for span in traced.tracer.ended}
    batch = stages["write"].parent
    assert [stages[name].parent for name in ("read", "load", "encode", "write", "announce")] == [batch] * 5
    assert batch is not None and [span.parent for span in traced.tracer.ended if span.context == batch] == [None]
    assert stages["write"].kind == "client" and stages["write"].attributes == {"db.system.name": "milvus"}


async def test_retries_and_dead_letters_keep_their_producers_headers_and_go_on_with_its_trace():
    traced = TracedBench()
    kettle = {"product_id": "p", "title": "Kettle", "images": [{"data": picture()}], "version": 1}
    broken = replace(traced.bench.kafka.raw(b"{"), headers=context(2).headers)
    await traced.index(traced.message(1, kettle), broken)
    retry, letter = traced.published("vitrine.retry.")[0], traced.published(DEAD_LETTER)[0]
    assert trace_of(retry) == context(1) and trace_of(letter) == context(2)
    errors = {span.parent: span.error for span in traced.tracer.named(f"process {PRODUCT_EVENTS}") if span.parent}
    assert errors == {context(1): "", context(2): "undecodable"}
    traced.tracer.ended.clear()
    await traced.index(replace(traced.bench.kafka.raw(retry.value), headers=retry.headers))
    assert traced.tracer.named(f"process {PRODUCT_EVENTS}")[0].parent == context(1)


async def test_no_span_tells_what_products_are_or_where_their_pictures_are():
    traced = TracedBench()
    url = "https://shop.example/kettle.png?key=secret"
    data = {"product_id": "p-17", "title": "Kettle", "images": [{"url": url}]}
    await traced.index(traced.message(1, data), traced.message(2, {"product_id": "q-18", "title": "Mug"}))
    told = repr([(span.name, span.attributes, span.error) for span in traced.tracer.ended])
    assert not [word for word in ("p-17", "q-18", "Kettle", "shop.example", "secret") if word in told]
