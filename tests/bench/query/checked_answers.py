"""Answers of a query worker to shoppers, each judged as it comes: stale, or as it should be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import httpx
import msgspec

from tests.bench.http_load import LoadReport
from tests.bench.query.changes import CatalogueChanges, Hit

_SEARCHES = {"the cache": {}, "a fresh search": {"cache-control": "no-cache"}}


class Page(msgspec.Struct, frozen=True):
    """What is looked at of an answer."""

    hits: list[Hit]
    cache: str
    degraded: list[str] = []


@dataclass(frozen=True, slots=True)
class Asked:
    """A request."""

    path: str
    word: str = ""
    """One that comes and goes, if it is asked for."""


PAGES = msgspec.json.Decoder(Page)


@dataclass
class CheckedAnswers(LoadReport):
    """Answers of a worker, each judged as it comes."""

    changes: CatalogueChanges = field(kw_only=True)
    asked: list[Asked] = field(kw_only=True)
    seen: set[str] = field(kw_only=True)
    """What was asked by anybody: a cache that forgets nothing has it."""
    fresh: httpx.AsyncClient = field(kw_only=True)
    """Asks the worker for answers that bypass the cache."""
    confirming: list[asyncio.Task[None]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    hits: int = 0
    hits_of_a_cache_that_forgets_nothing: int = 0
    degraded: int = 0

    def add(self, number: int, asked_s: float, answer: bytearray) -> None:
        asked_ms = asked_s * 1000
        served = len(self.answered_s)
        super().add(number, asked_s, answer)
        if len(self.answered_s) == served:
            return
        one = self.asked[number % len(self.asked)]
        page = PAGES.decode(memoryview(answer)[answer.index(b"\r\n\r\n") + 4 :])
        where = f"{one.path}, {page.cache}, degraded {page.degraded}"
        for name, fault in self.changes.stale_hits(page.hits, asked_ms).items():
            self.confirming.append(asyncio.create_task(self._explain(f"{where}: {name} {fault}", one, name)))
        for name in self.changes.missing(page.hits, one.word, asked_ms) if one.word else ():
            self.confirming.append(asyncio.create_task(self._confirm(where, one, name, asked_ms)))
        self.hits += page.cache == "hit"
        self.degraded += bool(page.degraded)
        query = one.path.partition("&user_id=")[0]
        self.hits_of_a_cache_that_forgets_nothing += query in self.seen
        self.seen.add(query)

    async def _explain(self, fault: str, one: Asked, name: str) -> None:
        """Note a stale hit, and what is shown of it now.

        By a fresh search: as stale, where it is the index that is behind. By the cache: as stale, where it missed a
        change for good; as it should be, where it heard of it late.
        """
        now = [f"{by} shows it {await self._shown(one, name, headers)}" for by, headers in _SEARCHES.items()]
        self.faults.append("; ".join((fault, *now)))

    async def _shown(self, one: Asked, name: str, headers: dict[str, str]) -> str:
        answer = await self.fresh.get(one.path, headers=headers)
        hits = PAGES.decode(answer.content).hits if answer.is_success else []
        return next((f"{hit.title!r} at {hit.price}" for hit in hits if hit.product_id == name), "not at all")

    async def _confirm(self, where: str, one: Asked, name: str, asked_ms: float) -> None:
        """Note a product that is missing in an answer, if a fresh search finds it there, as it was all the time."""
        answer = await self.fresh.get(one.path, headers={"cache-control": "no-cache"})
        found = answer.is_success and name in {hit.product_id for hit in PAGES.decode(answer.content).hits}
        if found and self.changes.has_word(name, one.word, asked_ms):
            self.faults.append(f"{where}: {name} is missing")
