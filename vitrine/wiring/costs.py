"""What a worker has cost: the time of processors and of the encoder's device, as metrics."""

from __future__ import annotations

import resource
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Protocol

import psutil
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry


class Device(Protocol):
    """What has computed for a worker."""

    @property
    def device_s(self) -> float:
        """For how long, in seconds."""
        ...


class CostCollector(Collector):
    """Costs so far, found out when they are asked for."""

    def __init__(self, device: Device | None = None) -> None:
        self._device = device
        self._most_s = 0.0

    def collect(self) -> Iterator[CounterMetricFamily]:
        """A counter a resource."""
        # A process that ends between two readings is counted by neither: a counter never falls.
        self._most_s = max(self._most_s, processor_s())
        yield CounterMetricFamily(
            "vitrine_cpu_seconds", "Processor time of the worker and all its processes", value=self._most_s
        )
        if self._device is not None:
            yield CounterMetricFamily(
                "vitrine_device_seconds", "Time that the encoder's device computed for it", value=self._device.device_s
            )


def processor_s() -> float:
    """Processor time of this process, its children and theirs, the ended ones too, in seconds."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = ended.ru_utime + ended.ru_stime
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


@contextmanager
def shown_costs(device: Device | None = None, registry: CollectorRegistry = REGISTRY) -> Generator[None]:
    """Show them in metrics meanwhile."""
    collector = CostCollector(device)
    registry.register(collector)
    try:
        yield
    finally:
        registry.unregister(collector)
