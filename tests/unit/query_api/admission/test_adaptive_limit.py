"""Ten times more than can be worked on, in simulated time: what is let in is done, and hardly later than alone."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from query_api.admission.adaptive_limit import FIRST_LIMIT, LEAST_LIMIT, RESTED_LIMIT, AdaptiveLimit

QUIET_S, LOADED_S = 5.0, 10.0


@dataclass
class Server:
    """Works on so many requests at full speed; on more, at a share of it each. What is over the limit is refused."""

    parallel: int
    service_s: float
    now: float = 0.0
    done: list[tuple[float, float]] = field(default_factory=list)
    """When a request was done, and how long it took."""
    working: list[list[float]] = field(default_factory=list)
    """What is left of each, and when it came."""

    def __post_init__(self) -> None:
        self.limit = AdaptiveLimit(512, lambda: self.now)

    def run(self, rate: float, seconds: float, chance: random.Random) -> None:
        """Requests at a mean rate a second."""
        ends = self.now + seconds
        while self.now < ends:
            self._work_until(min(ends, self.now + chance.expovariate(rate)))
            if len(self.working) < self.limit.value:
                self.working.append([self.service_s * chance.lognormvariate(-0.05, 0.3), self.now])
            else:
                self.limit.note_full()

    def _work_until(self, until: float) -> None:
        while self.working:
            speed = min(1.0, self.parallel / len(self.working))
            first = min(self.working)
            if self.now + first[0] / speed > until:
                break
            self._pass(first[0] / speed, speed)
            self.working.remove(first)
            self.done.append((self.now, self.now - first[1]))
            self.limit.note("search", self.now - first[1])
        if self.now < until:
            self._pass(until - self.now, min(1.0, self.parallel / len(self.working)) if self.working else 1.0)

    def _pass(self, seconds: float, speed: float) -> None:
        self.now += seconds
        for call in self.working:
            call[0] -= seconds * speed


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


@pytest.mark.parametrize(("parallel", "service_s"), [(1, 0.008), (2, 0.016), (16, 0.05), (64, 0.05)])
@pytest.mark.parametrize("overload", [1.5, 10.0])
def test_under_overload_nearly_all_that_can_be_done_is_done_in_time(
    parallel: int, service_s: float, overload: float
) -> None:
    server, chance, capacity = Server(parallel, service_s), random.Random(3), parallel / service_s
    server.run(0.2 * capacity, QUIET_S, chance)
    quiet = [took for _, took in server.done]
    server.run(overload * capacity, LOADED_S, chance)
    loaded = [took for at, took in server.done if at > QUIET_S + 1]
    assert len(loaded) >= 0.8 * capacity * (LOADED_S - 1)
    assert percentile(loaded, 0.99) <= 3 * percentile(quiet, 0.99)
    server.run(0.2 * capacity, 5.0, chance)
    assert server.limit.value >= RESTED_LIMIT


def test_a_cold_start_into_an_overload_does_not_let_in_ever_more() -> None:
    server, capacity = Server(2, 0.016), 2 / 0.016
    server.run(10 * capacity, 30.0, random.Random(4))
    assert LEAST_LIMIT <= server.limit.value <= 5 * FIRST_LIMIT


def test_slower_kinds_of_requests_say_nothing_of_the_others() -> None:
    now = 0.0
    limit = AdaptiveLimit(512, lambda: now)
    for kind, took_s in (("search hit", 0.001), ("search miss", 0.01), ("search miss image", 0.1)) * 3:
        for _ in range(20):
            now += 0.05
            limit.note_full()
            limit.note(kind, took_s)
    assert limit.value > RESTED_LIMIT
