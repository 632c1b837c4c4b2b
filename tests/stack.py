"""A whole Vitrine for tests, started by its own command line on a directory of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.collector import Collector
from tests.paths import SHARED_DATA

SHARED = SHARED_DATA
DEADLINE_S = 60.0


@dataclass(frozen=True)
class Stack:
    """A running stack, driven as a user would: by commands and over HTTP."""

    data_dir: Path
    env: dict[str, str]

    def cli(self, *args: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `vitrine ARGS`."""
        done = subprocess.run(
            [sys.executable, "-m", "vitrine", *map(str, args)],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert not check or done.returncode == 0, f"vitrine {args}: {done.stdout}\n{done.stderr}"
        return done

    def status(self) -> dict[str, Any]:
        """`vitrine status --json`."""
        return json.loads(self.cli("status", "--json", check=False).stdout)

    @property
    def url(self) -> str:
        """The query worker's."""
        return self.status()["query_workers"][0]["url"]

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Look again and again until something is so; fails after `DEADLINE_S`."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"not within {DEADLINE_S:.0f} s: {what}"
            time.sleep(0.05)

    def wait_until_indexed(self) -> None:
        """Until no published event is waiting."""
        self.wait("lag 0", lambda: _lag(self.status()) == 0)


def start_stack(data_dir: Path, *options: str, **settings: str) -> Stack:
    """`vitrine up --detach` on a directory, with settings as environment variables; mini unless named."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    encoder = {"VITRINE_ENCODER_NAME": "mini"}
    stack = Stack(data_dir, clean | encoder | settings | {"VITRINE_DATA_DIR": str(data_dir), "OMP_NUM_THREADS": "1"})
    stack.cli("up", "--detach", "--port", "0", *options)
    return stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Stack]:
    """A stack with the encoder mini, shared by the tests of a session: each uses product ids of its own.

    It tells of the traces that a caller or a producer has recorded, and of no others.
    """
    data_dir = tmp_path_factory.mktemp("stack")
    stack = start_stack(
        data_dir,
        VITRINE_TRACES_ENABLED="true",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_TRACES_SAMPLER="parentbased_always_off",
        OTEL_BSP_SCHEDULE_DELAY="200",
    )
    yield stack
    stack.cli("down", "--data-dir", data_dir)


@pytest.fixture(scope="session")
def http(stack: Stack) -> Iterator[httpx.Client]:
    """A client of the stack's query worker."""
    with httpx.Client(base_url=stack.url, timeout=30, trust_env=False) as client:
        yield client


def shared_data() -> Path:
    """The real catalogue; tests that need it are skipped where it is not."""
    if not (SHARED / "products.jsonl").exists():
        pytest.skip("the real catalogue (../shared/data) is not on this machine")
    return SHARED


def _lag(status: dict[str, Any]) -> int:
    assert status["lag"] is not None, status["problems"]
    return sum(sum(partitions.values()) for partitions in status["lag"].values())
