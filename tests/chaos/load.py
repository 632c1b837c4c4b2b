"""A reproducible stream of events, and the thread that publishes it while faults happen."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from PIL import Image

from tests.oracle import PRODUCTS, SHOPPERS

WORDS = ("kettle", "lamp", "hoodie", "teapot", "lantern", "basket", "rug", "clock", "mirror", "scarf")
BRANDS = ("Ada", "Luma", "Noor", None)
REFUSED = (b"", b"\xff\xfe", b"{", b"[]", b'{"specversion": "1.0"}')
PICTURES = 24
RETRY_S = 0.5
MAX_BYTES = 11 * 2**20


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict)


def event(id: str, type: str, data: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A CloudEvent of the chaos suite."""
    return {"specversion": "1.0", "id": id, "source": "chaos", "type": type, "data": dict(data), **more}


def outgoing(event: Mapping[str, Any]) -> Outgoing:
    """An event as the message that its producer publishes."""
    data = event["data"]
    is_product = event["type"].startswith("product.")
    key = data["product_id"] if is_product else data["user_id"]
    return Outgoing(PRODUCTS if is_product else SHOPPERS, key.encode(), json.dumps(event).encode())


def jpeg(colour: tuple[int, int, int], size: int = 64) -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(file, "JPEG")
    return file.getvalue()


