"""Searches by voice and by clip: what is heard counts as text, what is seen as a picture, and the answer says so."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from encoders.errors import WorkerProcessUnavailable
from encoders.speech.port import ScriptedRecogniser, SpokenVocabulary, Transcript
from query_api.understanding.background_refresh import CatalogueVocabulary, RecogniserUpdater, RefreshIntervals
from query_api.understanding.spoken_words import SpokenWordCounts, add_price_words
from tests.shop import MakeShop, Shop, png
from tests.unit.sounds import clip, tone

TONE = base64.b64encode(tone(0.2)).decode()
MUTE = Transcript("", problem="set speech.model")


async def answer(shop: Shop, **asked: Any) -> dict[str, Any]:
    async with shop.client() as client:
        response = await client.post("/v1/search", json=asked)
        assert response.status_code == 200, response.text
        return response.json()


async def with_mugs(make_shop: MakeShop, *transcripts: Transcript, **replaced: Any) -> Shop:
    shop = make_shop(recogniser=ScriptedRecogniser(*transcripts), **replaced)
    for colour in ("red", "blue", "green"):
        await shop.put(f"mug-{colour}", png(colour, "white"), title=f"{colour} mug", price=5.0)
    return shop


def ids(found: dict[str, Any]) -> list[str]:
    return [hit["product_id"] for hit in found["hits"]]


async def test_a_spoken_query_is_searched_for_as_its_words(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("Blue  mug"))
    found = await answer(shop, audio=TONE)
    typed = await answer(shop, text="Blue mug")
    assert found["hits"] == typed["hits"] and ids(found)[0] == "mug-blue"
    assert found["understood"]["speech"] == "Blue mug" and found["degraded"] == []
    assert found["understood"]["recogniser"] == "scripted"


async def test_what_else_it_may_have_been_is_looked_for_too(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("glue jug", ("blue jug", "blue mug")))
    found = await answer(shop, audio=TONE, mode="lexical", correct=False)
    assert ids(found)[0] == "mug-blue"
    assert found["understood"]["speech_alternatives"] == ["blue jug", "blue mug"]


async def test_what_was_heard_counts_more_than_what_else_it_may_have_been(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("red mug", ("blue mug",)))
    # Among equals the first by its id would lead.
    assert ids(await answer(shop, audio=TONE, mode="lexical"))[:2] == ["mug-red", "mug-blue"]


async def test_speech_goes_through_the_same_understanding_as_text(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("mug under 4 dollars"))
    found = await answer(shop, audio=TONE)
    assert found["understood"]["price"] == {"lt": 4.0} and found["hits"] == []


async def test_speech_that_is_not_understood_finds_nothing_and_says_what_helps(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, MUTE)
    found = await answer(shop, audio=TONE)
    assert found["hits"] == [] and found["total"] == 0 and found["degraded"] == ["audio"]
    assert found["understood"] == {
        "speech": "",
        "speech_problem": "set speech.model",
        "recogniser": "scripted",
    }


async def test_the_rest_of_a_query_counts_when_speech_is_not_understood(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, MUTE)
    found = await answer(shop, audio=TONE, text="green mug")
    assert ids(found)[0] == "mug-green" and found["degraded"] == ["audio"]


async def test_a_sound_is_listened_to_once(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("mug"))
    for offset in range(3):
        await answer(shop, audio=TONE, offset=offset)
    recogniser = shop.services.recogniser
    assert isinstance(recogniser, ScriptedRecogniser) and len(recogniser.received_samples) == 1


async def test_a_recogniser_that_is_away_is_a_reason_to_come_again(make_shop: MakeShop) -> None:
    class Away(ScriptedRecogniser):
        async def transcribe(self, samples: Any) -> Transcript:
            raise WorkerProcessUnavailable("no process")

    async with make_shop(recogniser=Away()).client() as client:
        response = await client.post("/v1/search", json={"audio": TONE})
        assert response.status_code == 503 and "retry-after" in response.headers


async def test_a_service_without_a_recogniser_says_so(make_shop: MakeShop) -> None:
    async with make_shop(recogniser=None, media_decoder=None).client() as client:
        for field in ("audio", "video"):
            response = await client.post("/v1/search", json={field: TONE})
            assert response.status_code == 422 and response.json()["errors"][0]["field"] == field


async def test_a_clip_finds_what_it_shows(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop)
    await shop.put("clip-like", png("white", "blue", "blue"), title="kettle")
    shown = base64.b64encode(clip(["blue"])).decode()
    found = await answer(shop, video=shown)
    assert ids(found)[0] == "clip-like" and found["hits"][0]["score"] > 0
    assert found["cache"] == "miss" and (await answer(shop, video=shown))["cache"] == "hit"


async def test_sounds_and_clips_come_as_files_of_a_form(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("red mug"))
    async with shop.client() as client:
        files = {"audio": ("a.wav", tone(0.2)), "video": ("b.mp4", clip(["red"]))}
        response = await client.post("/v1/search", data={"k": "1"}, files=files)
        assert response.status_code == 200, response.text
        assert ids(response.json()) == ["mug-red"]


@pytest.mark.parametrize("field", ["audio", "video"])
@pytest.mark.parametrize("data", [png("red"), clip(["red"])[:300], tone()[:20], b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n"])
async def test_files_of_other_kinds_and_broken_ones_are_refused(
    client: httpx.AsyncClient, field: str, data: bytes
) -> None:
    response = await client.post("/v1/search", json={field: base64.b64encode(data).decode()})
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == field


def test_counts_tell_words_neighbours_and_companions() -> None:
    counts = SpokenWordCounts()
    counts.add({"title": "Red T-shirt 500 g", "brand": "Acme", "attributes": {"fit": ["slim fit"]}})
    counts.add({"title": "红色 Men's red mug"})
    spoken = counts.spoken_words()
    number = dict(zip(spoken.words, spoken.counts, strict=True))
    assert number == {"red": 2, "t": 1, "shirt": 1, "g": 1, "acme": 1, "slim": 1, "fit": 1, "men's": 1, "mug": 1}
    places = {word: at for at, word in enumerate(spoken.words)}
    assert (places["red"], places["t"], 1) in spoken.bigrams
    assert any(
        {cooccurrence, other} == {places["acme"], places["slim"]} for cooccurrence, other, _ in spoken.cooccurrences
    )


async def test_a_recogniser_is_taught_what_is_new_and_only_that(make_shop: MakeShop) -> None:
    shop = make_shop()
    words = CatalogueVocabulary(shop.services.store, shop.services.change_log, RefreshIntervals())
    recogniser = ScriptedRecogniser()
    lessons = RecogniserUpdater(words, recogniser, RefreshIntervals())
    await lessons.update(recogniser)
    words.spoken_counts = SpokenWordCounts()
    words.spoken_counts.add({"title": "kettle"})
    for _ in range(2):
        await lessons.update(recogniser)
    assert recogniser.received_vocabularies == [add_price_words(SpokenVocabulary(["kettle"], [1], [], []))]
    words.spoken_counts.add({"title": "teapot"})
    await lessons.update(recogniser)
    assert recogniser.received_vocabularies[-1].words[:2] == ["kettle", "teapot"]
    words.spoken_counts.add({"title": "kettle"})
    await lessons.update(recogniser)
    assert len(recogniser.received_vocabularies) == 2


async def test_a_price_that_was_spoken_filters(make_shop: MakeShop) -> None:
    shop = await with_mugs(make_shop, Transcript("mug under twenty five", ("mug under thirty five",)))
    found = await answer(shop, audio=TONE)
    assert found["understood"]["price"] == {"lt": 25.0} and len(found["hits"]) == 3
    assert found["understood"]["speech"] == "mug under 25" and found["understood"]["speech_alternatives"] == ["mug"]


def test_words_of_prices_are_added_to_those_of_the_catalogue() -> None:
    spoken = add_price_words(SpokenVocabulary(["mug", "seven"], [400, 2], [(0, 1, 2)], [(0, 1, 2)]))
    number = dict(zip(spoken.words, spoken.counts, strict=True))
    places = {word: at for at, word in enumerate(spoken.words)}
    following = {(first, second): count for first, second, count in spoken.bigrams}
    assert spoken.words[:2] == ["mug", "seven"] and number["mug"] == 400 and number["seven"] > 2
    assert following[0, 1] == 2 and spoken.cooccurrences == [(0, 1, 2)]
    assert following[places["under"], places["fifty"]] > following[places["under"], places["nine"]] > 0
    assert (places["twenty"], places["five"]) in following and len(following) == len(spoken.bigrams)
