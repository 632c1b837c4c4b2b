"""Stages belong to the span that their task is in; outside of one they are nothing."""

from __future__ import annotations

import asyncio

import pytest

from encoders.tracing.in_memory import InMemoryTracer
from encoders.tracing.spans import annotate, current_span, stage, traced, within


@traced("sum")
async def add(one: int, other: int) -> int:
    await asyncio.sleep(0)
    annotate({"sum": one + other})
    return one + other


async def test_without_a_span_a_stage_is_nothing():
    with stage("alone") as nothing:
        assert nothing is None and current_span() is None
    assert await add(1, 2) == 3


async def test_tasks_that_run_together_are_parts_of_the_span_that_they_were_started_in():
    tracer = InMemoryTracer()
    with within(tracer.begin("request", "server", {})) as request:
        with stage("outer", "client", {"of": "outer"}):
            assert await asyncio.gather(add(1, 2), add(3, 4)) == [3, 7]
        assert current_span() is request
    outer, sums = tracer.named("outer")[0], tracer.named("sum")
    assert [span.parent for span in sums] == [outer.context] * 2 and outer.parent == request.context
    assert [span.attributes for span in sums] == [{"sum": 3}, {"sum": 7}] and outer.kind == "client"
    assert current_span() is None


async def test_an_error_is_told_by_its_kind_and_no_word_of_it():
    tracer = InMemoryTracer()

    @traced("fails")
    async def fails() -> None:
        raise ValueError("what shopper 7 typed")

    with pytest.raises(ValueError), within(tracer.begin("request", "server", {})):
        await fails()
    assert [(span.name, span.error) for span in tracer.ended] == [("fails", "ValueError"), ("request", "ValueError")]


async def test_what_nobody_sees_has_no_parts():
    tracer = InMemoryTracer(is_sampled=False)
    with within(tracer.begin("request", "server", {})) as request:
        assert await add(1, 2) == 3 and current_span() is request
    assert tracer.ended == []