class Stream:
    """Events of one scenario's products and shoppers, the same for the same seed.

    Creations, patches, deletions and new creations; some late, some stale, some twice, some that are no events.
    """

    def __init__(self, prefix: str, seed: int, products: int = 300, shoppers: int = 20) -> None:
        self._prefix = prefix
        self._random = random.Random(seed)
        self._products = [f"{prefix}-{n}" for n in range(products)]
        self._shoppers = [f"{prefix}-user-{n}" for n in range(shoppers)]
        self._versions = dict.fromkeys(self._products, 0)
        self._pictures = [base64.b64encode(jpeg(self._colour())).decode() for _ in range(PICTURES)]
        self._count = 0

    def messages(self, count: int) -> list[Outgoing]:
        """So many messages, near to the order in which they were meant."""
        made = [self._next() for _ in range(count)]
        made += self._random.sample(made, count // 20)
        # A message comes up to some twenty places early or late, and a few by half the stream.
        place = {index: index + self._random.gauss(0, 10) for index in range(len(made))}
        place |= {self._random.randrange(len(made)): self._random.randrange(len(made)) for _ in range(count // 50)}
        return [made[index] for index in sorted(place, key=lambda index: place[index])]

    def _next(self) -> Outgoing:
        self._count += 1
        chance = self._random.random()
        if chance < 0.02:
            key = self._random.choice(self._products).encode()
            return Outgoing(PRODUCTS, key, self._random.choice(REFUSED))
        return outgoing(self._click() if chance < 0.17 else self._change())

    def _click(self) -> dict[str, Any]:
        data = {"user_id": self._random.choice(self._shoppers), "product_id": self._random.choice(self._products)}
        type = self._random.choice(["user.viewed", "user.clicked", "user.carted"])
        return event(f"{self._prefix}-{self._count}", type, data, time=_now())

    def _change(self) -> dict[str, Any]:
        product_id = self._random.choice(self._products)
        kinds = ["product.created"] * 3 + ["product.updated"] * 6 + ["product.deleted"]
        kind = kinds[0] if self._versions[product_id] == 0 else self._random.choice(kinds)
        data = {"product_id": product_id, "version": self._version(product_id)}
        if kind == "product.created":
            data |= {"title": self._title(), "price": self._price(), "category": "Things/Chaos", **self._images(0.3)}
        if kind == "product.updated":
            data |= self._patch()
        return event(f"{self._prefix}-{self._count}", kind, data, time=_now())

    def _version(self, product_id: str) -> int:
        """The next one, or a stale one."""
        self._versions[product_id] += 1
        newest = self._versions[product_id]
        return self._random.randint(0, newest) if self._random.random() < 0.1 else newest

    def _patch(self) -> dict[str, Any]:
        patches = [
            {"price": self._price()},
            {"price": self._price(), "in_stock": self._random.random() < 0.5},
            {"title": self._title()},
            {"brand": self._random.choice(BRANDS)},
            {"attributes": {"colour": self._random.choice(["red", "blue"]), "size": ["s", "m"]}},
            self._images(1.0),
        ]
        return self._random.choice(patches)

    def _images(self, share: float) -> dict[str, Any]:
        return {"images": [{"data": self._random.choice(self._pictures)}]} if self._random.random() < share else {}

    def _title(self) -> str:
        return f"{self._random.choice(WORDS)} {self._random.choice(WORDS)} {self._random.randrange(1000)}"

    def _price(self) -> float:
        return self._random.randrange(100, 10_000) / 100

    def _colour(self) -> tuple[int, int, int]:
        red, green, blue = (self._random.randrange(256) for _ in range(3))
        return red, green, blue


class Load:
    """Publishes messages at a steady rate from a thread of its own; a context manager that waits until all are out.

    What Kafka does not take is published again until it does.
    """

    def __init__(self, kafka: str, messages: Sequence[Outgoing], rate: float) -> None:
        self._kafka = kafka
        self._messages = messages
        self._rate = rate
        self._published = 0
        self._progressed = time.monotonic()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._hurry = threading.Event()
        self._fault: BaseException | None = None

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._hurry.set()
        self._thread.join(timeout=300)
        if kind is None:
            assert self._published == len(self._messages), f"{self._published} were published: {self._fault!r}"

    @property
    def published(self) -> int:
        """How many messages Kafka has taken."""
        return self._published

    @property
    def stalled_s(self) -> float:
        """How long Kafka has taken nothing."""
        return time.monotonic() - self._progressed

    def wait(self, published: int) -> None:
        """Wait until so many messages are out."""
        deadline = time.monotonic() + 120
        while self._published < min(published, len(self._messages)):
            assert time.monotonic() < deadline and self._thread.is_alive(), f"only {self._published}: {self._fault!r}"
            time.sleep(0.02)

    async def _run(self) -> None:
        try:
            async with _producer(self._kafka) as producer:
                started = time.monotonic()
                for batch in _batches(self._messages, max(1, round(self._rate / 20))):
                    await _send(producer, batch)
                    self._published += len(batch)
                    self._progressed = time.monotonic()
                    if not self._hurry.is_set():
                        await asyncio.sleep(max(0.0, started + self._published / self._rate - time.monotonic()))
        except BaseException as fault:
            self._fault = fault
            raise


def publish(kafka: str, messages: Iterable[Outgoing]) -> None:
    """Publish messages, in order, as fast as it goes."""

    async def run() -> None:
        async with _producer(kafka) as producer:
            for batch in _batches(list(messages), 100):
                await _send(producer, batch)

    asyncio.run(run())


def _producer(kafka: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=kafka,
        enable_idempotence=True,
        linger_ms=5,
        request_timeout_ms=5_000,
        max_request_size=MAX_BYTES,
        metadata_max_age_ms=5_000,
    )


async def _send(producer: AIOKafkaProducer, messages: Sequence[Outgoing]) -> None:
    waiting = list(messages)
    while waiting:
        sent = [await _begin(producer, one) for one in waiting]
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        waiting = [one for one, outcome in zip(waiting, outcomes, strict=True) if isinstance(outcome, BaseException)]
        if waiting:
            await asyncio.sleep(RETRY_S)


async def _begin(producer: AIOKafkaProducer, one: Outgoing) -> asyncio.Future[Any]:
    try:
        return await producer.send(one.topic, one.value, one.key, headers=list(one.headers.items()))
    except KafkaError as error:
        failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        failed.set_exception(error)
        return failed


def _batches(messages: Sequence[Outgoing], size: int) -> Iterator[Sequence[Outgoing]]:
    return (messages[start : start + size] for start in range(0, len(messages), size))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
