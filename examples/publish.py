"""Publishes products as events, with a plain Kafka client: creations, a change of price, a deletion.

`python examples/publish.py --kafka localhost:9092`
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.kafka.connection import ClientOptions, client_options
from vitrine.settings import load_settings

TOPIC = "catalog.product-events"
PRODUCTS = Path(__file__).parent / "products.jsonl"


def cloud_event(type: str, data: dict[str, Any]) -> dict[str, Any]:
    """A CloudEvents 1.0 envelope. `time` may be left out: Kafka's own then counts."""
    return {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "examples/publish", "type": type, "data": data}


def events() -> Iterator[dict[str, Any]]:
    """Every product of the file; then a new price for the first one, and the last one is gone."""
    products = [json.loads(line) for line in PRODUCTS.read_text(encoding="utf-8").splitlines()]
    # Versions say which event of a product is later, in whatever order they arrive; without one its time in ms does.
    for product in products:
        yield cloud_event("product.created", {**product, "version": 1})
    # An update names just the fields that change. This one is not encoded again: its text and pictures are the same.
    yield cloud_event("product.updated", {"product_id": products[0]["product_id"], "version": 2, "price": 29.0})
    yield cloud_event("product.deleted", {"product_id": products[-1]["product_id"], "version": 2})


async def publish(kafka: ClientOptions) -> int:
    """Publish all events; how many there were."""
    async with AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True) as producer:
        deliveries = [
            # The key is the product's id: all events of a product are then on one partition, in order.
            await producer.send(TOPIC, json.dumps(event).encode(), key=event["data"]["product_id"].encode())
            for event in events()
        ]
        await asyncio.gather(*deliveries)
    return len(deliveries)


def main(arguments: Sequence[str] | None = None) -> None:
    """Publish, and say how many events."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", required=True, help="host:port of a broker")
    options = parser.parse_args(arguments)
    # TLS and logins as VITRINE_KAFKA_… say; a program without Vitrine gives aiokafka the same options by itself.
    settings = load_settings(os.environ, flags={"kafka.bootstrap_servers": options.kafka})
    print(f"published {asyncio.run(publish(client_options(settings.kafka)))} events to {TOPIC}")


if __name__ == "__main__":
    main()
