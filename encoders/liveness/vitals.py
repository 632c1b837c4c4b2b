"""The vitals of a worker: whether it is alive and ready, and if not, which part says so and why."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from encoders.liveness.clock import LoopClock
from encoders.liveness.config import LivenessConfig
from encoders.liveness.progress import Pulse

log = logging.getLogger(__name__)

OUTAGE_MEMORY_S = 60.0
"""A server that failed within so long, and has not answered since, is away: more than the longest pause between two
attempts and the longest that an attempt takes."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong."""

    part: str
    reason: str


Check = Callable[[], Iterable[Complaint]]


class Process(Protocol):
    """A process of the worker's own, or a pool of them."""

    def silent_s(self) -> float:
        """For how long a request has been without an answer, in seconds; 0 while there is none."""
        ...

    def starting_s(self) -> float:
        """For how long it has been starting, in seconds; 0 while it is not."""
        ...


@dataclass(slots=True)
class _Outage:
    since: float
    last: float
    reason: str


class Outages:
    """Servers that do not answer just now, as those who ask them have noted."""

    def __init__(self, clock: LoopClock | None = None) -> None:
        self.clock = clock or LoopClock()
        self._outages: dict[str, _Outage] = {}
        self.last_failure = float("-inf")
        """When any server failed last."""

    def failed(self, server: str, reason: str) -> None:
        """Note that a server did not answer; of what it said, the first line is kept."""
        reason = reason.partition("\n")[0][:200]
        self.last_failure = now = self.clock()
        outage = self._outages.setdefault(server, _Outage(now, now, reason))
        outage.last, outage.reason = now, reason

    def answered(self, server: str) -> None:
        """Note that it did."""
        self._outages.pop(server, None)

    def away(self) -> dict[str, tuple[float, str]]:
        """For how many seconds each server has been away, and what it said last."""
        now = self.clock()
        self._outages = {name: outage for name, outage in self._outages.items() if now - outage.last <= OUTAGE_MEMORY_S}
        return {name: (now - outage.since, outage.reason) for name, outage in self._outages.items()}


