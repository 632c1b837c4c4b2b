"""What is watched of a worker, how it shows in metrics, and how it is told to end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry

from encoders.liveness.vitals import Complaint, Vitals

VERDICT_S = 2.0
"""How often it is looked whether a verdict has changed."""

log = logging.getLogger(__name__)


class VitalsCollector(Collector):
    """The vitals of a worker as Prometheus' metrics, computed when they are asked for."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge a thing."""
        vitals = self._vitals
        yield GaugeMetricFamily("vitrine_alive", "1 while nothing of the worker is stuck", int(not vitals.not_alive()))
        yield GaugeMetricFamily("vitrine_ready", "1 while the worker can do its work", int(not vitals.not_ready()))
        silent = GaugeMetricFamily(
            "vitrine_silent_seconds", "For how long a part has worked without progress; 0 while idle", labels=["part"]
        )
        for part, silent_s in vitals.silent_parts().items():
            silent.add_metric([part], silent_s)
        yield silent
        away = GaugeMetricFamily(
            "vitrine_server_away_seconds", "For how long a server that does not answer has not", labels=["server"]
        )
        for server, (since_s, _) in vitals.outages.away().items():
            away.add_metric([server], since_s)
        yield away
        delay = "How late the event loop was last: how long it was busy with one thing"
        yield GaugeMetricFamily("vitrine_event_loop_delay_seconds", delay, vitals.clock.delay_s)


@asynccontextmanager
async def watched(vitals: Vitals, registry: CollectorRegistry = REGISTRY) -> AsyncIterator[None]:
    """Run the clock of the vitals, show them in metrics, and log when a verdict changes."""
    collector = VitalsCollector(vitals)
    registry.register(collector)
    try:
        ticks, verdicts = vitals.clock.run(), _log_verdicts(vitals)
        async with background("event loop", ticks, vitals), background("verdicts", verdicts, vitals):
            yield
    finally:
        registry.unregister(collector)


@asynccontextmanager
async def background(part: str, work: Coroutine[Any, Any, object], vitals: Vitals) -> AsyncIterator[None]:
    """Run something beside the rest, that must not fail; that it did is a complaint."""
    task = asyncio.create_task(work)
    try:
        with vitals.watching_task(part, task):
            yield
    finally:
        task.cancel()


def stopped_by_signal() -> asyncio.Event:
    """Set once this process is told to end, by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    return stop


async def _log_verdicts(vitals: Vitals) -> None:
    """Log each verdict that changes, for ever."""
    former: dict[str, list[Complaint]] = {"alive": [], "ready": []}
    while True:
        for verdict, complaints in (("alive", vitals.not_alive()), ("ready", vitals.not_ready())):
            parts = [complaint.part for complaint in complaints]
            if parts != [complaint.part for complaint in former[verdict]]:
                level = logging.WARNING if complaints else logging.INFO
                reasons = [f"{complaint.part} {complaint.reason}" for complaint in complaints]
                log.log(
                    level, f"worker_{verdict}" if not complaints else f"worker_not_{verdict}", extra={"why": reasons}
                )
            former[verdict] = complaints
        await asyncio.sleep(VERDICT_S)
