"""Why a product is not in the results, over HTTP, for each reason there is."""

from __future__ import annotations

import base64
import logging
from typing import Any

import httpx
import jsonschema
import pytest

from encoders.spec import fuse_parts
from indexer.criteria import NotIds, WithoutWords
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from query_api.config import QueryConfig
from query_api.explaining.evidence import filter_rejections
from query_api.http.openapi.document import openapi_document
from tests.shop import MakeShop, Shop, png

PARTS = ("text", "image", "lexical", "personal")


async def explain(client: httpx.AsyncClient, product_id: str, /, **query: Any) -> dict[str, Any]:
    response = await client.post("/v1/explain", json={"query": query, "product_id": product_id})
    assert response.status_code == 200, response.text
    return response.json()


async def search(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    return (await client.post("/v1/search", json=query | {"explain": True})).json()


def kinds(reasons: list[dict[str, Any]]) -> list[str]:
    return [reason["kind"] for reason in reasons]


@pytest.mark.parametrize(
    "query",
    [
        {"text": "red mug"},
        {"text": "red mug", "mode": "lexical"},
        {"image": base64.b64encode(png("red", "white")).decode(), "text": "mug", "user_id": "ann"},
        {"product_id": "hoodie-red"},
        {"filters": {"category": "Home"}},
        {"text": "mug", "sort": "-price", "group": True},
    ],
)
async def test_each_hit_is_explained_as_the_search_ranks_and_scores_it(
    client: httpx.AsyncClient, shop: Shop, query: dict[str, Any]
) -> None:
    await shop.interact("ann", ["mug-blue"] * 3)
    for rank, hit in enumerate((await search(client, **query, k=8))["hits"], 1):
        found = await explain(client, hit["product_id"], **query, k=8)
        assert (found["verdict"], found["reasons"]) == ("shown", [])
        assert found["place"]["rank"] == rank
        # A taste fades between two queries, if little.
        for part in PARTS:
            assert found["place"]["explanation"][part] == pytest.approx(hit["explanation"][part], abs=1e-6)
        assert found["place"]["explanation"]["terms"] == hit["explanation"]["terms"]


async def test_a_product_on_another_page_is_told_what_beats_it(client: httpx.AsyncClient) -> None:
    hits = (await search(client, text="red mug", k=8))["hits"]
    found = await explain(client, hits[6]["product_id"], text="red mug", k=3)
    (reason,) = found["reasons"]
    assert found["verdict"] == reason["kind"] == "on_another_page"
    assert found["place"]["rank"] == 7 and reason["evidence"]["page"] == 3
    assert found["hit"]["product_id"] == reason["evidence"]["hit"] == hits[2]["product_id"]
    assert found["last"]["product_id"] == hits[7]["product_id"]
    gap = hits[2]["score"] - hits[6]["score"]
    assert reason["evidence"]["gap"] == pytest.approx(gap)
    assert sum(reason["evidence"]["parts"].values()) == pytest.approx(gap)
    assert "page 3" in reason["detail"] and hits[2]["product_id"] in reason["detail"]
    first = await explain(client, hits[0]["product_id"], text="red mug", k=3, offset=3)
    assert first["verdict"] == "on_another_page" and first["reasons"][0]["evidence"]["page"] == 1


async def test_an_unknown_product_is_an_answer(client: httpx.AsyncClient) -> None:
    found = await explain(client, "nobody", text="mug")
    assert found["verdict"] == "not_indexed" and found["place"] is None and found["indexed"] is None
    assert "nobody" in found["reasons"][0]["detail"] and found["hit"]["rank"] == 8


async def test_a_deleted_product_names_the_event(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.delete("mug-red")
    found = await explain(client, "mug-red", text="mug")
    assert found["verdict"] == "deleted" and found["indexed"]["searchable"] is False
    assert found["reasons"][0]["evidence"] == {"version": 9, "source": "test", "event_id": "event"}
    deletion = ProductChange(
        "mug-blue", EventStamp(1_767_225_600_000, "pim", "e7"), {}, replaces_all_fields=True, deletes=True
    )
    await shop.write(
        "mug-blue", StoredProduct(ProductState().merge(deletion)), fuse_parts(shop.encoder.spec, None, None)
    )
    found = await explain(client, "mug-blue", text="mug")
    assert found["reasons"][0]["evidence"]["time"] == "2026-01-01T00:00:00+00:00"
    assert found["indexed"]["last_event"] == "pim/e7"


async def test_an_incomplete_product_names_its_pictures(client: httpx.AsyncClient, shop: Shop) -> None:
    state = ProductState().merge(
        ProductChange("bare", EventStamp(1, "s", "e"), {"price": 3.0}, replaces_all_fields=True)
    )
    stored = StoredProduct(state, broken_images=("b" * 64,), missing_images=("https://shop/x.jpg",))
    await shop.write("bare", stored, fuse_parts(shop.encoder.spec, None, None))
    found = await explain(client, "bare", text="mug")
    assert found["verdict"] == "incomplete"
    evidence = found["reasons"][0]["evidence"]
    assert evidence == {"fields": ["price"], "missing_images": ["https://shop/x.jpg"], "broken_images": ["b" * 64]}
    assert "https://shop/x.jpg" in found["reasons"][0]["detail"]


async def test_every_filter_that_rejects_it_is_named_with_the_products_own_value(client: httpx.AsyncClient) -> None:
    filters = {"price": {"gte": 6, "lt": 50}, "brand": ["Acme"], "attributes.COLOUR": "blue", "tags": "x"}
    found = await explain(client, "mug-red", text="red mug", filters=filters | {"category": "Home"})
    assert found["verdict"] == "filtered" and kinds(found["reasons"]) == ["filtered"] * 4
    by_field = {reason["evidence"]["filter"]["field"]: reason for reason in found["reasons"]}
    assert {field: reason["evidence"]["value"] for field, reason in by_field.items()} == {
        "price": 5.0,
        "brand": "Bolt",
        "attributes.COLOUR": "red",
        "tags": None,
    }
    assert by_field["price"]["detail"] == "the filter on price wants ≥ 6 and < 50; the product's is 5"
    assert by_field["tags"]["detail"] == "the filter on tags wants x; the product has none"


async def test_a_filtered_product_is_told_where_it_would_be(client: httpx.AsyncClient) -> None:
    found = await explain(client, "mug-red", text="red mug", filters={"brand": "Acme"})
    assert found["verdict"] == "filtered" and found["place"]["rank"] == 1
    alone = (await search(client, text="red mug"))["hits"][0]
    assert found["place"]["explanation"]["image"] == pytest.approx(alone["explanation"]["image"])
    assert found["total"] == 4 and found["hit"]["rank"] == 4


async def test_no_shared_word_names_the_nearest(client: httpx.AsyncClient) -> None:
    found = await explain(client, "hoodie-red", text="hodie 红 zebra", mode="lexical")
    assert found["verdict"] == "no_shared_words" and found["place"] is None
    assert found["reasons"][0]["evidence"] == {"words": ["hodie", "红", "zebra"], "nearest": {"hodie": "hoodie"}}
    hybrid = await explain(client, "hoodie-red", text="hodie")
    assert hybrid["verdict"] == "shown" and kinds(hybrid["notes"]) == ["no_shared_words"]


async def test_a_variant_is_told_behind_which_it_is_hidden(client: httpx.AsyncClient) -> None:
    found = await explain(client, "mug-blue", text="green mug", group=True)
    assert found["verdict"] == "behind_a_variant" and found["place"]["rank"] is None
    evidence = found["reasons"][0]["evidence"]
    assert (evidence["product_id"], evidence["group_id"]) == ("mug-green", "mugs") and evidence["gap"] > 0


async def test_beyond_the_candidates_it_gets_its_exact_score(make_shop: MakeShop) -> None:
    wide, narrow = make_shop(), make_shop(QueryConfig(candidates=3))
    for shop in (wide, narrow):
        for at in range(8):
            await shop.put(f"p{at}", png("red"), title=f"mug {'red ' * at}", description=f"number {at}")
    async with wide.client() as all_found, narrow.client() as few_found:
        hits = (await search(all_found, text="red red mug", k=8))["hits"]
        found = await explain(few_found, hits[7]["product_id"], text="red red mug", k=2)
    assert found["verdict"] == "beyond_the_candidates" and found["total"] < 8
    assert found["place"]["score"] == pytest.approx(hits[7]["score"], abs=1e-6)
    assert found["place"]["score"] < found["last"]["score"] < found["hit"]["score"]
    assert sum(found["reasons"][0]["evidence"]["parts"].values()) == pytest.approx(
        found["hit"]["score"] - found["place"]["score"]
    )


async def test_a_product_that_is_searched_with_is_left_out(client: httpx.AsyncClient) -> None:
    assert (await explain(client, "mug-red", product_id="mug-red"))["verdict"] == "asked_with"


async def test_sorted_results_are_explained_by_what_they_are_sorted_by(client: httpx.AsyncClient) -> None:
    found = await explain(client, "hoodie-black", text="hoodie", sort="price", k=2)
    assert "sorted by price: hit 2 (hoodie-blue) has 30.0, it has 50.0" in found["reasons"][0]["detail"]


async def test_a_lack_of_a_picture_is_noted(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.put("plain", title="red mug")
    found = await explain(client, "plain", text="red mug")
    assert found["verdict"] == "shown" and kinds(found["notes"]) == ["no_image_part"]
    assert kinds((await explain(client, "plain", text="red mug", weights={"image": 0}))["notes"]) == []


@pytest.mark.parametrize(("age_ms", "said"), [(1500, "1,500 ms"), (None, "cannot be asked"), (0, "")])
async def test_a_stale_index_says_so(make_shop: MakeShop, age_ms: int | None, said: str) -> None:
    shop = make_shop(index_age_ms=lambda: age_ms)
    async with shop.client() as client:
        found = await explain(client, "nobody", text="mug")
    assert found["index_age_ms"] == age_ms and kinds(found["notes"]) == (["stale"] if said else [])
    assert not said or said in found["notes"][0]["detail"]


async def test_the_cache_is_not_asked(client: httpx.AsyncClient, shop: Shop) -> None:
    await search(client, text="red mug")
    stored, vector = (await shop.services.store.read(["mug-red"]))["mug-red"]
    # Behind the change log's back, as a lost notice would be: a cached answer would not know.
    await shop.delete("mug-red")
    await shop.services.change_log.append([])
    assert (await explain(client, "mug-red", text="red mug"))["verdict"] == "deleted"
    await shop.write("mug-red", stored, vector)
    assert (await explain(client, "mug-red", text="red mug"))["place"]["rank"] == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"query": {"k": 0}, "product_id": "a"}, 422, "k"),
        ({"query": {}, "product_id": "no/id"}, 422, "product_id"),
        ({"query": {}}, 422, ""),
        ({"product_id": "a", "query": {}, "more": 1}, 422, "more"),
        ({"query": {"product_id": "nobody"}, "product_id": "a"}, 422, "product_id"),
        ({"query": {"filters": {"size": 1}}, "product_id": "a"}, 422, "filters.size"),
        ({"query": {"audio": "AAAA"}, "product_id": "a"}, 422, "audio"),
        ({"query": {}, "product_id": "a" * 65}, 422, "product_id"),
        ([], 422, ""),
    ],
)
async def test_what_cannot_be_asked_is_refused(client: httpx.AsyncClient, body: Any, status: int, field: str) -> None:
    refused = await client.post("/v1/explain", json=body)
    assert refused.status_code == status, refused.text
    assert field == "" or refused.json()["errors"][0]["field"] == field


