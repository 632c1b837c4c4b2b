"""The client library, against the HTTP that a query worker speaks."""

import base64
import json

import httpx
import pytest

from vitrine.client import Client
from vitrine.errors import NotRunning, SearchRefused

ANSWER = {
    "query_id": "q",
    "hits": [{"product_id": "p1", "score": 0.5, "title": "Hoodie", "price": 49.0, "currency": "USD", "new_field": 1}],
    "total": 1,
    "took_ms": 3,
    "cache": "miss",
    "degraded": [],
    "generation": "g",
    "index_age_ms": 0,
}


def client_of(answer):
    return Client("http://worker/", transport=httpx.MockTransport(answer))


def test_a_search_is_sent_as_the_contract_says_and_read_back():
    asked = {}

    def answer(request):
        asked.update(json.loads(request.content), path=request.url.path)
        return httpx.Response(200, json=ANSWER)

    with client_of(answer) as client:
        found = client.search("hoodie", image=b"jpeg", user_id="u", k=3, filters={"price": {"lt": 50}}, mode="dense")
    assert asked == {
        "path": "/v1/search",
        "text": "hoodie",
        "image": base64.b64encode(b"jpeg").decode(),
        "user_id": "u",
        "k": 3,
        "filters": {"price": {"lt": 50}},
        "mode": "dense",
    }
    assert [hit.product_id for hit in found.hits] == ["p1"]
    assert found.cache == "miss"


def test_a_picture_by_url_is_sent_as_a_url():
    def answer(request):
        assert json.loads(request.content)["image"] == {"url": "https://shop/x.jpg"}
        return httpx.Response(200, json=ANSWER)

    client_of(answer).search(image="https://shop/x.jpg")


def test_an_explanation_is_asked_for_with_the_search_and_the_product():
    asked = {}

    def answer(request):
        asked.update(json.loads(request.content), path=request.url.path)
        return httpx.Response(200, json={"verdict": "shown"})

    with client_of(answer) as client:
        found = client.explain("p1", "hoodie", audio=b"wav", video="https://shop/x.mp4", product_id="p2", k=None)
    assert found == {"verdict": "shown"}
    media = {"audio": base64.b64encode(b"wav").decode(), "video": {"url": "https://shop/x.mp4"}}
    query = {"text": "hoodie", "product_id": "p2", **media}
    assert asked == {"path": "/v1/explain", "query": query, "product_id": "p1"}


def test_a_problem_is_told_in_the_workers_words():
    problem = {"title": "Invalid request", "detail": "`k` must be at most 100", "status": 422}
    with pytest.raises(SearchRefused, match="422: Invalid request; `k` must be at most 100") as refused:
        client_of(lambda _: httpx.Response(422, json=problem)).search("x")
    assert refused.value.status == 422


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"hits": 3}'])
def test_something_else_on_the_port_is_told_apart(body):
    with pytest.raises(SearchRefused):
        client_of(lambda _: httpx.Response(200, content=body)).search("x")
    with pytest.raises(SearchRefused, match="500"):
        client_of(lambda _: httpx.Response(500, content=body)).search("x")


def test_nothing_on_the_port_names_the_way_out():
    with pytest.raises(NotRunning, match="vitrine up"):
        Client("http://127.0.0.1:1").search("x")


def test_parts_are_sent_with_their_weights_and_what_was_understood_is_read_back():
    asked = {}

    def answer(request):
        asked.update(json.loads(request.content))
        understood = {"price": {"lt": 50.0}, "phrase": "under 50"}
        return httpx.Response(
            200, json=ANSWER | {"did_you_mean": "hoodie", "corrected": True, "understood": understood}
        )

    with client_of(answer) as client:
        parts = [{"image": b"jpeg"}, {"text": "red", "weight": -1.0}]
        found = client.search("hodie under 50", product_id="p", parts=parts, correct=True)
    assert asked["parts"] == [{"image": base64.b64encode(b"jpeg").decode()}, {"text": "red", "weight": -1.0}]
    assert asked["product_id"] == "p" and asked["correct"] is True
    assert found.did_you_mean == "hoodie" and found.corrected
    assert found.understood == {"price": {"lt": 50.0}, "phrase": "under 50"}


def sent_by(client: Client) -> str | None:
    return client._http.headers.get("authorization")


def test_the_key_of_the_environment_is_sent_unless_another_is_given(monkeypatch):
    monkeypatch.delenv("VITRINE_API_KEY", raising=False)
    assert sent_by(Client("http://worker")) is None
    monkeypatch.setenv("VITRINE_API_KEY", "of-the-environment")
    assert sent_by(Client("http://worker")) == "Bearer of-the-environment"
    assert sent_by(Client("http://worker", api_key="given")) == "Bearer given"
    assert sent_by(Client("http://worker", api_key="")) is None
    assert sent_by(Client("http://worker", headers={"authorization": "Bearer mine"})) == "Bearer mine"


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (401, {}, "set VITRINE_API_KEY to a key, make one by `vitrine apikey create --scope search`"),
        (403, {}, "`vitrine apikey list` shows what keys have"),
        (429, {"retry-after": "7"}, "again in 7 s"),
    ],
)
def test_whoever_is_turned_away_is_told_what_to_do(status, headers, told, monkeypatch):
    monkeypatch.delenv("VITRINE_API_KEY", raising=False)
    problem = {"title": "No", "status": status, "detail": "because"}
    with pytest.raises(SearchRefused, match=r"because") as refused:
        client_of(lambda _: httpx.Response(status, json=problem, headers=headers)).search("x")
    assert told in str(refused.value) and refused.value.status == status


def test_recommendations_and_events_go_to_their_routes():
    asked = []

    def answer(request):
        asked.append((request.method, request.url.raw_path.decode(), request.content))
        hit = ANSWER["hits"][0] | {"reason": "you bought it", "because": {"did": "purchased", "product_id": "p1"}}
        return httpx.Response(200, json={"id": "e1"} if request.method == "POST" else ANSWER | {"hits": [hit]})

    with client_of(answer) as client:
        found = client.recommend("a/b", "again", filters={"brand": "Acme"}, k=3, facets=["brand", "price"])
        assert client.tell("user.identified", user_id="ada", anonymous_id="cookie") == "e1"
    assert found.hits[0].reason == "you bought it" and found.hits[0].because["did"] == "purchased"
    (got, path, _), (posted, route, body) = asked
    assert (got, posted, route) == ("GET", "POST", "/v1/events")
    assert path.startswith("/v1/users/a%2Fb/recommendations?kind=again&filters=%7B%22brand") and "k=3" in path
    assert json.loads(body)["data"] == {"user_id": "ada", "anonymous_id": "cookie"}
