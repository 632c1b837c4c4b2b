"""Reads what became searchable, as a cache, a sitemap or an alert of your own would.

`python examples/index_changes.py --kafka localhost:9092 --group my-sitemap`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer

from streams.kafka.connection import ClientOptions, client_options
from vitrine.settings import load_settings

TOPIC = "vitrine.index-changes"


async def changes(kafka: ClientOptions, group: str, idle_s: float | None) -> AsyncIterator[dict[str, Any]]:
    """Records in order a product; each at least once, so what is done with one must bear being done twice.

    Args:
        kafka: where it is, and how to log in.
        group: whose position is kept; programs of one group share the partitions.
        idle_s: end when nothing came for so long; None: never.
    """
    consumer = AIOKafkaConsumer(
        TOPIC,
        **kafka,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with consumer:
        while True:
            try:
                message = await asyncio.wait_for(consumer.getone(), idle_s)
            except TimeoutError:
                return
            yield json.loads(message.value or b"null")
            # After it is dealt with, never before.
            await consumer.commit()


async def follow(kafka: ClientOptions, group: str, idle_s: float | None) -> None:
    """Print a line a record."""
    async for change in changes(kafka, group, idle_s):
        state = "searchable" if change["searchable"] else "not searchable"
        print(f"{change['change']:9} {change['product_id']} version {change['version']}, {state}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Follow until there is nothing for a while, or for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", required=True, help="host:port of a broker")
    parser.add_argument("--group", default="example-index-changes")
    parser.add_argument("--idle-s", type=float, help="end when nothing came for so long")
    options = parser.parse_args(arguments)
    # TLS and logins as VITRINE_KAFKA_… say; a program without Vitrine gives aiokafka the same options by itself.
    settings = load_settings(os.environ, flags={"kafka.bootstrap_servers": options.kafka})
    asyncio.run(follow(client_options(settings.kafka), options.group, options.idle_s))


if __name__ == "__main__":
    main()
