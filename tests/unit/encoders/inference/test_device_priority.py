"""Queries before indexing, across processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from encoders.inference.device_priority import DevicePriority
from encoders.inference.runtime import Runtime

NEVER_S = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "cpu.precedence"


@pytest.fixture
def background(path: Path) -> Iterator[DevicePriority]:
    precedence = DevicePriority(path)
    yield precedence
    precedence.close()


def test_background_work_waits_while_a_query_is_under_way(path: Path, background: DevicePriority) -> None:
    query, waiting = DevicePriority(path), threading.Thread(target=background.wait_for_priority_work, args=(NEVER_S,))
    with query.prioritised():
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive()
    waiting.join(10)
    assert not waiting.is_alive()


def test_background_work_goes_on_after_a_while(path: Path, background: DevicePriority) -> None:
    with DevicePriority(path).prioritised():
        background.wait_for_priority_work(0.01)


def test_queries_never_wait_for_each_other(path: Path) -> None:
    with DevicePriority(path).prioritised(), DevicePriority(path).prioritised():
        pass


def test_a_process_that_died_holds_nobody_up(path: Path, background: DevicePriority) -> None:
    program = f"""
import os, pathlib
from encoders.inference.device_priority import DevicePriority
with DevicePriority(pathlib.Path({str(path)!r})).prioritised():
    os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    background.wait_for_priority_work(NEVER_S)


def test_without_a_file_everybody_goes(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    precedence = DevicePriority(tmp_path / "file" / "cpu.precedence")
    with precedence.prioritised():
        precedence.wait_for_priority_work(NEVER_S)


def test_those_on_one_device_share_it(tmp_path: Path) -> None:
    runtime = Runtime("cuda:1", cache_dir=str(tmp_path))
    with DevicePriority.for_runtime(runtime).prioritised():
        assert (tmp_path / "cuda-1.precedence").is_file()
