"""The topics, created where they are missing."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from streams.config import KafkaConfig
from streams.decoding import Horizon
from streams.errors import PublishFailed
from streams.events import DEAD_LETTER, INDEX_CHANGES, MAX_MESSAGE_BYTES, PRODUCT_EVENTS, USER_EVENTS

MAX_REQUEST_BYTES = MAX_MESSAGE_BYTES + 2**20
"""The largest message with room for its headers: dead letters add some."""


async def ensure_topics(config: KafkaConfig) -> None:
    """Create the topics that do not exist yet; others are left as they are.

    They are never compacted: an update names just the fields that changed, so each event of a product counts. Events
    are kept as long as they can be ordered against tombstones, dead letters until somebody removes them.

    Raises:
        PublishFailed: Kafka does not answer in time, or refuses.
    """
    topics = [
        NewTopic(name, config.partitions, config.replication_factor, topic_configs=_settings(name))
        for name in (PRODUCT_EVENTS, USER_EVENTS, INDEX_CHANGES, DEAD_LETTER)
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=config.bootstrap_servers, request_timeout_ms=10_000)
    try:
        async with asyncio.timeout(30):
            await admin.start()
            answer: Any = await admin.create_topics(topics)
            for _, code, *_ in answer.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:
                    raise error()
    except (KafkaError, TimeoutError, OSError) as error:
        raise PublishFailed(f"Kafka at {config.bootstrap_servers} did not create the topics: {error!r}") from error
    finally:
        await admin.close()


def _settings(topic: str) -> dict[str, str]:
    retention_ms = -1 if topic == DEAD_LETTER else int(Horizon().past_s * 1000)
    return {
        "max.message.bytes": str(MAX_REQUEST_BYTES),
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
    }
