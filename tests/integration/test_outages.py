"""Servers that go away: searches degrade and say so, nothing is lost, and all is well when they are back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.milvus3 import free_port
from tests.stack import Stack, start_stack


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose servers may be killed."""
    stack = start_stack(tmp_path_factory.mktemp("outages"), VITRINE_ENCODER_NAME="hash")
    publish(stack, "before", "Kettle before the outage")
    stack.wait_until_indexed()
    yield stack
    stack.cli("down")


def publish(stack: Stack, product_id: str, title: str) -> None:
    file = Path(stack.data_dir) / f"{product_id}.jsonl"
    file.write_text(json.dumps({"id": product_id, "title": title}) + "\n")
    stack.cli("publish", "products", file)


def kill(stack: Stack, server: str) -> None:
    os.kill(stack.status()[server]["pid"], signal.SIGKILL)


def search(url: str, text: str = "kettle") -> httpx.Response:
    return httpx.post(f"{url}/v1/search", json={"text": text, "user_id": "ada"}, timeout=30, trust_env=False)


def found(url: str, text: str = "kettle") -> set[str]:
    response = search(url, text)
    return {hit["product_id"] for hit in response.json()["hits"]} if response.status_code == 200 else set()


@contextmanager
def query_worker(stack: Stack, milvus: str) -> Generator[tuple[str, Path]]:
    """Another query worker on a stack's servers, though its Milvus does not run; the worker's URL and its log."""
    log, port = stack.data_dir / "other.log", free_port()
    command = [sys.executable, "-P", "-m", "vitrine", "worker", "query"]
    settings = {"VITRINE_QUERY_PORT": str(port), "VITRINE_MILVUS_URI": milvus}
    with log.open("w") as file:
        process = subprocess.Popen(command, env=stack.env | settings, stderr=file)
    try:
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.terminate()
        process.wait(30)


def is_listening(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_without_redis_searches_are_uncached_impersonal_and_say_so(own_stack):
    url = own_stack.url
    kill(own_stack, "redis")
    response = search(url)
    assert response.status_code == 200 and response.json()["cache"] == "bypass"
    assert set(response.json()["degraded"]) >= {"cache", "personalisation"}
    publish(own_stack, "redisless", "Kettle indexed without Redis")
    own_stack.wait("indexing goes on", lambda: "redisless" in found(url))
    own_stack.cli("up", "--detach")
    own_stack.wait("the cache is back", lambda: search(url).json()["degraded"] == [])


def test_without_milvus_searches_say_when_to_try_again_and_events_wait(own_stack):
    url, milvus = own_stack.url, own_stack.status()["milvus"]["uri"]
    kill(own_stack, "milvus")
    own_stack.wait("503", lambda: search(url, "something else").status_code == 503)
    assert int(search(url, "something else").headers["retry-after"]) >= 1
    assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 503
    publish(own_stack, "waiting", "Kettle published while Milvus was away")
    with query_worker(own_stack, milvus) as (other, log):
        own_stack.wait("it waits", lambda: "server_unavailable" in log.read_text())
        own_stack.cli("up", "--detach")
        own_stack.wait("both are searchable", lambda: {"before", "waiting"} <= found(url))
        own_stack.wait("it answers, too", lambda: is_listening(other) and "waiting" in found(other))


def test_without_kafka_searches_are_answered_and_indexing_resumes(own_stack):
    url = own_stack.url
    kill(own_stack, "kafka")
    assert "before" in found(url)
    own_stack.cli("up", "--detach")
    publish(own_stack, "after", "Kettle published after Kafka came back")
    own_stack.wait("it is searchable", lambda: "after" in found(url))
    own_stack.wait_until_indexed()
    assert own_stack.status()["products"]["searchable"] == 4
