"""Any order, repetition, split, overlap and crash of the events ends in the index that the oracle says."""

from __future__ import annotations

import asyncio
import base64
import copy
import hashlib
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.port import HashEncoder
from indexer.in_memory_store import InMemoryProductStore
from indexer.media.store import InMemoryMediaStore
from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage
from tests.oracle import PRODUCTS, Arrival, fold
from tests.unit.streams.pipeline import Bench, picture

NOW_MS = int(time.time() * 1000)
PARTITIONS = {"p": 0, "q": 0, "r": 1}
RED, BLUE = picture("red"), picture("blue")
BROKEN = base64.b64encode(b"no picture").decode()
NEVER = 10**9


@dataclass(frozen=True)
class Event:
    """A message as its producer made it."""

    product_id: str
    value: bytes | None
    id: str


def event(id: int, product_id: str, age_s: int | None, version: int | None, **more: Any) -> Event:
    data = {"product_id": product_id} | ({} if version is None else {"version": version}) | more.pop("fields")
    if more["type"] == "product.deleted":
        data = {name: value for name, value in data.items() if name in ("product_id", "version")}
    time = {} if age_s is None else {"time": datetime.fromtimestamp(NOW_MS / 1000 - age_s, UTC).isoformat()}
    envelope = {"specversion": "1.0", "id": f"{id:03}", "data": data} | more | time
    return Event(product_id, json.dumps(envelope).encode(), envelope["id"])


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["kettle", "lamp", " ", None]),
        "price": st.sampled_from([1.5, 2.5, None]),
        "tags": st.sampled_from([["a"], ["b", "a"], [], None]),
        "images": st.lists(st.sampled_from([{"data": RED}, {"data": BLUE}, {"data": BROKEN}]), max_size=2),
    },
)
EVENT = st.builds(
    event,
    id=st.integers(0, 999),
    source=st.sampled_from(["pim", "shop"]),
    type=st.sampled_from(["product.created", "product.updated", "product.updated", "product.deleted"]),
    product_id=st.sampled_from(list(PARTITIONS)),
    # Thirty-one days ago and an hour ahead are refused.
    age_s=st.sampled_from([None, None, 1, 2, 31 * 86_400, -3600]),
    version=st.one_of(st.none(), st.integers(0, 4)),
    fields=FIELDS,
)
BAD = st.builds(
    Event,
    product_id=st.sampled_from(list(PARTITIONS)),
    value=st.sampled_from([b"", b"\xff", b"{", b"[]", b"{}"]),
    id=st.integers(1_000, 1_999).map(str),
)
EVENTS = st.lists(st.one_of(EVENT, EVENT, EVENT, BAD), max_size=9, unique_by=lambda event: event.id)


class Crash(BaseException):
    """The process is gone; nothing catches it."""


