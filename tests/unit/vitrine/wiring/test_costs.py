"""Costs as metrics: processor time of a worker and its processes, and the time of the encoder's device."""

from __future__ import annotations

import subprocess
import sys

from prometheus_client import CollectorRegistry, generate_latest

from vitrine.wiring.costs import shown_costs

BUSY = "import time\nwhile time.process_time() < 0.2: pass\nprint('done', flush=True)\ninput()"
CHECK = f"""
import subprocess, sys
from vitrine.wiring.costs import processor_s
before = processor_s()
with subprocess.Popen([sys.executable, "-c", {BUSY!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
    assert process.stdout.readline()
    assert processor_s() - before >= 0.19
    process.communicate(b"\\n")
assert processor_s() - before >= 0.19
"""


class Device:
    device_s = 7.5


def test_what_processes_of_a_worker_take_counts_while_they_run_and_after_they_ended() -> None:
    # In a process of its own: this one has the children of other tests.
    subprocess.run([sys.executable, "-P", "-c", CHECK], check=True)


def test_costs_are_counters_that_never_fall_and_are_gone_with_the_worker() -> None:
    registry = CollectorRegistry()
    with shown_costs(Device(), registry):
        first, second = (generate_latest(registry).decode() for _ in range(2))
    assert "vitrine_device_seconds_total 7.5" in first and "# TYPE vitrine_cpu_seconds_total counter" in first
    assert _value(second) >= _value(first) > 0
    assert generate_latest(registry) == b""


def _value(page: str) -> float:
    return float(next(line for line in page.splitlines() if line.startswith("vitrine_cpu_seconds_total ")).split()[1])
