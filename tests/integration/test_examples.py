"""The examples as people run them: each a program of its own, against real servers."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid

import httpx
import pytest

from tests.paths import ROOT
from tests.stack import Stack

DEADLINE_S = 60


def run(stack: Stack, name: str, *arguments: str) -> str:
    """What a program prints."""
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py", *arguments],
        env=stack.env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def kafka(stack: Stack) -> str:
    """A broker with the examples' products, which are indexed."""
    broker = stack.status()["kafka"]["bootstrap_servers"]
    assert "published 14 events" in run(stack, "publish", "--kafka", broker)
    stack.wait_until_indexed()
    return broker


def test_what_is_published_is_found_by_the_client_and_over_http(stack: Stack, http: httpx.Client, kafka: str) -> None:
    found = run(stack, "search", "--url", str(http.base_url), "quillfire lamp")
    assert "Quillfire blue lamp Oslo  29 EUR" in found, "with its new price"
    assert run(stack, "search_http", "--url", str(http.base_url), "quillfire mug").count("example-mug") == 10


def test_the_changes_of_the_index_are_read_from_kafka(stack: Stack, kafka: str) -> None:
    group = f"example-{uuid.uuid4().hex}"
    told = run(stack, "index_changes", "--kafka", kafka, "--group", group, "--idle-s", "3")
    changes = re.findall(r"(?m)^(\w+) +(example-\S+) version (\d), (searchable|not searchable)$", told)
    assert ("deleted", "example-mug-6", "2", "not searchable") in changes
    assert {product_id for _, product_id, _, _ in changes} >= {f"example-lamp-{number}" for number in range(1, 7)}
    assert "example-" not in run(stack, "index_changes", "--kafka", kafka, "--group", group, "--idle-s", "1")


def test_clicks_count_in_the_persons_next_search(stack: Stack, http: httpx.Client, kafka: str) -> None:
    orders = dict(re.findall(r"(?m)^(\w+): +(.*)$", run(stack, "personal_order", "--url", str(http.base_url))))
    assert orders["after"].count("mug") == 4
    assert orders["before"] == orders["others"] != orders["after"]
