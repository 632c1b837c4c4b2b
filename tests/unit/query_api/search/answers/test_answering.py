"""Finished answers: the same as made ones, for whom they are meant, as long as they are true."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from query_api.cache.pages import Page
from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Hit, SearchResponse
from query_api.search.answers.answering import SearchAnswers
from query_api.search.answers.kept_searches import KeptSearch
from query_api.understanding.background_refresh import CatalogueVocabulary
from query_api.understanding.vocabulary import Vocabulary
from query_api.wiring.components import wire
from tests.shop import MakeShop
from tests.unit.query_api.search.test_candidate_finder import ask

OWN_FIELDS = ("query_id", "took_ms", "index_age_ms")


@pytest.mark.parametrize("age", [0, 1234, None])
def test_an_answer_from_a_page_is_the_response_but_for_its_own_fields(age: int | None) -> None:
    tricky = 'x,"took_ms":0.0,"index_age_ms":0\\'
    hit = Hit(tricky, 1.5, tricky, 2.0, None, tricky, None, None, None, None, {"took_ms": [tricky]})
    response = SearchResponse("q", [hit], 7, 3.25, "miss", [], tricky, 5, did_you_mean=tricky)
    answer = msgspec.json.decode(Page.of(response, None).answer("own", 0.5, age))
    expected = msgspec.to_builtins(response)
    assert answer == expected | {"query_id": "own", "took_ms": 0.5, "index_age_ms": age, "cache": "hit"}
    assert list(answer) == list(expected)


@pytest.mark.parametrize(
    "request_",
    [
        {"text": "red mug"},
        {
            "text": "mug under 9 -blue",
            "facets": ["brand", "price"],
            "group": True,
            "sort": "price",
            "k": 2,
            "offset": 1,
        },
        {"filters": {"brand": ["Acme"]}, "sort": "newest"},
        {"product_id": "mug-red", "weights": {"image": 0.2}},
        {"parts": [{"text": "mug"}, {"text": "red", "weight": -1}]},
    ],
)
async def test_finished_answers_are_as_made_ones(client: Any, request_: dict[str, Any]) -> None:
    made, finished = [await ask(client, request_) for _ in range(2)]
    for name in OWN_FIELDS:
        assert name in finished
    assert {**made, "cache": "hit"} | dict.fromkeys(OWN_FIELDS, 0) == finished | dict.fromkeys(OWN_FIELDS, 0)
    assert made["query_id"] != finished["query_id"]


async def test_somebodys_answers_are_nobody_elses(make_shop: MakeShop) -> None:
    shop = make_shop()
    for at in range(6):
        await shop.put(f"p{at}", title="mug", brand="Acme" if at % 2 else "Bolt", category="A")
    await shop.interact("ann", ["p0", "p2", "p4"] * 3)
    async with shop.client() as client:
        plain = [(await ask(client, {"text": "mug"}))["hits"] for _ in range(2)]
        own = [(await ask(client, {"text": "mug", "user_id": "ann"}))["hits"] for _ in range(2)]
        assert plain[0] == plain[1] and plain[0] not in own
        assert (await ask(client, {"text": "mug"}))["hits"] == plain[0]


@pytest.mark.parametrize("request_", [{}, {"mode": "dense", "facets": ["brand"], "k": 3, "offset": 2}])
async def test_a_shoppers_finished_answer_is_as_a_made_one(make_shop: MakeShop, request_: dict[str, Any]) -> None:
    shop = make_shop()
    for at in range(8):
        await shop.put(f"p{at}", title=f"mug {at}", brand="Acme" if at % 3 else "Bolt", category="A/B")
    await shop.interact("ann", ["p0", "p3"] * 3)
    await shop.interact("bob", ["p1", "p2"] * 3)
    components, asked = wire(shop.services), {"text": "mug", **request_}
    anns, bobs, new, nobodys = [
        msgspec.convert({**asked, **extra}, type=SearchRequest)
        for extra in ({"user_id": "ann"}, {"user_id": "bob"}, {"user_id": "new"}, {})
    ]
    assert await components.answers.finished(KeptSearch.of(anns)) is None
    answers = {id(answer): (await components.answers.answer(answer)).body for answer in (anns, bobs, new, nobodys)}
    for answer in (anns, bobs, new):
        fresh = (await components.answers.answer(answer, use_cache=False)).body
        finished = await components.answers.finished(KeptSearch.of(answer))
        assert finished is not None
        assert _shown(finished) == _shown(fresh) == _shown(answers[id(answer)])
    hits = [_shown(answers[id(answer)])["hits"] for answer in (anns, bobs, new, nobodys)]
    assert hits[0] != hits[1] and hits[2] == hits[3]
    # What somebody does counts in their next search.
    await shop.interact("bob", ["p0", "p3"] * 20)
    again = await components.answers.finished(KeptSearch.of(bobs))
    assert again is not None and _shown(again)["hits"] != hits[1]
    await components.aclose()


async def test_a_history_is_read_beside_the_change_log(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="mug", brand="Acme")
    await shop.interact("ann", ["a"])
    components, asked = wire(shop.services), list[str]()
    request = msgspec.convert({"text": "mug", "user_id": "ann"}, type=SearchRequest)
    for _ in range(2):
        await components.answers.answer(request)
    all_asked = asyncio.Event()

    def waiting(name: str, read: Any) -> Any:
        async def wait_and_read(*arguments: Any) -> Any:
            asked.append(name)
            if len(asked) == 2:
                all_asked.set()
            await all_asked.wait()
            return await read(*arguments)

        return wait_and_read

    shop.services.profiles.histories = waiting("history", shop.services.profiles.histories)  # type: ignore[method-assign]
    shop.services.change_log.read = waiting("changes", shop.services.change_log.read)  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        assert await components.answers.finished(KeptSearch.of(request)) is not None
    assert sorted(asked) == ["changes", "history"]
    await components.aclose()


def _shown(body: bytes) -> dict[str, Any]:
    """What an answer shows; interactions count less as they grow older, which six digits of a score do not tell."""
    shown = {name: value for name, value in msgspec.json.decode(body).items() if name not in (*OWN_FIELDS, "cache")}
    return shown | {"hits": [hit | {"score": round(hit["score"], 6)} for hit in shown["hits"]]}


async def test_answers_are_finished_again_when_synonyms_change(make_shop: MakeShop, tmp_path: Path) -> None:
    file = tmp_path / "synonyms.txt"
    file.write_text("cup, beaker\n")
    shop = make_shop(QueryConfig(synonyms=str(file)))
    await shop.put("a", title="mug")
    components = wire(shop.services)
    request = msgspec.convert({"text": "cup", "mode": "lexical"}, type=SearchRequest)
    assert await _total(components.answers, request) == 0
    assert await components.answers.finished(KeptSearch.of(request)) is not None
    file.write_text("cup, mug\n")
    for run in components.background:
        if "Synonym" in run.__qualname__:
            run.__self__.refresh()  # type: ignore[attr-defined]
    assert await components.answers.finished(KeptSearch.of(request)) is None
    assert await _total(components.answers, request) == 1
    await components.aclose()


async def test_a_word_that_becomes_known_is_no_longer_corrected(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="hoodie")
    components = wire(shop.services)
    vocabulary = asyncio.create_task(components.background[0]())
    request = msgspec.convert({"text": "hoodee"}, type=SearchRequest)
    while b"did_you_mean" not in (await components.answers.answer(request)).body:
        await asyncio.sleep(0)
    await shop.put("b", title="mug", description="hoodee")
    assert b"did_you_mean" not in (await components.answers.answer(request)).body
    vocabulary.cancel()
    await components.aclose()


async def test_a_pair_that_the_catalogue_comes_to_write_as_one_word_is_looked_for_as_that(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="rain coat")
    components = wire(shop.services)
    words: CatalogueVocabulary = components.background[0].__self__  # type: ignore[attr-defined]
    words.vocabulary = Vocabulary()
    words.vocabulary.add(["rain", "coat"])
    request = SearchRequest(text="rain coat")
    assert b"raincoat" not in (await components.answers.answer(request)).body
    words.vocabulary.add_new(["umbrella"])
    assert await components.answers.finished(KeptSearch.of(request)) is not None
    words.vocabulary.add_new(["raincoats"])
    assert await components.answers.finished(KeptSearch.of(request)) is None
    assert b'"rain coat":["raincoat"]' in (await components.answers.answer(request)).body
    await components.aclose()


async def test_many_who_miss_make_one_search_and_who_gives_up_takes_nobody_along(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="mug")
    searched = 0
    search, going_on = shop.services.store.search_dense, asyncio.Event()

    async def counted(*arguments: Any) -> Any:
        nonlocal searched
        searched += 1
        await going_on.wait()
        return await search(*arguments)

    shop.services.store.search_dense = counted  # type: ignore[method-assign]
    async with shop.client() as client:
        asking = [asyncio.create_task(ask(client, {"text": "mug", "mode": "dense", "k": k})) for k in range(1, 9)]
        while not searched:
            await asyncio.sleep(0)
        asking[0].cancel()
        going_on.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert [answer["total"] for answer in answers[1:]] == [1] * 7  # type: ignore[index]
    assert searched == 1


async def _total(answers: SearchAnswers, request: SearchRequest) -> int:
    return msgspec.json.decode((await answers.answer(request)).body)["total"]
