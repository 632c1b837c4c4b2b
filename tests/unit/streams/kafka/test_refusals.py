from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
)

from streams.config import KafkaConfig
from streams.errors import KafkaRefused, KafkaUnavailable, PublishFailed
from streams.kafka.refusals import refusal_or, right_refused, watch_access

KAFKA = KafkaConfig("127.0.0.1:1")


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (TopicAuthorizationFailedError("catalog.product-events"), "the topic catalog.product-events:"),
        (TopicAuthorizationFailedError({"b", "a"}), "the topic a, b:"),
        (GroupAuthorizationFailedError("vitrine-indexer"), "the consumer group vitrine-indexer:"),
        (TopicAuthorizationFailedError(), "the topic:"),
    ],
)
def test_a_missing_right_is_named_also_where_another_error_was_made_of_it(error: Exception, named: str) -> None:
    outer = RuntimeError("wrapped")
    outer.__cause__ = error
    for raised in (error, outer):
        assert f"lacks a right to {named}" in str(right_refused(KAFKA, raised))


async def test_what_is_no_refusal_stays_what_it_was() -> None:
    unanswered = KafkaUnavailable("away")
    assert await refusal_or(KAFKA, KafkaConnectionError("nobody there"), unanswered) is unanswered
    refused = KafkaRefused("told already")
    assert await refusal_or(KAFKA, refused, unanswered) is refused


def test_whoever_waits_for_kafka_may_wait_through_a_refusal() -> None:
    refused = KafkaRefused("wrong password")
    assert isinstance(refused, PublishFailed) and isinstance(refused, KafkaUnavailable)
    assert (str(refused), refused.retry_after_s) == ("wrong password", 15.0)


async def test_a_worker_leaves_after_two_refusals_in_a_row_while_it_is_out_of_its_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = KafkaRefused("wrong password")
    answers = iter([refused, None, refused, refused])
    asked: list[KafkaRefused | None] = []
    member = iter([True, True, False, False, False, False])

    async def find(_: KafkaConfig) -> KafkaRefused | None:
        asked.append(next(answers))
        return asked[-1]

    with pytest.raises(KafkaRefused):
        async with asyncio.timeout(5):
            await watch_access(KAFKA, lambda: next(member), find, every_s=0)
    assert asked == [refused, None, refused, refused], "nothing is asked while heartbeats are confirmed"
