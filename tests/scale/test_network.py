"""A broker or a worker that is cut off, and one whose line is slow: nothing is lost, and the rest goes on."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Any

import pytest

from tests.chaos.comparing import compare, end_offsets
from tests.chaos.load import Load, Stream
from tests.paths import ROOT
from tests.scale.conftest import Cluster
from tests.scale.fleet import Pauses
from tests.scale.network import Machine

EVENTS, RATE = 6_000, 100.0
"""In all, and how many a second."""
FAULT_S = 40.0
REPORT = ROOT / "build" / "reports" / "scale.json"
_numbers = itertools.count(1)


@contextmanager
def cut_off(machine: Machine) -> Iterator[None]:
    """Cut off meanwhile."""
    machine.cut_off()
    try:
        yield
    finally:
        machine.heal()


@contextmanager
def slow(machine: Machine) -> Iterator[None]:
    """One megabit a second meanwhile."""
    with machine.slowed("1mbit"):
        yield


@pytest.mark.parametrize(
    ("name", "fault"),
    [("broker-2", cut_off), ("worker-2", cut_off), ("broker-1", slow), ("worker-1", slow)],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_nothing_is_lost_by_a_faulty_line(
    cluster: Cluster, name: str, fault: Callable[[Machine], AbstractContextManager[None]]
):
    fleet, prefix = cluster.fleet, f"n{next(_numbers)}"
    fleet.seconds_until(0)
    since, restarts = asyncio.run(end_offsets(fleet.servers.kafka)), fleet.restarts
    messages = Stream(prefix, seed=77).messages(EVENTS)
    with Load(fleet.servers.kafka, messages, RATE) as load, Pauses(fleet) as pauses:
        load.wait(EVENTS // 6)
        with fault(cluster.machines[name]):
            time.sleep(FAULT_S)
        recovery_s = fleet.seconds_until(round(RATE))
    fleet.seconds_until(0)
    report = asyncio.run(compare(f"{name}, {fault.__name__} for {FAULT_S:.0f} s", fleet.servers, prefix, since))
    _save(
        asdict(report)
        | {"longest_pause_s": round(pauses.longest_s, 1), "recovered_after_s": round(recovery_s, 1)}
        | {"restarts": fleet.restarts - restarts}
    )
    assert report.is_clean, report


def _save(line: dict[str, Any]) -> None:
    lines = json.loads(REPORT.read_text())["rows"] if REPORT.exists() else []
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    kept = [one for one in lines if one["scenario"] != line["scenario"]]
    REPORT.write_text(json.dumps({"rows": [*kept, line]}, indent=1))
    print({name: value for name, value in line.items() if name != "examples"})