async def test_only_json_and_forms_with_files_are_taken(client: httpx.AsyncClient) -> None:
    assert (
        await client.post("/v1/explain", content=b"{", headers={"content-type": "application/json"})
    ).status_code == 400
    assert (await client.post("/v1/explain", data={"query": "{}"})).status_code == 415
    assert (await client.get("/v1/explain")).status_code == 405


async def test_answers_fit_the_openapi_document(client: httpx.AsyncClient) -> None:
    schema = {"$ref": "#/components/schemas/ProductExplanation", "components": openapi_document()["components"]}
    for product_id in ("mug-red", "nobody", "hoodie-red"):
        found = await explain(client, product_id, text="mug", filters={"category": "Home"}, k=1)
        jsonschema.Draft202012Validator(schema).validate(found)


async def test_a_product_with_words_that_are_left_out_is_told_where_it_has_them(shop: Shop) -> None:
    stored, vector = (await shop.services.store.read(["mug-red"]))["mug-red"]
    (reason,) = filter_rejections("mug-red", stored, vector, (WithoutWords(("red", "floral", "Bolts")),))
    assert (
        reason.detail == "the query leaves out products with “red” (in title, attributes.colour) and “Bolts” (in brand)"
    )
    assert reason.evidence["filter"] == {"without": ["red", "Bolts"]}
    assert filter_rejections("mug-red", stored, vector, (WithoutWords(("floral",)), NotIds(("mug-blue",)))) == []


