"""Queries before indexing, across processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from encoders.inference.device_priority import DevicePriority
from encoders.inference.runtime import Runtime

NEVER_S = 60.0
"""As long as no test may wait."""


class StoppedClock:
    """Waits for nobody: `sleep` moves the time on, and can have something happen while somebody sleeps."""

    def __init__(self, while_asleep: Callable[[], None] = lambda: None) -> None:
        self.slept_s = 0.0
        self._while_asleep = while_asleep

    def monotonic(self) -> float:
        return self.slept_s

    def sleep(self, seconds: float, /) -> None:
        self._while_asleep()
        self.slept_s += seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "cpu.precedence"


def test_background_work_waits_until_the_query_is_done_and_no_longer(path: Path) -> None:
    query = DevicePriority(path).prioritised()
    naps = iter(range(3))
    clock = StoppedClock(lambda: query.__exit__(None, None, None) if next(naps) == 2 else None)
    background = DevicePriority(path, clock)
    query.__enter__()
    background.wait_for_priority_work(NEVER_S)
    assert next(naps, None) is None, "it went on while the query was under way"
    assert clock.slept_s < 1, "it waited on although the query was done"


def test_background_work_goes_on_after_the_bound_under_endless_queries(path: Path) -> None:
    clock = StoppedClock()
    with DevicePriority(path).prioritised():
        DevicePriority(path, clock).wait_for_priority_work(0.1)
    assert clock.slept_s == pytest.approx(0.1, abs=0.01)


def test_background_work_does_not_wait_where_there_is_no_query(path: Path) -> None:
    clock = StoppedClock()
    DevicePriority(path, clock).wait_for_priority_work(NEVER_S)
    assert clock.slept_s == 0


def test_another_thread_waits_by_the_real_clock(path: Path) -> None:
    background = DevicePriority(path)
    waiting = threading.Thread(target=background.wait_for_priority_work, args=(NEVER_S,), daemon=True)
    with DevicePriority(path).prioritised():
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive()
    waiting.join(NEVER_S / 6)
    assert not waiting.is_alive()


def test_queries_never_wait_for_each_other(path: Path) -> None:
    with DevicePriority(path).prioritised(), DevicePriority(path).prioritised():
        pass


def test_a_process_that_died_holds_nobody_up(path: Path) -> None:
    program = f"""
import os, pathlib
from encoders.inference.device_priority import DevicePriority
with DevicePriority(pathlib.Path({str(path)!r})).prioritised():
    os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    clock = StoppedClock()
    DevicePriority(path, clock).wait_for_priority_work(NEVER_S)
    assert clock.slept_s == 0


def test_without_a_file_nobody_waits(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    clock = StoppedClock()
    priority = DevicePriority(tmp_path / "file" / "cpu.precedence", clock)
    with priority.prioritised():
        priority.wait_for_priority_work(NEVER_S)
    assert clock.slept_s == 0


def test_those_on_one_device_share_it(tmp_path: Path) -> None:
    runtime = Runtime("cuda:1", cache_dir=str(tmp_path))
    with DevicePriority.for_runtime(runtime).prioritised():
        assert (tmp_path / "cuda-1.precedence").is_file()
