"""Shoppers of a variant that names a generation of the index are answered from it, as long as it is at hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from indexer.redis.impressions import InMemoryImpressionStore
from query_api.config import QueryConfig
from query_api.experiments.beside import GenerationsBeside
from query_api.experiments.experiment import Experiment, Variant
from query_api.generations.switching import ServedGeneration, SwitchingApp
from query_api.wiring.components import QueryComponents
from tests.shop import MakeShop

TRIAL = Experiment("trial", [Variant("a", 0.5), Variant("b", 0.5, generation="next")])
PEOPLE = [f"shopper-{number}" for number in range(20)]
PLAIN, TRIED = (next(person for person in PEOPLE if TRIAL.variant_of(person).name == name) for name in ("a", "b"))


@pytest.fixture
def impressions() -> InMemoryImpressionStore:
    return InMemoryImpressionStore()


@pytest.fixture
async def beside() -> GenerationsBeside[QueryComponents]:
    return GenerationsBeside()


@pytest.fixture
async def generations(
    make_shop: MakeShop, beside: GenerationsBeside[QueryComponents], impressions: InMemoryImpressionStore
) -> AsyncIterator[dict[str, ServedGeneration]]:
    """Two, in each of which mugs are called otherwise."""
    served: dict[str, ServedGeneration] = {}
    for name in ("active", "next"):
        shop = make_shop(
            QueryConfig(text_trust=False), generation=name, beside=beside, experiment=TRIAL, impressions=impressions
        )
        for number in range(3):
            await shop.put(f"{name}-{number}", title=f"red mug of {name}")
        served[name] = await ServedGeneration(shop.services, AsyncExitStack()).start()
    yield served
    for answers in served.values():
        await answers.aclose()


@pytest.fixture
async def client(generations: dict[str, ServedGeneration]) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(SwitchingApp(generations["active"]))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        yield client


async def answered_from(client: httpx.AsyncClient, user: str | None) -> set[str]:
    """The generations that answer a person, whatever and however they ask."""
    named = {"user_id": user} if user else {}
    asked: list[Any] = [client.get("/v1/search", params={"q": "red mug"} | named) for _ in range(2)]
    asked.append(client.post("/v1/search", json={"text": "red mug"} | named))
    if user:
        asked.append(client.get(f"/v1/users/{user}/recommendations"))
    answers = [(await answer).raise_for_status().json() for answer in asked]
    prefixes = {hit["product_id"].partition("-")[0] for answer in answers for hit in answer["hits"]}
    assert prefixes == {answer["generation"] for answer in answers}
    return prefixes


async def test_a_shopper_is_answered_from_the_generation_of_their_variant(
    client: httpx.AsyncClient, generations: dict[str, ServedGeneration], impressions: InMemoryImpressionStore
) -> None:
    assert await answered_from(client, TRIED) == {"next"}
    assert await answered_from(client, PLAIN) == await answered_from(client, None) == {"active"}
    await generations["next"].aclose()
    assert await answered_from(client, TRIED) == {"active"}
    await generations["active"].aclose()
    remembered = {(impression.user_id, impression.variant) async for impression in impressions.all()}
    # Where it is not at hand, theirs is the first variant.
    assert remembered == {(TRIED, "trial/b"), (TRIED, "trial/a"), (PLAIN, "trial/a"), ("", "")}


async def test_a_generation_does_not_go_while_it_is_asked(
    generations: dict[str, ServedGeneration], beside: GenerationsBeside[QueryComponents]
) -> None:
    with beside.asked("next"):
        leaving = asyncio.create_task(generations["next"].aclose())
        while "next" in beside.names:
            await asyncio.sleep(0)
        assert not leaving.done()
    await leaving
