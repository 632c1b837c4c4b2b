"""Resident memory over a run: sampled, judged by its slope, drawn as text."""

from __future__ import annotations

import contextlib
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from tests.bench.cores import role

MEGABYTE = 2**20
MOST_POINTS = 300
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident memory when so many events were done, megabytes by process."""

    events: int
    resident_mb: dict[str, float]


def resident_mb(worker: psutil.Process) -> dict[str, float]:
    """Resident memory of a worker and its children, those of a kind together."""
    found = {"worker": worker.memory_info().rss / MEGABYTE}
    for child in worker.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            name = role(child)
            found[name] = found.get(name, 0.0) + child.memory_info().rss / MEGABYTE
    return found


def growth_mb(samples: Sequence[Sample], name: str) -> float:
    """How much a process would grow from the first sample to the last, by the median of all slopes between samples.

    Source: Sen, 1968, "Estimates of the Regression Coefficient Based on Kendall's Tau".
    """
    thinned = samples[:: max(1, len(samples) // MOST_POINTS)]
    points = [(sample.events, sample.resident_mb[name]) for sample in thinned if name in sample.resident_mb]
    slopes = [(y - b) / (x - a) for (a, b), (x, y) in itertools.combinations(points, 2) if x > a]
    return statistics.median(slopes) * (samples[-1].events - samples[0].events)


def chart(samples: Sequence[Sample], name: str) -> str:
    """A process's memory over the events, from nothing to its most, as one line of bars."""
    values = [sample.resident_mb[name] for sample in samples if name in sample.resident_mb]
    most = max(values)
    columns = min(_WIDTH, len(values))
    shown = [values[column * len(values) // columns] for column in range(columns)]
    bars = "".join(_BARS[min(len(_BARS) - 1, int(value / most * len(_BARS)))] for value in shown)
    return f"{name:16} {bars} at most {most:.0f} MB"
