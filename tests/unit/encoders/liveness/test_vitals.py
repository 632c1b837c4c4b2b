"""Verdicts: a server that is away makes a worker not ready; what a restart would mend makes it not alive."""

import asyncio

import pytest

from encoders.liveness.clock import LoopClock
from encoders.liveness.config import LivenessConfig
from encoders.liveness.vitals import OUTAGE_MEMORY_S, Outages, Vitals


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0
        self.vitals = Vitals(LivenessConfig(), outages=Outages(LoopClock(lambda: self.now)))


class Child:
    def __init__(self) -> None:
        self.silent, self.starting = 0.0, 0.0

    def silent_s(self) -> float:
        return self.silent

    def starting_s(self) -> float:
        return self.starting


def parts(complaints: object) -> list[str]:
    return [complaint.part for complaint in complaints]  # type: ignore[attr-defined]


def test_a_worker_with_nothing_to_do_is_alive_and_ready_for_ever():
    time = Time()
    time.vitals.pulse("batches")
    time.now += 100_000
    assert not time.vitals.not_alive() and not time.vitals.not_ready()


def test_work_without_progress_is_first_not_ready_then_not_alive():
    time = Time()
    with time.vitals.pulse("batches").busy("encode"):
        time.now += 21
        assert not time.vitals.not_alive() and parts(time.vitals.not_ready()) == ["batches"]
        time.now += 40
        (complaint,) = time.vitals.not_alive()
        assert complaint.part == "batches" and complaint.reason == "no progress for 61 s: encode"
    assert not time.vitals.not_alive() and not time.vitals.not_ready()


def test_a_server_that_stays_away_is_never_a_reason_to_restart():
    time = Time()
    with time.vitals.pulse("batches").busy("write"):
        for _ in range(100):
            time.vitals.outages.failed("milvus", "no route to host")
            time.now += 20
        assert not time.vitals.not_alive()
        assert [(complaint.part, complaint.reason) for complaint in time.vitals.not_ready()] == [
            ("milvus", "has not answered for 2000 s: no route to host")
        ]
        time.vitals.outages.answered("milvus")
        assert not time.vitals.not_ready()
        time.now += 61
        assert parts(time.vitals.not_alive()) == ["batches"]


def test_an_outage_that_nobody_asks_about_any_more_is_forgotten():
    time = Time()
    time.vitals.outages.failed("redis", "refused")
    time.now += OUTAGE_MEMORY_S + 1
    assert not time.vitals.not_ready()


def test_a_server_that_only_degrades_leaves_the_worker_ready():
    time = Time()
    time.vitals.degrading = frozenset({"redis"})
    time.vitals.outages.failed("redis", "refused")
    assert not time.vitals.not_ready() and "redis" in time.vitals.outages.away()


def test_a_silent_process_is_not_ready_until_it_is_ended_and_not_alive_if_it_never_is():
    time, child = Time(), Child()
    time.vitals.watch_process("encoder", child, deadline_s=60)
    child.silent = 25
    assert not time.vitals.not_alive() and parts(time.vitals.not_ready()) == ["encoder"]
    child.silent = 121
    assert parts(time.vitals.not_alive()) == ["encoder"]


def test_a_process_that_cannot_be_started_is_a_reason_to_restart_after_a_while():
    time, child = Time(), Child()
    time.vitals.watch_process("encoder", child, deadline_s=60)
    child.starting = 30
    assert not time.vitals.not_alive() and parts(time.vitals.not_ready()) == ["encoder"]
    child.starting = 0
    for _ in range(20):
        time.vitals.outages.failed("encoder", "out of memory")
        time.now += 16
    assert parts(time.vitals.not_alive()) == ["encoder"]


def test_a_process_that_is_not_needed_keeps_nobody_from_being_ready():
    time, child = Time(), Child()
    time.vitals.watch_process("media decoder", child, deadline_s=20, needed=False)
    child.silent = 30
    assert not time.vitals.not_ready()


async def test_a_task_that_failed_or_was_cancelled_is_a_reason_to_restart():
    vitals = Vitals()

    async def fail() -> None:
        raise ValueError("no such thing")

    async def end() -> None:
        """As it should."""

    tasks = [asyncio.create_task(work) for work in (fail(), asyncio.sleep(60), end())]
    for part, task in zip(("fails", "cancelled", "ends"), tasks, strict=True):
        vitals.watch_task(part, task)
    assert not vitals.not_alive()
    tasks[1].cancel()
    await asyncio.wait(tasks)
    assert [(complaint.part, complaint.reason) for complaint in vitals.not_alive()] == [
        ("fails", "ended by ValueError"),
        ("cancelled", "was cancelled"),
    ]


def test_a_part_complains_of_the_whole_and_the_whole_of_its_parts_until_they_retire():
    time = Time()
    part, other = Vitals(parent=time.vitals), Vitals(parent=time.vitals)
    with time.vitals.pulse("registry").busy("read"):
        time.now += 61
        assert parts(part.not_alive()) == ["registry"]
    with part.pulse("encoder").busy("1 input"):
        time.now += 61
        assert parts(time.vitals.not_alive()) == parts(part.not_alive()) == ["encoder"]
        assert time.vitals.silent_parts()["encoder"] == 61 and not other.not_alive()
        part.retire()
        assert not time.vitals.not_alive()


def test_work_that_searches_do_not_need_keeps_nobody_from_being_ready():
    time = Time()
    with time.vitals.pulse("index age", needed=False).busy("ask Kafka"):
        time.now += 50
        assert not time.vitals.not_ready()
        time.now += 11
        assert parts(time.vitals.not_ready()) == parts(time.vitals.not_alive()) == ["index age"]


@pytest.mark.parametrize("bad", [{"slow_s": 90}, {"slow_s": 0}, {"restart_s": 30}])
def test_bounds_that_make_no_sense_are_refused(bad: dict[str, float]):
    with pytest.raises(ValueError, match="liveness"):
        LivenessConfig(**bad)
