"""Explanations of searches by voice and by clip: as those searches rank, and what was heard of them."""

from __future__ import annotations

import base64
import json
from typing import Any

import jsonschema
import pytest

from encoders.speech.port import ScriptedRecogniser, Transcript
from query_api.http.openapi.document import openapi_document
from tests.shop import MakeShop, Shop, png
from tests.unit.sounds import clip, tone

TONE = base64.b64encode(tone(0.2)).decode()


async def with_mugs(make_shop: MakeShop, heard: Transcript) -> Shop:
    shop = make_shop(recogniser=ScriptedRecogniser(heard))
    for colour in ("red", "blue", "green"):
        await shop.put(f"mug-{colour}", png(colour, "white"), title=f"{colour} mug", price=5.0)
    return shop


async def explain(shop: Shop, product_id: str, /, **query: Any) -> dict[str, Any]:
    async with shop.client() as client:
        response = await client.post("/v1/explain", json={"query": query, "product_id": product_id})
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("request_", [{"audio": TONE}, {"video": base64.b64encode(clip(["blue"])).decode()}])
async def test_hits_are_explained_as_the_search_ranks_and_scores_them(make_shop: MakeShop, request_: Any) -> None:
    shop = await with_mugs(make_shop, Transcript("blue mug"))
    async with shop.client() as client:
        hits = (await client.post("/v1/search", json=request_ | {"explain": True})).json()["hits"]
    assert len(hits) == 3
    for rank, hit in enumerate(hits, 1):
        found = await explain(shop, hit["product_id"], **request_)
        assert (found["verdict"], found["place"]["rank"]) == ("shown", rank)
        assert found["place"]["score"] == pytest.approx(hit["score"], abs=1e-6)


async def test_what_was_heard_is_noted(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("blue jug", ("blue mug",), "it is not sure"))
    note = (await explain(shop, "mug-blue", audio=TONE))["notes"][0]
    assert note["kind"] == "heard"
    assert note["evidence"] == {"text": "blue jug", "alternatives": ["blue mug"], "problem": "it is not sure"}


async def test_a_search_that_was_not_understood_is_the_reason(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("", problem="no speech"))
    found = await explain(shop, "mug-blue", audio=TONE)
    assert found["verdict"] == "not_understood" and found["place"] is None and found["total"] == 0
    assert "no speech" in found["reasons"][0]["detail"] and found["notes"] == []
    assert (await explain(shop, "nobody", audio=TONE))["verdict"] == "not_indexed"
    schema = {"$ref": "#/components/schemas/ProductExplanation", "components": openapi_document()["components"]}
    jsonschema.Draft202012Validator(schema).validate(found)


async def test_the_rest_of_a_search_is_explained_where_speech_was_not_understood(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("", problem="no speech"))
    found = await explain(shop, "mug-green", audio=TONE, text="green mug")
    assert found["verdict"] == "shown" and [note["kind"] for note in found["notes"]] == ["heard"]


async def test_files_of_a_form_belong_to_the_search(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("red mug"))
    files = [("audio", tone(0.2)), ("video", clip(["red"])), ("image", png("red")), ("image", png("red", "white"))]
    async with shop.client() as client:
        given = {"query": json.dumps({"k": 1}), "product_id": "mug-red"}
        found = await client.post("/v1/explain", data=given, files=files)
        assert found.status_code == 200, found.text
        assert found.json()["verdict"] == "shown" and found.json()["hit"]["rank"] == 1
        alone = await client.post("/v1/explain", data={"product_id": "mug-red"}, files=files[:1])
        assert alone.json()["notes"][0]["evidence"]["text"] == "red mug"


@pytest.mark.parametrize(
    ("given", "files", "status", "field"),
    [
        ({}, [("audio", b"x")], 422, ""),
        ({"product_id": "a", "text": "mug"}, [("audio", b"x")], 422, "text"),
        ({"product_id": "a"}, [("sound", b"x")], 422, "sound"),
        ({"product_id": "a"}, [("audio", b"")], 422, "audio"),
        ({"product_id": "a"}, [("audio", tone(0.1)), ("audio", tone(0.1))], 422, "audio"),
        ({"product_id": "a", "query": "{"}, [("audio", tone(0.1))], 400, ""),
        ({"product_id": "a", "query": '{"k": 0}'}, [("audio", tone(0.1))], 422, "k"),
    ],
)
async def test_forms_that_cannot_be_read_are_refused(
    make_shop: MakeShop, given: dict[str, str], files: Any, status: int, field: str
) -> None:
    async with make_shop().client() as client:
        refused = await client.post("/v1/explain", data=given, files=files)
    assert refused.status_code == status, refused.text
    assert field == "" or refused.json()["errors"][0]["field"] == field
