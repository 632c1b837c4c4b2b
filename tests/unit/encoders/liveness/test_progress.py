"""Work under way: idle is not stuck, and waiting for what has a deadline is not either."""

import asyncio

from encoders.liveness.progress import Pulse, behind_others, progress, within_deadline


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make_pulse() -> tuple[Pulse, Clock]:
    clock = Clock()
    return Pulse("batches", 60, clock), clock


def test_an_idle_part_is_never_silent():
    pulse, clock = make_pulse()
    clock.now += 10_000
    assert pulse.silent_s() == 0
    with pulse.busy("a batch"):
        pass
    clock.now += 10_000
    assert pulse.silent_s() == 0 and pulse.slowest() == ""


def test_work_is_silent_since_its_last_progress():
    pulse, clock = make_pulse()
    with pulse.busy("a batch"):
        clock.now += 70
        assert pulse.silent_s() == 70
        progress("encode")
        assert pulse.silent_s() == 0
        clock.now += 5
        assert pulse.silent_s() == 5 and pulse.slowest() == "encode"


def test_the_slowest_of_several_counts():
    pulse, clock = make_pulse()
    with pulse.busy("first"):
        clock.now += 50
        with pulse.busy("second"):
            clock.now += 20
            progress()
            assert pulse.silent_s() == 70 and pulse.slowest() == "first"


def test_time_before_an_excuse_does_not_count():
    pulse, clock = make_pulse()
    with pulse.busy("a batch"):
        clock.now += 70
        assert pulse.silent_s(excused_until=clock.now - 8) == 8


def test_waiting_for_what_has_a_deadline_is_not_silence():
    pulse, clock = make_pulse()
    with pulse.busy("a batch"):
        with within_deadline():
            clock.now += 500
            assert pulse.silent_s() == 0
        assert pulse.silent_s() == 0
        clock.now += 61
        assert pulse.silent_s() == 61


async def test_work_behind_others_is_as_silent_as_they_are():
    pulse, clock = make_pulse()
    first_may_end, first_started = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        with pulse.busy("holds the lock"):
            first_started.set()
            await first_may_end.wait()
            progress()
            clock.now += 30
            with within_deadline():
                clock.now += 300
                assert pulse.silent_s() == 0

    async def second() -> None:
        await first_started.wait()
        with pulse.busy("waits for it"), behind_others():
            clock.now += 65
            assert pulse.silent_s() == 65
            first_may_end.set()
            await asyncio.sleep(0)

    await asyncio.gather(first(), second())


async def test_tasks_that_work_starts_are_part_of_it():
    pulse, clock = make_pulse()

    async def fetch() -> None:
        progress("fetch")

    with pulse.busy("a batch"):
        clock.now += 50
        await asyncio.gather(fetch(), fetch())
        assert pulse.silent_s() == 0 and pulse.slowest() == "fetch"
    progress("nothing is under way")