@dataclass
class Life:
    """A worker's life, which ends during its n-th call to any server, before or after the call's effect."""

    last_call: int = NEVER
    has_effect: bool = False
    pauses: Sequence[int] = (0,)
    """How often the event loop goes round during each call, over and over: batches overlap."""
    calls: int = 0
    over: bool = False

    def guard(self, server: Any, *names: str) -> None:
        """Make calls of these names take their time, fail at the end of this life, and do nothing after it."""
        for name in names:
            setattr(server, name, self._mortal(getattr(server, name)))

    def _mortal(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def mortal(*args: Any) -> Any:
            self.calls += 1
            is_last = self.calls == self.last_call
            for _ in range(self.pauses[self.calls % len(self.pauses)]):
                await asyncio.sleep(0)
            self.over = self.over or (is_last and not self.has_effect)
            self._end_if_over()
            answer = await call(*args)
            self.over = self.over or is_last
            self._end_if_over()
            return answer

        return mortal

    def _end_if_over(self) -> None:
        if self.over:
            raise Crash


class World:
    """What outlives a worker: the log and what of it is committed, what was published, the stores."""

    def __init__(self, log: Sequence[Event]) -> None:
        self.log = log
        self.committed = {0: 0, 1: 0}
        self.published: list[OutgoingMessage] = []
        self.store = InMemoryProductStore(HashEncoder().spec)
        self._media = InMemoryMediaStore()

    async def live(self, life: Life, cuts: Sequence[int], in_flight: int) -> None:
        """Have a fresh worker process all that is not committed, in batches cut like that."""
        bench = self._worker(life)
        messages = self._uncommitted(life)
        bounds = sorted({0, len(messages), *(cut for cut in cuts if cut < len(messages))})
        slots = asyncio.Semaphore(in_flight)

        async def index(start: int, end: int) -> None:
            async with slots:
                await bench.index(*messages[start:end])

        batches = [index(start, end) for start, end in itertools.pairwise(bounds)]
        async with asyncio.timeout(30):
            outcomes = await asyncio.gather(*batches, return_exceptions=True)
        if not life.over:
            assert outcomes == [None] * len(outcomes)
            assert not self._uncommitted(life)
        assert all(outcome is None or isinstance(outcome, Crash) for outcome in outcomes), outcomes

    def lose_commits(self, count: int) -> None:
        """A crash comes before the last acknowledgements are committed."""
        self.committed = {partition: max(0, next_ - count) for partition, next_ in self.committed.items()}

    @property
    def places(self) -> list[tuple[int, int]]:
        """Partition and offset of each message of the log."""
        offsets = {0: 0, 1: 0}
        places: list[tuple[int, int]] = []
        for event in self.log:
            partition = PARTITIONS[event.product_id]
            places.append((partition, offsets[partition]))
            offsets[partition] += 1
        return places

    def _worker(self, life: Life) -> Bench:
        # Shallow copies share their contents: each life guards its own.
        bench = Bench(copy.copy(self.store))
        bench.kafka.published = self.published
        shared = copy.copy(self._media)
        bench.media.put, bench.media.get = shared.put, shared.get
        life.guard(bench.store, "read", "write")
        life.guard(bench.media, "put", "get")
        life.guard(bench.kafka, "publish")
        life.guard(bench.changes, "append")
        return bench

    def _uncommitted(self, life: Life) -> list[Message]:
        return [
            self._message(event, partition, offset, life)
            for event, (partition, offset) in zip(self.log, self.places, strict=True)
            if offset >= self.committed[partition]
        ]

    def _message(self, event: Event, partition: int, offset: int, life: Life) -> Message:
        def ack() -> None:
            if not life.over:
                assert self.committed[partition] == offset, "acknowledged out of order"
                assert self._is_told(event, partition, offset), "acknowledged before it was announced"
                self.committed[partition] = offset + 1

        return Message(PRODUCTS, partition, offset, NOW_MS, event.product_id.encode(), event.value, {}, ack)

    def _is_told(self, event: Event, partition: int, offset: int) -> bool:
        """Whether an index change or a dead letter speaks of a message."""
        if (partition, offset) in self.dead_letters():
            return True
        return event.id in self.announced()

    def announced(self) -> set[str]:
        """Ids of the events that index changes name."""
        messages = [message for message in self.published if message.topic == "vitrine.index-changes"]
        changes = [json.loads(message.value or b"") for message in messages]
        return {event_id for change in changes for event_id in change["event_ids"]}

    def dead_letters(self, *, pictures: bool = False) -> dict[tuple[int, int], str]:
        """Reasons by partition and offset, of messages or of their pictures."""
        letters = [message.headers for message in self.published if message.topic == "vitrine.dead-letter"]
        return {
            (int(headers["vitrine_partition"]), int(headers["vitrine_offset"])): headers["vitrine_reason"].decode()
            for headers in letters
            if (headers["vitrine_reason"] == b"invalid_image") == pictures
        }


async def check(world: World) -> None:
    """Compare with what the oracle says of the log, and with a run that nothing disturbed."""
    arrivals = [Arrival(PRODUCTS, event.value, NOW_MS) for event in world.log]
    expected = fold(arrivals, lambda image: image != {"data": BROKEN})
    calm = World(world.log)
    await calm.live(Life(), (), 1)
    rows, calm_rows = await world.store.read("pqr"), await calm.store.read("pqr")
    assert set(rows) == set(expected.products)
    searchable = set(await world.store.browse((), 100))
    for product_id, product in expected.products.items():
        stored, vector = rows[product_id]
        assert stored.state.fields == with_hashes(product.fields)
        assert stored.state.version == product.version
        assert (product_id in searchable) == product.searchable
        assert (stored.state.deleted and product_id not in searchable) == product.deleted
        assert np.allclose(vector, calm_rows[product_id][1])
        if {"data": BROKEN} in product.fields.get("images", ()):
            about = {world.log[world.places.index(place)].product_id for place in world.dead_letters(pictures=True)}
            assert product_id in about, "its broken picture is in no dead letter"
    assert world.dead_letters() == {world.places[place]: reason for place, reason in expected.refused.items()}


def with_hashes(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as they are stored: inline pictures by the hash of their bytes."""
    files = [base64.b64decode(image["data"]) for image in fields.get("images", ())]
    images = [{"hash": hashlib.sha256(file).hexdigest()} for file in files]
    return fields | ({"images": images} if "images" in fields else {})


@settings(max_examples=200)
@given(EVENTS, st.data())
def test_whatever_way_the_events_take_the_index_is_the_one_that_the_oracle_says(events, data):
    repeated = data.draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
    world = World(data.draw(st.permutations(events + repeated), "arrivals"))
    size = len(world.log)
    cuts = data.draw(st.lists(st.integers(0, size), max_size=4), "cuts")
    pauses = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=5), "pauses")
    crashes = data.draw(
        st.lists(st.tuples(st.integers(1, 20), st.booleans(), st.integers(0, 3)), max_size=3), "crashes"
    )
    in_flight = data.draw(st.integers(1, 3), "in flight")

    async def run() -> None:
        for last_call, has_effect, lost_commits in crashes:
            await world.live(Life(last_call, has_effect, pauses), cuts, in_flight)
            world.lose_commits(lost_commits)
        await world.live(Life(pauses=pauses), cuts, in_flight)
        await check(world)

    asyncio.run(run())
