"""The topics, created where they are missing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from streams.config import KafkaConfig
from streams.delivery.decoding import Horizon
from streams.errors import KafkaRefused, PublishFailed
from streams.events.schema import (
    DEAD_LETTER,
    DEAD_LETTER_REPLAYS,
    INDEX_CHANGES,
    MAX_MESSAGE_BYTES,
    PRODUCT_EVENTS,
    USER_EVENTS,
)
from streams.failures.delay_lines import DELAY_LINES, DelayLine
from streams.kafka.connection import client_options
from streams.kafka.refusals import CLIENT_ERRORS, refusal_or

MAX_EVENT_BYTES = MAX_MESSAGE_BYTES + 2**16
"""An event of the largest size with its envelope and headers."""
MAX_REQUEST_BYTES = MAX_MESSAGE_BYTES + 2**20
"""Such an event as a dead letter or a retry, which have more headers: each event that Kafka took fits in one."""

RETAIN_FOREVER = -1


async def ensure_topics(config: KafkaConfig, delay_lines: Sequence[DelayLine] = DELAY_LINES) -> list[str]:
    """Create the topics that do not exist yet; others are left as they are.

    Events are never compacted: an update names only the fields that changed, so each event of a product counts. They
    are kept for as long as they can be ordered against tombstones, on the delay lines too. Dead letters are kept until
    somebody removes them. Where all of them exist, no right to create any is needed.

    Returns:
        Those that were missing.

    Raises:
        PublishFailed: Kafka does not answer in time.
        KafkaRefused: it turns this client away, or does not let it create what is missing.
    """
    topics = [
        NewTopic(name, partitions, config.replication_factor, topic_configs=settings)
        for name, partitions, settings in _topics(config.partitions, delay_lines)
    ]
    admin = AIOKafkaAdminClient(**client_options(config), request_timeout_ms=10_000)
    try:
        async with asyncio.timeout(30):
            await admin.start()
            existing = set(await admin.list_topics())
            missing = [topic for topic in topics if topic.name not in existing]
            await _create(admin, missing)
    except TopicAuthorizationFailedError as error:
        raise KafkaRefused(
            f"Kafka at {config.bootstrap_servers} shows no topic {error.args[0]}, and does not let this client create "
            "it: let an operator run `vitrine kafka topics`, or grant the right to see it"
        ) from error
    except CLIENT_ERRORS as error:
        servers = config.bootstrap_servers
        uncreated = PublishFailed(f"Kafka at {servers} did not create the topics: {error!r}")
        raise await refusal_or(config, error, uncreated) from error
    finally:
        await admin.close()
    return [topic.name for topic in missing]


def wanted_topics(config: KafkaConfig, delay_lines: Sequence[DelayLine] = DELAY_LINES) -> dict[str, dict[str, str]]:
    """The settings that each topic is made with, by its name."""
    return {name: settings for name, _, settings in _topics(config.partitions, delay_lines)}


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[NewTopic]) -> None:
    if not topics:
        return
    answer = await admin.create_topics(topics)
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(name)


def _topics(partitions: int, delay_lines: Sequence[DelayLine]) -> list[tuple[str, int, dict[str, str]]]:
    """The name, the number of partitions and the settings of each topic."""
    kept = _settings(int(Horizon().past_s * 1000))
    limit = {"max.message.bytes": str(MAX_EVENT_BYTES)}
    events = [(name, partitions, kept | limit) for name in (PRODUCT_EVENTS, USER_EVENTS, INDEX_CHANGES)]
    # By the broker's clock, so that a delay does not depend on how well a worker's is set.
    lines = [(line.topic, partitions, kept | {"message.timestamp.type": "LogAppendTime"}) for line in delay_lines]
    letters = (DEAD_LETTER, partitions, _settings(RETAIN_FOREVER))
    replays = (DEAD_LETTER_REPLAYS, 1, _settings(RETAIN_FOREVER) | {"cleanup.policy": "compact"})
    return [*events, *lines, letters, replays]


def _settings(retention_ms: int) -> dict[str, str]:
    return {
        "max.message.bytes": str(MAX_REQUEST_BYTES),
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
    }
