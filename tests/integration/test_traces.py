"""One trace from `vitrine publish` to the record of the change, and one of a query, as a collector sees them."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import replace
from pathlib import Path

import httpx
from aiokafka import AIOKafkaConsumer

from encoders.tracing.trace_context import TraceContext, context_of_headers
from streams.events.schema import INDEX_CHANGES, PRODUCT_EVENTS
from tests.collector import Collector, TakenSpan
from tests.stack import Stack

SEND, PROCESS = f"send {PRODUCT_EVENTS}", f"process {PRODUCT_EVENTS}"


async def changes_of(stack: Stack, products: set[bytes]) -> dict[bytes, TraceContext]:
    """The traces that the records of products' changes say."""
    consumer = AIOKafkaConsumer(
        INDEX_CHANGES,
        bootstrap_servers=stack.status()["kafka"]["bootstrap_servers"],
        auto_offset_reset="earliest",
    )
    found: dict[bytes, TraceContext] = {}
    async with asyncio.timeout(60):
        await consumer.start()
        async for record in consumer:
            context = context_of_headers(dict(record.headers)) if record.key in products else None
            if context is not None:
                found[record.key] = context
            if len(found) == len(products):
                break
        await consumer.stop()
    return found


def published(stack: Stack, directory: Path, products: list[str]) -> None:
    """Publish products, each in a trace of its own."""
    file = directory / "products.csv"
    file.write_text("product_id,title\n" + "".join(f"{product},Traced teapot {product}\n" for product in products))
    replace(stack, env=stack.env | {"OTEL_TRACES_SAMPLER": "always_on"}).cli("publish", "products", file)


def test_a_trace_leads_from_the_publisher_to_the_record_of_the_change(
    stack: Stack, collector: Collector, tmp_path: Path
) -> None:
    products = [f"traced-{number}" for number in range(3)]
    published(stack, tmp_path, products)
    changes = asyncio.run(changes_of(stack, {product.encode() for product in products}))
    assert len({context.trace_id for context in changes.values()}) == 3
    for context in changes.values():
        stack.wait("the trace", lambda context=context: {SEND, PROCESS} <= collector.of_trace(context.trace_id).keys())
        spans = collector.of_trace(context.trace_id)
        assert (spans[SEND].service, spans[SEND].kind, spans[SEND].parent_id) == ("vitrine-publish", "producer", "")
        process = spans[PROCESS]
        assert (process.service, process.kind, process.parent_id) == (
            "vitrine-indexing",
            "consumer",
            spans[SEND].span_id,
        )
        assert process.span_id == context.span_id
        batch = process.links[0] if process.links else process.span_id
        stack.wait("its stages", lambda batch=batch: {"read", "encode", "write", "announce"} <= parts(collector, batch))
    told = repr([span for span in collector.spans if span.service != "vitrine-query"])
    assert "traced-" not in told and "teapot" not in told


def parts(collector: Collector, span_id: str) -> set[str]:
    return {span.name for span in collector.spans if span.parent_id == span_id}


def traced_search(http: httpx.Client, words: str) -> TraceContext:
    caller = TraceContext(secrets.token_hex(16), secrets.token_hex(8), is_sampled=True)
    answer = http.get("/v1/search", params={"q": words}, headers=caller.headers)
    assert answer.status_code == 200
    return caller


def test_a_query_is_a_part_of_its_callers_trace_and_its_log_says_of_which(
    stack: Stack, http: httpx.Client, collector: Collector
) -> None:
    searched, finished = (traced_search(http, "quizzical kettles") for _ in range(2))
    for caller, stages in ((searched, {"plan", "retrieve", "rank", "answer"}), (finished, {"catch up"})):
        wanted = stages | {"GET /v1/search"}
        stack.wait("the trace", lambda c=caller, w=wanted: w <= collector.of_trace(c.trace_id).keys())
        request = collector.of_trace(caller.trace_id)["GET /v1/search"]
        assert (request.service, request.kind, request.parent_id) == ("vitrine-query", "server", caller.span_id)
        assert request.attributes["http.response.status_code"] == "200"
    assert cache_of(collector, finished) == "hit"
    lines = [json.loads(line) for path in (stack.data_dir / "logs").iterdir() for line in logged(path)]
    line = next(line for line in lines if line.get("trace_id") == searched.trace_id)
    assert line["event"] == "query_answered" and len(line["span_id"]) == 16
    assert "quizzical" not in repr(lines) + repr(collector.spans)


def logged(path: Path) -> list[str]:
    return [line for line in path.read_text(errors="replace").splitlines() if line.startswith("{")]


def cache_of(collector: Collector, caller: TraceContext) -> str:
    """What the cache did for a request."""
    spans: list[TakenSpan] = [span for span in collector.spans if span.trace_id == caller.trace_id]
    return next(span.attributes["vitrine.cache"] for span in spans if "vitrine.cache" in span.attributes)
