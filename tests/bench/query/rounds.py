"""Measurements in turns: what goes first changes from round to round, and figures are compared within a round."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence

from tests.bench.query.generator import Outcome
from tests.bench.report import Ratio

ROUNDS = int(os.environ.get("BENCH_QUERY_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_QUERY_SECONDS", "3"))
"""Of each contender in each round."""

Rounds = Mapping[str, Sequence[Outcome]]


def in_turns(
    contenders: Mapping[str, Callable[[int], Outcome]], rounds: int = ROUNDS, refusing: bool = False
) -> dict[str, list[Outcome]]:
    """Measure each once a round, given the round's number; round 0 warms up and is not kept.

    Args:
        contenders: by name.
        rounds: how many are kept.
        refusing: whether a contender may refuse requests, as a worker does that is asked too much.
    """
    kept: dict[str, list[Outcome]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            outcome = contenders[name](number)
            if number:
                assert refusing or not outcome.refused, f"{name}: {outcome.statuses}"
                kept[name].append(outcome)
    return kept


def ratio(rounds: Rounds, name: str, of: str, figure: Callable[[Outcome], float] = lambda one: one.rate) -> Ratio:
    """One contender's figure over another's, round by round."""
    return Ratio.of([figure(one) / figure(other) for one, other in zip(rounds[name], rounds[of], strict=True)])


def figures(some: Sequence[Outcome]) -> tuple[float, float, float]:
    """Medians over the rounds: answers a second, p50 and p99 in ms."""
    return (
        statistics.median(one.rate for one in some),
        statistics.median(one.p50_ms for one in some),
        statistics.median(one.p99_ms for one in some),
    )
