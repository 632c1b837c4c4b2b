"""A person who asks to be forgotten, store by store, in a whole stack."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from PIL import Image

from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from tests.remains import dead_letters, kafka_of, redis_of, redis_texts
from tests.stack import Stack, start_stack
from tests.unit.sounds import tone

WISH = "a wish that is nobody's business"
PERSONS = ("forgotten-by-command", "forgotten-by-http", "forgotten-by-event")


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("forgetting") / "stack"
    stack = start_stack(directory, VITRINE_ENCODER_NAME="mini", VITRINE_PRIVACY_SECRET="correct horse battery")
    yield stack
    stack.cli("down")


def user_event(type: str, age_s: float = 0.0, **data: Any) -> bytes:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age_s))
    event = {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "test", "type": type, "time": moment, "data": data}
    return json.dumps(event).encode()


def send(stack: Stack, *messages: tuple[str, bytes, bytes]) -> None:
    """Publish (topic, key, value) as they are."""

    async def run() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=kafka_of(stack))
        await producer.start()
        for topic, key, value in messages:
            await producer.send_and_wait(topic, value, key=key)
        await producer.stop()

    asyncio.run(run())
    stack.wait_until_indexed()


def shown(stack: Stack) -> list[dict[str, Any]]:
    return json.loads(stack.cli("dlq", "show", "--json", "-n", "100").stdout)


def exported(stack: Stack, person: str) -> dict[str, Any]:
    return json.loads(stack.cli("export-user", person).stdout)


def forget(stack: Stack, http: httpx.Client) -> None:
    """Each of the three in a way of its own."""
    by_command, by_http, by_event = PERSONS
    said = stack.cli("forget-user", by_command)
    assert "forgotten: all that the person did until" in said.stdout and by_command not in said.stdout
    assert http.delete(f"/v1/users/{by_http}").status_code == 204
    send(stack, (USER_EVENTS, by_event.encode(), user_event("user.forgotten", user_id=by_event)))


@pytest.mark.timeout(900)
def test_a_forgotten_person_is_in_no_store_and_does_not_come_back(own_stack, tmp_path):
    stack = own_stack
    file = tmp_path / "products.jsonl"
    file.write_text(json.dumps({"id": "lantern", "title": "Zanzibar lantern"}) + "\n")
    stack.cli("publish", "products", file)
    clicks = {
        person: user_event("user.clicked", 60, user_id=person, product_id="lantern") for person in (*PERSONS, "stays")
    }
    messages: list[tuple[str, bytes, bytes]] = []
    for person, click in clicks.items():
        key = person.encode()
        messages += [
            (USER_EVENTS, key, click),
            (USER_EVENTS, key, user_event("user.profiled", 60, user_id=person, traits={"age": "30-39"})),
            # What becomes a dead letter: too long, no JSON at all, too old, on the wrong topic.
            (USER_EVENTS, key, user_event("user.searched", 60, user_id=person, query=WISH + "!" * 1_000)),
            (USER_EVENTS, key, f"{person}: {WISH}".encode()),
            (USER_EVENTS, key, user_event("user.searched", 40 * 86_400, user_id=person, query=WISH)),
            (PRODUCT_EVENTS, key, user_event("user.searched", 60, user_id=person, query=WISH)),
        ]
    send(stack, *messages)
    stack.wait("all are dead letters", lambda: len(shown(stack)) == 16)
    before = shown(stack)
    assert {letter["state"] for letter in before} == {"open"}
    assert sum(WISH in str(letter["value"]) for letter in before) == 16
    raw = dead_letters(stack)
    assert WISH not in raw and not any(person in raw for person in clicks)
    assert all(person in redis_texts(stack) for person in clicks)

    known = exported(stack, PERSONS[0])
    assert known["interactions"][0]["product_id"] == "lantern" and len(known["dead_letters"]) == 4
    assert WISH in str(known["dead_letters"]) and "stays" not in str(known)
    assert {event["type"] for event in known["log"]} >= {"user.clicked", "user.searched"}

    with httpx.Client(base_url=stack.url, timeout=30, trust_env=False) as http:
        search_by_picture_and_voice(stack, http)
        forget(stack, http)
        left = exported(stack, PERSONS[0])
        assert not any(left[name] for name in left.keys() - {"user_id", "ids", "log"})
        forgotten = [letter for letter in shown(stack) if letter["state"] == "forgotten"]
        assert len(forgotten) == 12 and all(not letter["value"] and not letter["error"] for letter in forgotten)
        remaining = redis_texts(stack)
        assert not any(person in remaining for person in PERSONS) and "stays" in remaining
        assert (
            sum(reason["forgotten"] for reason in json.loads(stack.cli("dlq", "list", "--json").stdout).values()) == 12
        )
        assert "of a forgotten person" in stack.cli("dlq", "show").stdout

        # Neither a replay, nor a late event, nor a rebuild of all profiles brings anything back.
        rehearsed = stack.cli("dlq", "replay", "--dry-run").stdout
        assert "would replay 4" in rehearsed and "12 are of forgotten people" in rehearsed
        stated = [message for message in messages if message[1].decode() in PERSONS and message[2].startswith(b"{")]
        send(stack, *stated)
        assert not any(person in redis_texts(stack) for person in PERSONS)
        raw = dead_letters(stack)
        assert WISH not in raw and not any(person in raw for person in PERSONS)
        with closing(redis_of(stack)) as redis:
            redis.flushall()
            stack.wait("profiles are restored", lambda: bool(redis.exists("vitrine:profiles:restored:2")))
        remaining = redis_texts(stack)
        assert not any(
            f"vitrine:user:{person}:{part}" in remaining for person in PERSONS for part in ("events", "traits")
        )
        assert "vitrine:user:stays:events" in remaining

        logs = [path.read_text(errors="replace") for path in (stack.data_dir / "logs").rglob("*") if path.is_file()]
        urls = [worker["url"] for worker in stack.status()["indexing_workers"]] + [stack.url]
        metrics = [httpx.get(f"{url}/metrics", trust_env=False).text for url in urls]
    told = "".join([*logs, *metrics])
    assert "vitrine_dead_letters_total" in told and "batch_indexed" in told
    assert WISH not in told
    assert not any(person in told for person in clicks)


def search_by_picture_and_voice(stack: Stack, http: httpx.Client) -> None:
    """A person's own picture and voice are searched with, and kept nowhere."""
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(picture, "PNG")
    voice = tone(seconds=0.5)
    for field, data in (("image", picture.getvalue()), ("audio", voice)):
        body = {field: base64.b64encode(data).decode(), "user_id": PERSONS[0]}
        assert http.post("/v1/search", json=body).status_code in (200, 422)
    assert not [path for path in Path(stack.data_dir / "media").rglob("*") if path.is_file()]