class Vitals:
    """What is known of the health of a worker, or of a part of one that comes and goes. For one event loop.

    Alive: the loop runs, no task of its own has ended, and whatever is under way makes progress. A server that is away
    is no fault of the worker's, and a restart would not help: it is not ready then. Ready: alive, and nothing that its
    work needs is away or slow.
    """

    def __init__(
        self, config: LivenessConfig | None = None, parent: Vitals | None = None, outages: Outages | None = None
    ) -> None:
        """Set up.

        Args:
            config: the bounds.
            parent: of the whole that this is part of; its complaints count here too.
            outages: what is known of servers; None: of the parent, or of none yet.
        """
        self.config = config or (parent.config if parent else LivenessConfig())
        self._parent = parent
        self._children: list[Vitals] = []
        if parent:
            parent._children.append(self)
        self.outages: Outages = outages or (parent.outages if parent else Outages())
        self.clock: LoopClock = self.outages.clock
        self._pulses: list[Pulse] = []
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._processes: dict[str, tuple[Process, float, bool]] = {}
        self._alive_checks: list[Check] = []
        self._ready_checks: list[Check] = []
        self.degrading: frozenset[str] = frozenset()
        """Servers whose absence does not keep the worker from its work."""

    def pulse(self, part: str, bound_s: float | None = None, *, needed: bool = True) -> Pulse:
        """A new part.

        Args:
            part: its name, for people and metrics.
            bound_s: so long may its work make no progress; None: `stuck_s`.
            needed: whether the worker is not ready while it is slow.
        """
        pulse = Pulse(part, self.config.stuck_s if bound_s is None else bound_s, self.clock, needed)
        self._pulses.append(pulse)
        return pulse

    def watch_task(self, part: str, task: asyncio.Task[object]) -> None:
        """A task that must not fail: one that raised, or was cancelled, is a complaint from then on."""
        self._tasks[part] = task
        task.add_done_callback(lambda done: _log_end(part, done))

    @contextmanager
    def watching_task(self, part: str, task: asyncio.Task[object]) -> Iterator[None]:
        """The same for as long as it is meant to run."""
        self.watch_task(part, task)
        try:
            yield
        finally:
            self._tasks.pop(part, None)

    def watch_process(self, part: str, process: Process, deadline_s: float, *, needed: bool = True) -> None:
        """A process whose requests end with an answer or an error within `deadline_s`.

        Args:
            needed: whether the worker is not ready while it does not answer.
        """
        self._processes[part] = process, deadline_s, needed

    def add_alive_check(self, check: Check) -> None:
        """What to ask when it is asked whether the worker is alive; must not wait for anything."""
        self._alive_checks.append(check)

    def add_ready_check(self, check: Check) -> None:
        """What to ask when it is asked whether the worker is ready; must not wait for anything."""
        self._ready_checks.append(check)

    def retire(self) -> None:
        """No longer part of the whole: what this is about is ending, as it should."""
        if self._parent and self in self._parent._children:
            self._parent._children.remove(self)

    @contextmanager
    def not_ready_for(self, part: str, reason: str) -> Iterator[None]:
        """The worker is not ready meanwhile."""
        check: Check = lambda: [Complaint(part, reason)]  # noqa: E731  (to be taken out again)
        self._ready_checks.append(check)
        try:
            yield
        finally:
            self._ready_checks.remove(check)

    def not_alive(self) -> list[Complaint]:
        """Why the worker should be restarted; empty: it should not. A whole speaks for its parts, too."""
        return [complaint for vitals in self._circle() for complaint in vitals._not_alive()]

    def not_ready(self) -> list[Complaint]:
        """Why the worker cannot do its work as it should; empty: it can."""
        return list(dict.fromkeys(complaint for vitals in self._circle() for complaint in vitals._not_ready()))

    def _circle(self) -> list[Vitals]:
        return [self, *([self._parent] if self._parent else self._children)]

    def _not_alive(self) -> list[Complaint]:
        return [
            *self._ended_tasks(),
            *self._slow_parts(self._pulses, lambda pulse: pulse.bound_s),
            *self._stuck_processes(),
            *(complaint for check in self._alive_checks for complaint in check()),
        ]

    def _not_ready(self) -> list[Complaint]:
        return [
            *self._not_alive(),
            *self._slow_parts((pulse for pulse in self._pulses if pulse.needed), lambda _: self.config.slow_s),
            *self._slow_processes(),
            *self._servers_away(),
            *(complaint for check in self._ready_checks for complaint in check()),
        ]

    def degraded(self) -> list[str]:
        """Parts that the worker does without just now, and servers."""
        slow = [
            part
            for part, (process, _, needed) in self._processes.items()
            if not needed and process.silent_s() > self.config.slow_s
        ]
        away = [server for server in self.outages.away() if server in self.degrading]
        return [*slow, *away]

    def silent_parts(self) -> dict[str, float]:
        """For how many seconds each part has worked without progress, 0 while it is idle."""
        return {
            **{part: silent_s for child in self._children for part, silent_s in child.silent_parts().items()},
            **{pulse.part: pulse.silent_s(self.outages.last_failure) for pulse in self._pulses},
            **{part: process.silent_s() for part, (process, _, _) in self._processes.items()},
        }

    def _ended_tasks(self) -> list[Complaint]:
        return [Complaint(part, _why_ended(task)) for part, task in self._tasks.items() if _has_failed(task)]

    def _slow_parts(self, pulses: Iterable[Pulse], bound_s: Callable[[Pulse], float]) -> list[Complaint]:
        complaints: list[Complaint] = []
        for pulse in pulses:
            silent_s = pulse.silent_s(self.outages.last_failure)
            if silent_s > bound_s(pulse):
                complaints.append(Complaint(pulse.part, f"no progress for {silent_s:.0f} s: {pulse.slowest()}"))
        return complaints

    def _stuck_processes(self) -> list[Complaint]:
        """Processes of its own that should have been ended, or should have started."""
        config, away = self.config, self.outages.away()
        complaints: list[Complaint] = []
        for part, (process, deadline_s, _) in self._processes.items():
            if process.silent_s() > deadline_s + config.stuck_s:
                complaints.append(Complaint(part, f"has not answered for {process.silent_s():.0f} s, nor been ended"))
            failing_s, reason = away.get(part, (0.0, "it is being started"))
            if max(process.starting_s(), failing_s) > config.restart_s:
                since_s = max(process.starting_s(), failing_s)
                complaints.append(Complaint(part, f"cannot be started since {since_s:.0f} s: {reason}"))
        return complaints

    def _slow_processes(self) -> list[Complaint]:
        complaints: list[Complaint] = []
        for part, (process, deadline_s, needed) in self._processes.items():
            if needed and process.silent_s() > self.config.slow_s:
                bound = f"it is ended after {deadline_s:g} s"
                complaints.append(Complaint(part, f"has not answered for {process.silent_s():.0f} s; {bound}"))
            elif needed and process.starting_s() > 0:
                complaints.append(Complaint(part, f"is being started, since {process.starting_s():.0f} s"))
        return complaints

    def _servers_away(self) -> list[Complaint]:
        return [
            Complaint(server, f"has not answered for {since_s:.0f} s: {reason}")
            for server, (since_s, reason) in self.outages.away().items()
            if server not in self.degrading
        ]


def _has_failed(task: asyncio.Task[object]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _why_ended(task: asyncio.Task[object]) -> str:
    # What the error says is for the log: this is answered to whoever asks.
    return "was cancelled" if task.cancelled() else f"ended by {type(task.exception()).__name__}"


def _log_end(part: str, task: asyncio.Task[object]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("task_ended", exc_info=error, extra={"part": part})
