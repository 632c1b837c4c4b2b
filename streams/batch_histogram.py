"""A histogram that takes a batch of values at once: a value at a time costs the event loop 3 µs each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry


class BatchHistogram(Collector):
    """A histogram in Prometheus' terms. For one event loop; it may be read from any thread."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str],
        buckets: Iterable[float],
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        """Args: buckets: upper bounds, ascending; one without a bound is added."""
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._bounds = np.array([*buckets, np.inf])
        self._seen: dict[tuple[str, ...], tuple[NDArray[np.int64], float]] = {}
        """By label values, how many values each bucket has by itself, and the sum of all."""
        registry.register(self)

    def observe(self, labels: tuple[str, ...], values: ArrayLike) -> None:
        """Add values.

        Args:
            labels: their label values, in the order of the labels.
            values: (n,).
        """
        values = np.asarray(values, np.float64)
        added = np.bincount(np.searchsorted(self._bounds, values), minlength=len(self._bounds))
        counts, total = self._seen.get(labels, (np.zeros(len(self._bounds), np.int64), 0.0))
        # Put in its place whole: a reader sees counts and sum of the same values.
        self._seen[labels] = counts + added, total + float(values.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram as it is now."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, (counts, total) in self._seen.copy().items():
            bounds = [*map(str, self._bounds[:-1].tolist()), "+Inf"]
            family.add_metric(labels, list(zip(bounds, np.cumsum(counts).tolist(), strict=True)), total)
        yield family
