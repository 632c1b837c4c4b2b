"""Rates: how many pass, when again, and over several workers."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import StoreUnavailable
from query_api.access.rate_limits import MAX_CALLERS, RateLimiter, parse_rates
from query_api.errors import InvalidAccess


class Clock:
    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Counts:
    """Shared counters within the process."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.calls = 0
        self.is_away = False

    async def add(self, increments: Mapping[str, tuple[int, int]]) -> dict[str, int]:
        self.calls += 1
        if self.is_away:
            raise StoreUnavailable("away")
        for name, (amount, _) in increments.items():
            self.values[name] = self.values.get(name, 0) + amount
        return {name: self.values[name] for name in increments}


def passed(limiter: RateLimiter, count: int, caller: str = "a") -> int:
    return sum(limiter.take(caller) == 0 for _ in range(count))


def test_as_many_pass_as_the_rate_says_and_each_caller_has_their_own() -> None:
    limiter = RateLimiter("key", "5/second", clock=Clock())
    assert passed(limiter, 20) == 5 and passed(limiter, 20, "b") == 5


def test_the_tightest_of_several_rates_counts() -> None:
    clock = Clock()
    limiter = RateLimiter("key", "5/second;7/minute", clock=clock)
    assert passed(limiter, 20) == 5
    clock.now += 5
    assert passed(limiter, 20) == 2


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200), st.integers(1, 20))
def test_no_window_lets_more_through_than_a_sliding_counter_may(steps: list[float], amount: int) -> None:
    clock = Clock(1_000.5)
    limiter = RateLimiter("key", f"{amount}/second", clock=clock)
    times: list[float] = []
    for step in steps:
        clock.now += step / 10
        if limiter.take("a") == 0:
            times.append(clock.now)
    for start in times:
        # An estimate: of the window before, the even share; so never twice the rate, and never more in a whole one.
        assert sum(start <= time < start + 1 for time in times) < 2 * amount + 1
        assert sum(int(time) == int(start) for time in times) <= amount


@given(st.integers(1, 30), st.floats(0, 0.99), st.floats(0, 2.5))
def test_whoever_waits_as_long_as_they_are_told_passes(amount: int, start: float, pause: float) -> None:
    clock = Clock(1_000 + start)
    limiter = RateLimiter("key", f"{amount}/second", clock=clock)
    passed(limiter, amount * 2)
    clock.now += pause
    passed(limiter, amount * 2)
    wait_s = limiter.take("a")
    assert 0 < wait_s <= 2.0
    clock.now += wait_s + 1e-6
    assert limiter.take("a") == 0


async def test_workers_share_what_they_count_in_one_call() -> None:
    counts, clock = Counts(), Clock()
    one, two = (RateLimiter("key", "10/second", counts, clock) for _ in range(2))
    assert passed(one, 4) == 4 and passed(two, 4) == 4
    for caller in "bcdefgh":
        one.take(caller)
    await one.share()
    assert counts.calls == 1
    await two.share()
    assert passed(two, 10) == 2
    await two.share()
    one.take("a")
    await one.share()
    assert passed(one, 10) == 0


async def test_the_last_moments_of_a_window_count_in_the_next_one() -> None:
    counts, clock = Counts(), Clock(1_000.99)
    one, two = (RateLimiter("key", "10/second", counts, clock) for _ in range(2))
    assert passed(one, 10) == 10
    passed(two, 1)
    clock.now = 1_001.0
    passed(two, 1)
    await one.share()
    await two.share()
    assert passed(two, 20) <= 1


async def test_nothing_to_tell_is_not_told() -> None:
    counts = Counts()
    limiter = RateLimiter("key", "1/second", counts, Clock())
    await limiter.share()
    passed(limiter, 5)
    await limiter.share()
    await limiter.share()
    assert counts.calls == 1


async def test_each_worker_counts_for_itself_while_the_counters_are_away() -> None:
    counts, clock = Counts(), Clock()
    counts.is_away = True
    limiter = RateLimiter("key", "5/second", counts, clock)
    assert passed(limiter, 3) == 3
    await limiter.share()
    assert passed(limiter, 10) == 2
    counts.is_away = False
    clock.now += 2
    assert passed(limiter, 10) == 5
    await limiter.share()
    assert list(counts.values.values()) == [2, 5]


def test_what_is_remembered_is_bounded_and_names_nobody() -> None:
    limiter = RateLimiter("address", "5/second", clock=Clock())
    for number in range(MAX_CALLERS + 50):
        limiter.take(str(number))
    assert len(limiter._windows) == MAX_CALLERS
    assert "10.0.0.1" not in limiter._name("10.0.0.1", 0, 1)


@pytest.mark.parametrize("text", ["fast", "10", "10/fortnight", "-1/second", "0/second", "1/second;nonsense"])
def test_what_is_no_rate_is_named(text: str) -> None:
    with pytest.raises(InvalidAccess):
        parse_rates(text)
