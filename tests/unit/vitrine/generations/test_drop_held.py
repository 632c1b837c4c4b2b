"""Giving up the generation before: what its workers have yet to announce is waited for, and never lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, repeat

import pytest

from indexer.milvus.registry import Generation, Generations, GenerationStage
from streams.kafka.lag import PartitionLag
from vitrine.errors import VitrineError
from vitrine.generations import switch
from vitrine.settings import load_settings

ENDS = (7, 3)
"""Where the two partitions end."""
ACTIVE, BEFORE = "products_g2", "products_g1"


@dataclass
class Shop:
    """A registry, Kafka and who is told, around a generation that was active before.

    Attributes:
        late: how many events of each partition its workers have yet to do, at each look.
        dropped: what was removed.
        told: how many events were said to be left.
    """

    stage: GenerationStage
    late: Iterator[Sequence[int]]
    dropped: list[str] = field(default_factory=list[str])
    told: list[int] = field(default_factory=list[int])

    async def read(self) -> Generations:
        before = Generation(BEFORE, "hash@1", 8, 1, stage=self.stage)
        return Generations(Generation(ACTIVE, "hash@1", 8, 1), {BEFORE: before})

    async def retire(self, generation: Generation, *_: object) -> None:
        self.dropped.append(generation.collection)

    async def lag(self, topic: str) -> list[PartitionLag]:
        late = next(self.late)
        return [PartitionLag(topic, at, end - late[at], end) for at, end in enumerate(ENDS)]

    def say(self, text: str) -> None:
        raise NotImplementedError

    def copied(self, done: int, total: int) -> None:
        raise NotImplementedError

    def behind(self, events: int) -> None:
        self.told.append(events)


async def _drop_held(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> str | None:
    @asynccontextmanager
    async def registry(_: object) -> AsyncIterator[tuple[Shop, None]]:
        yield shop, None

    @asynccontextmanager
    async def probe(_: object, group: str) -> AsyncIterator[Shop]:
        assert group == "vitrine-indexer", "the group of the generation before"
        yield shop

    monkeypatch.setattr(switch, "locked_registry", registry)
    monkeypatch.setattr(switch, "LagProbe", probe)
    monkeypatch.setattr(switch, "retire_generation", shop.retire)
    monkeypatch.setattr(switch, "UNDER_WAY_S", 0)
    monkeypatch.setattr(switch, "ANNOUNCED_S", 0.02)
    return await switch.drop_held(load_settings({}), shop)


async def test_it_is_dropped_once_it_has_announced_what_was_there_when_it_was_asked(monkeypatch):
    shop = Shop("held", iter([(5, 3), (2, 0), (0, 0)]))
    assert await _drop_held(monkeypatch, shop) == BEFORE
    assert (shop.told, shop.dropped) == ([8, 2, 0], [BEFORE])


async def test_it_is_kept_where_nobody_follows_it(monkeypatch):
    shop = Shop("held", repeat((1, 0)))
    with pytest.raises(VitrineError, match=f"{BEFORE} is kept: it did not catch up within .* a standby worker runs"):
        await _drop_held(monkeypatch, shop)
    assert not shop.dropped


async def test_one_that_is_going_already_is_not_waited_for(monkeypatch):
    shop = Shop("dropping", chain())
    assert (await _drop_held(monkeypatch, shop), shop.dropped) == (BEFORE, [BEFORE])


async def test_one_that_is_only_being_built_is_left_alone(monkeypatch):
    shop = Shop("following", chain())
    assert (await _drop_held(monkeypatch, shop), shop.dropped) == (None, [])
