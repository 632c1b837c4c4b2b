"""Changes as they happen: what is published is searchable at once, for the right person, and lost by no crash."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.monitoring import asked_metrics
from tests.stack import Stack, start_stack

CLICKS = 10


@pytest.fixture
def publish(stack: Stack, tmp_path: Path):
    """Publishes events through the command line."""

    def send(kind: str, rows: list[dict[str, Any]]) -> None:
        file = tmp_path / f"{uuid.uuid4().hex}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        stack.cli("publish", kind, file)

    return send


def cloud_event(type: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "test", "type": type, "data": data}


def found(http: httpx.Client, text: str, **more: Any) -> list[dict[str, Any]]:
    response = http.post("/v1/search", json={"text": text, "mode": "lexical", **more})
    assert response.status_code == 200, response.text
    return response.json()["hits"]


def test_a_new_product_a_price_change_and_a_deletion_show_at_once_also_in_cached_results(stack, http, publish):
    assert found(http, "zanzibar lantern") == []
    publish("products", [{"id": "live-1", "title": "Zanzibar lantern", "price": 10.0}])
    stack.wait("the product is found", lambda: len(found(http, "zanzibar lantern")) == 1)
    publish("events", [cloud_event("product.updated", {"product_id": "live-1", "price": 8.5})])
    stack.wait("the new price shows", lambda: found(http, "zanzibar lantern")[0]["price"] == 8.5)
    publish("events", [cloud_event("product.deleted", {"product_id": "live-1"})])
    stack.wait("the product is gone", lambda: found(http, "zanzibar lantern") == [])
    assert http.get("/v1/products/live-1").status_code == 404


def test_what_was_done_before_a_login_is_recommended_from_until_the_person_opts_out(stack, http, publish):
    cookie, ada, ben = (f"{name}-{uuid.uuid4().hex[:6]}" for name in ("cookie", "ada", "ben"))
    publish("products", [{"id": f"kind-{n}", "title": f"Yuzu bowl {n}", "category": "Kinds/Bowls"} for n in range(3)])

    def recommended(kind: str, **anchor: Any) -> list[tuple[str, str]]:
        asked = {"kind": kind, "filters": json.dumps({"category": "Kinds"}), **anchor}
        response = http.get(f"/v1/users/{ada}/recommendations", params=asked)
        assert response.status_code == 200, response.text
        return [(hit["product_id"], hit.get("reason", "")) for hit in response.json()["hits"]]

    together = [{"type": "purchase", "user_id": ben, "product_id": f"kind-{n}", "session_id": "b"} for n in range(2)]
    looked = {"type": "view", "user_id": cookie, "product_id": "kind-0", "session_id": "a"}
    publish("events", [*together, looked, {"type": "login", "user_id": ada, "anonymous_id": cookie}])
    stack.wait("it is theirs", lambda: recommended("recent") == [("kind-0", "you looked at it")])
    because = [("kind-1", "because you looked at Yuzu bowl 0")]
    stack.wait("the session goes on", lambda: recommended("continue", session_id="a")[:1] == because)
    assert recommended("together", product_id="kind-0") == [("kind-1", "chosen together with Yuzu bowl 0")]
    exported = json.loads(stack.cli("export-user", ada).stdout)
    assert exported["ids"] == [ada, cookie] and exported["sessions"][0]["user_id"] == cookie
    publish("events", [{"type": "profile", "user_id": ada, "learning": "no"}])
    stack.wait("they opted out", lambda: recommended("recent") == [])
    publish("events", [{"type": "view", "user_id": cookie, "product_id": "kind-2"}])
    stack.wait_until_indexed()
    stored = json.loads(stack.cli("export-user", ada).stdout)["interactions"]
    assert [one["product_id"] for one in stored] == ["kind-0"]


def test_a_persons_clicks_move_what_they_like_up_for_them_and_for_nobody_else(stack, http, publish):
    rows = [
        {"id": f"taste-{kind}-{n}", "title": f"Qwertz {kind} number {n}", "category": f"Things/{kind}"}
        for kind in ("Hats", "Boots")
        for n in range(12)
    ]
    publish("products", rows)
    stack.wait("all are found", lambda: len(found(http, "qwertz", k=30)) == 24)
    person = f"person-{uuid.uuid4().hex}"
    before = [one["category"] for one in found(http, "qwertz", k=12, user_id=person)]
    clicks = [{"user_id": person, "product_id": f"taste-Hats-{n}"} for n in range(CLICKS)]
    publish("events", [cloud_event("user.clicked", data) for data in clicks])

    def hats(user_id: str | None) -> int:
        return [one["category"] for one in found(http, "qwertz", k=12, user_id=user_id)].count("Things/Hats")

    stack.wait("the person sees hats", lambda: hats(person) == 12)
    assert before.count("Things/Hats") < 12
    assert [one["category"] for one in found(http, "qwertz", k=12, user_id="somebody-else")] == before


def test_bad_events_are_dead_letters_with_their_reason_and_the_service_goes_on(stack, http, publish, tmp_path):
    import asyncio

    from aiokafka import AIOKafkaProducer

    from streams.events.schema import PRODUCT_EVENTS

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=stack.status()["kafka"]["bootstrap_servers"])
        await producer.start()
        for value in (
            b"\xff not json",
            b"{}",
            json.dumps(cloud_event("product.created", {"product_id": "x", "no": 1})).encode(),
        ):
            await producer.send_and_wait(PRODUCT_EVENTS, value, key=b"bad")
        await producer.stop()

    asyncio.run(send())
    publish("products", [{"id": "after-bad", "title": "Marzipan teapot"}])
    stack.wait("the service goes on", lambda: len(found(http, "marzipan")) == 1)
    reasons = json.loads(stack.cli("dlq", "list", "--json").stdout)
    assert reasons["undecodable"]["count"] >= 1 and reasons["invalid"]["count"] >= 2


def test_batches_bare_data_base64_and_tombstones_are_taken_event_by_event(stack, http):
    import asyncio

    from aiokafka import AIOKafkaProducer

    from streams.events.schema import PRODUCT_EVENTS

    def created(n: int, **more: Any) -> dict[str, Any]:
        return cloud_event("product.created", {"product_id": f"mode-{n}", "title": f"Xylograph number {n}", **more})

    def in_base64(event: dict[str, Any]) -> dict[str, Any]:
        data = base64.b64encode(json.dumps(event.pop("data")).encode()).decode()
        return event | {"data_base64": data}

    batch = [created(0), in_base64(created(1)), created(2, no_such_field=1), *(created(n) for n in range(3, 6))]
    bare = created(6)
    attributes = {f"CE_{name}": bare[name].encode() for name in ("specversion", "id", "source", "type")}

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=stack.status()["kafka"]["bootstrap_servers"])
        async with producer:
            for key, value, headers, timestamp_ms in (
                (None, batch, {"Content-Type": b"application/cloudevents-batch+json"}, None),
                (b"mode-6", bare["data"], attributes | {"Content-Type": b"application/json"}, None),
                (b"mode-7", created(7), {}, 0),
                (b"mode-8", created(8, version=1), {}, 0),
            ):
                sent = json.dumps(value).encode()
                await producer.send_and_wait(
                    PRODUCT_EVENTS, sent, key, timestamp_ms=timestamp_ms, headers=[*headers.items()]
                )

    async def delete(product_id: str) -> None:
        async with AIOKafkaProducer(bootstrap_servers=stack.status()["kafka"]["bootstrap_servers"]) as producer:
            await producer.send_and_wait(PRODUCT_EVENTS, None, product_id.encode())

    def ids() -> list[str]:
        return sorted(one["product_id"] for one in found(http, "xylograph", k=20))

    asyncio.run(send())
    stack.wait("all but the bad ones are found", lambda: ids() == [f"mode-{n}" for n in (0, 1, 3, 4, 5, 6, 8)])
    stack.wait_until_indexed()
    assert (http.post("/v1/search", json={"text": "xylograph"}).json()["index_age_ms"] or 0) < 60_000
    letters = json.loads(stack.cli("dlq", "show", "--reason", "invalid", "-n", "20", "--json").stdout)
    errors = [letter["error"] for letter in letters]
    assert sum("no_such_field" in error for error in errors) == 1
    assert sum("has no time" in error for error in errors) == 1
    asyncio.run(delete("mode-4"))
    stack.wait("the tombstone deleted its product", lambda: "mode-4" not in ids())


def test_a_worker_killed_in_mid_publish_loses_nothing_and_doubles_nothing(tmp_path):
    settings = {"VITRINE_ENCODER_NAME": "hash", "VITRINE_KAFKA_SESSION_TIMEOUT_S": "6"}
    stack = start_stack(tmp_path / "crash", "--workers", "2", **settings)
    try:
        file = tmp_path / "many.jsonl"
        rows = [{"id": f"crash-{n}", "title": f"Crash test dummy number {n}", "price": n} for n in range(3_000)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        stack.cli("publish", "products", file)
        first, second = stack.status()["indexing_workers"]
        os.kill(first["pid"], signal.SIGKILL)
        assert [one["pid"] for one in stack.status()["indexing_workers"]] == [second["pid"]]
        stack.cli("up", "--detach", "--workers", "2")
        again = {one["name"]: one["pid"] for one in stack.status()["indexing_workers"]}
        assert again[second["name"]] == second["pid"] and again[first["name"]] != first["pid"]
        stack.wait_until_indexed()
        assert stack.status()["products"] == {"searchable": 3_000, "incomplete": 0}
        with httpx.Client(base_url=stack.url, trust_env=False) as http:
            for n in range(0, 3_000, 100):
                assert http.get(f"/v1/products/crash-{n}").json()["price"] == n
    finally:
        stack.cli("down")


def test_health_and_metrics_are_served_by_both_kinds_of_worker(stack):
    status = stack.status()
    for worker in status["indexing_workers"] + status["query_workers"]:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert httpx.get(worker["url"] + path, trust_env=False).status_code == 200
    assert status["healthy"]


def test_workers_have_every_metric_that_alerts_and_dashboards_ask_for(stack):
    status = stack.status()
    pages = [
        httpx.get(worker["url"] + "/metrics", trust_env=False).text
        for worker in status["indexing_workers"] + status["query_workers"]
    ]
    named = {name for page in pages for name in re.findall(r"(?m)^# TYPE (vitrine_\w+)", page)}
    assert asked_metrics() <= named
    values = dict(re.findall(r"(?m)^(vitrine_(?:device|cpu|index_age)_seconds\w*) (\S+)$", "\n".join(pages)))
    assert float(values["vitrine_cpu_seconds_total"]) > 0 and float(values["vitrine_index_age_seconds"]) >= 0
