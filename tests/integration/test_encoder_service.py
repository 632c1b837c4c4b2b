"""A stack of two indexing workers and one encoder service: they share a model, and outlive its processes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.stack import Stack, start_stack


@pytest.fixture(scope="module")
def served_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    data_dir = tmp_path_factory.mktemp("served")
    stack = start_stack(data_dir, "--workers", "2", "--encoder", "hash", VITRINE_ENCODER_SERVICE="always")
    yield stack
    stack.cli("down")


@pytest.fixture
def status(served_stack: Stack) -> dict[str, Any]:
    return served_stack.status()


def test_status_names_the_service_and_each_worker_with_its_own_port_and_log(status: dict[str, Any]) -> None:
    assert status["healthy"], status["problems"]
    assert [one["name"] for one in status["encoder_services"]] == ["encoder-0"]
    workers = status["indexing_workers"]
    assert [worker["name"] for worker in workers] == ["indexing-0", "indexing-1"]
    for name in ("pid", "url", "log"):
        assert len({one[name] for one in (*workers, *status["encoder_services"])}) == 3


def test_the_workers_have_no_model_of_their_own_and_share_the_partitions(
    served_stack: Stack, status: dict[str, Any]
) -> None:
    for worker in status["indexing_workers"]:
        children = psutil.Process(worker["pid"]).children(recursive=True)
        assert not any("encoders.workers.encoder" in child.cmdline() for child in children)
    assert len(_models(status)) == 1
    _publish(served_stack, "first", 40)
    served_stack.wait("products are searchable", lambda: _searchable(served_stack) == 40)
    assert _found(served_stack, "lamp first-7")


def test_a_model_process_that_is_killed_comes_back(served_stack: Stack, status: dict[str, Any]) -> None:
    (before,) = _models(status)
    os.kill(before.pid, signal.SIGKILL)
    _publish(served_stack, "second", 40)
    served_stack.wait("products are searchable", lambda: _searchable(served_stack) == 80)
    assert _found(served_stack, "lamp second-3")
    assert before not in _models(status)


def test_a_service_that_is_killed_is_started_again_and_nothing_is_lost(
    served_stack: Stack, status: dict[str, Any]
) -> None:
    os.kill(status["encoder_services"][0]["pid"], signal.SIGKILL)
    _publish(served_stack, "third", 40)
    assert "encoder-0 ended" in str(served_stack.status()["problems"])
    served_stack.cli("up", "--detach", "--port", "0", "--workers", "2", "--encoder", "hash")
    served_stack.wait("products are searchable", lambda: _searchable(served_stack) == 120)
    assert _found(served_stack, "lamp third-9")
    served_stack.wait("all is well", lambda: served_stack.status()["healthy"])


def test_only_its_user_reaches_the_socket_and_nothing_stays_after_the_end(served_stack: Stack) -> None:
    processes = [psutil.Process(one["pid"]) for one in served_stack.status()["encoder_services"]]
    family = [*processes, *processes[0].children(recursive=True)]
    (socket,) = [Path(connection.laddr) for connection in processes[0].net_connections("unix") if connection.laddr]
    assert socket.stat().st_mode & 0o777 == 0o600 and socket.parent.stat().st_mode & 0o777 == 0o700
    served_stack.cli("down")
    assert not any(one.is_running() for one in family)


def _models(status: dict[str, Any]) -> list[psutil.Process]:
    return psutil.Process(status["encoder_services"][0]["pid"]).children()


def _publish(stack: Stack, name: str, count: int) -> None:
    file = stack.data_dir / f"{name}.jsonl"
    lines = [{"product_id": f"{name}-{number}", "title": f"lamp {name}-{number}"} for number in range(count)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    stack.cli("publish", "products", file)


def _searchable(stack: Stack) -> int:
    return (stack.status()["products"] or {}).get("searchable", 0)


def _found(stack: Stack, text: str) -> bool:
    hits = json.loads(stack.cli("search", text, "--json").stdout)["hits"]
    return bool(hits) and hits[0]["title"] == text
