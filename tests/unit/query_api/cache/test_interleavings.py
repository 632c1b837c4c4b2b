"""In whatever order servers answer: a page has the products of a word that has just come into the catalogue."""

from __future__ import annotations

import asyncio
import inspect
import random
from typing import Any

import msgspec
import pytest

from indexer.in_memory_store import InMemoryProductStore
from indexer.redis.change_log import InMemoryChangeLog
from query_api.cache.candidate_cache import InMemoryCandidateCache
from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest
from query_api.wiring.components import QueryComponents, wire
from tests.shop import Shop

WORDS = ["vexalumpi", "qorvandel", "zimbruxot"]
PRODUCTS, HOLDERS = 80, 3
"""How many have one of these words, at most: a page has room for all."""
ANSWERS = 60
LONGEST = 6
"""Turns of the loop that a call waits, at most, before it is made and before its answer comes."""


class Delayed:
    """A collaborator whose every call and every answer is on its way for a while."""

    def __init__(self, inner: Any, dice: random.Random) -> None:
        self._inner = inner
        self._dice = dice

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        async def call(*args: Any, **named: Any) -> Any:
            await self._wait()
            answer = await attribute(*args, **named)
            await self._wait()
            return answer

        return call

    async def _wait(self) -> None:
        for _ in range(self._dice.randrange(LONGEST)):
            await asyncio.sleep(0)


class Catalogue:
    """Products into whose titles words come, and from which they go again."""

    def __init__(self, shop: Shop, dice: random.Random) -> None:
        self._shop = shop
        self._dice = dice
        self._words = dict.fromkeys(range(PRODUCTS), "")
        self._edition = 0
        self.searchable: dict[str, dict[int, int]] = {word: {} for word in WORDS}
        """By word, the products that have it, and whose changes were noted since; each with the change that brought
        it."""

    async def fill(self) -> None:
        for number in range(PRODUCTS):
            await self._put(number)
            await self._shop.put(f"zh{number}", title=f"红 鞋 物{number}", category="shoe")

    async def change(self) -> None:
        """A word comes into a title, or goes; or a product that has it is written again."""
        word, chance = self._dice.choice(WORDS), self._dice.random()
        having = [number for number, its in self._words.items() if its == word]
        if having and chance < 0.4:
            await self._put(self._dice.choice(having))
            return
        goes = having and (chance < 0.6 or len(having) >= HOLDERS)
        number = self._dice.choice(having if goes else [one for one, its in self._words.items() if not its])
        self._words[number] = "" if goes else word
        self._edition += 1
        edition = self._edition
        self.searchable[word].pop(number, None)
        await self._put(number)
        if not goes:
            self.searchable[word][number] = edition

    async def _put(self, number: int) -> None:
        title = f"red shoe kind{number} {self._words[number]}".strip()
        await self._shop.put(f"p{number}", title=title, category="shoe")


def workers(dice: random.Random) -> list[Shop]:
    shared = {
        "store": Delayed(InMemoryProductStore(Shop().encoder.spec), dice),
        "change_log": Delayed(InMemoryChangeLog(), dice),
        "candidate_cache": Delayed(InMemoryCandidateCache(), dice),
    }
    config = QueryConfig(redis_deadline_s=5, text_trust=False)
    return [Shop(config, **shared) for _ in range(2)]


@pytest.mark.parametrize("seed", range(4))
async def test_a_page_has_every_product_of_a_new_word_that_was_searchable_when_it_was_asked_for(seed: int):
    dice = random.Random(seed)
    shops = workers(dice)
    catalogue = Catalogue(shops[0], dice)
    await catalogue.fill()
    components = [wire(shop.services) for shop in shops]
    for component in components:
        await component.floors.measure()
    answered = 0

    async def change() -> None:
        while answered < ANSWERS:
            await catalogue.change()
            for _ in range(dice.randrange(60)):
                await asyncio.sleep(0)

    async def ask(one: QueryComponents) -> None:
        nonlocal answered
        while answered < ANSWERS:
            word, user_id = dice.choice(WORDS), dice.choice([None, None, "ann"])
            before = set(catalogue.searchable[word].items())
            answer = await one.answers.answer(SearchRequest(text=word, user_id=user_id), dice.random() < 0.9)
            shown = {hit["product_id"] for hit in msgspec.json.decode(answer.body)["hits"]}
            all_the_time = before & set(catalogue.searchable[word].items())
            missing = {f"p{number}" for number, _ in all_the_time} - shown
            assert not missing, (word, answer.cache, missing)
            answered += 1

    await asyncio.gather(change(), *(ask(component) for component in components for _ in range(3)))
    for one, shop in zip(components, shops, strict=True):
        await one.aclose()
        shop.close()