async def test_nothing_of_it_is_logged(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await explain(client, "mug-red", text="secretword", user_id="secretuser")
    await client.post("/v1/explain", json={"query": {"text": "secretword", "k": 0}, "product_id": "mug-red"})
    assert "secret" not in str([vars(record) for record in caplog.records if record.name.startswith("query_api")])


async def test_without_a_query_the_place_is_found_however_far_it_is(make_shop: MakeShop) -> None:
    shop = make_shop(QueryConfig(browse_candidates=30))
    for at in range(40):
        await shop.put(f"p{at:02}", title="mug", price=100.0 - at)
    async with shop.client() as client:
        found = await explain(client, "p15", sort="price", k=5)
        assert (found["verdict"], found["place"]["rank"], found["total"]) == ("on_another_page", 25, 40)
        last = await explain(client, "p00", sort="price", k=5)
        assert (
            last["verdict"] == "beyond_the_candidates" and "30 products come before it" in last["reasons"][0]["detail"]
        )
        assert (await search(client, sort="price", k=5, offset=20))["hits"][4]["product_id"] == "p15"


async def test_what_words_are_taken_for_is_told(client: httpx.AsyncClient) -> None:
    found = await explain(client, "hoodie-black", text="hoodie under 30")
    assert found["verdict"] == "filtered" and found["reasons"][0]["evidence"]["value"] == 50.0
    assert [note["detail"] for note in found["notes"]] == ["“under 30” in the query is taken for a filter on price"]
    left_out = await explain(client, "mug-red", text="mug -red")
    assert "leaves out products with “red” (in title, attributes.colour)" in left_out["reasons"][0]["detail"]
