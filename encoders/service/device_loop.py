"""The thread of a device: passes one after another, the next one prepared while one is computed, queries first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from encoders.inference.forward_pass import ForwardPass, stage
from encoders.port import Encoder
from encoders.service.opening import Urgency
from encoders.service.pass_queue import PassQueue, QueuedInput

MAX_PUT_OFF_S: Final = 0.1
"""The longest that passes of indexing wait for queries: endless queries slow them down, and no more."""
_QUERIES: Final[tuple[Urgency, ...]] = ("query",)
_QUERIES_FIRST: Final[tuple[Urgency, ...]] = ("query", "indexing")
_FAIR: Final[tuple[Urgency, ...]] = ("indexing", "query")
"""Once indexing has been put off for so long."""


@dataclass(eq=False)
class _Pass:
    """Inputs of several batches, and the pass that they share."""

    inputs: list[QueuedInput]
    forward: ForwardPass | None = None
    launched_at: float = 0.0

    @property
    def is_urgent(self) -> bool:
        return self.inputs[0].batch.client.urgency == "query"

    def fail(self, error: Exception) -> None:
        for queued in self.inputs:
            queued.batch.fail(error)


class DeviceLoop:
    """Computes what is in a queue; `step` for ever, in one thread."""

    def __init__(self, encoder: Encoder, queue: PassQueue, clock: Callable[[], float] = time.monotonic) -> None:
        self._encoder = encoder
        self._clock = clock
        self._queue = queue
        self._computed: _Pass | None = None
        """What the device computes now."""
        self._staged: _Pass | None = None
        """What it will compute next, unless a query comes."""
        self._indexing_served_at = clock()
        self.passes = 0
        self.inputs = 0

    @property
    def is_busy(self) -> bool:
        """Whether a pass is prepared or under way."""
        return self._computed is not None or self._staged is not None

    def run(self) -> None:
        """Compute for ever."""
        while True:
            self.step()

    def step(self) -> None:
        """Prepare a pass, wait for the one under way, and launch the next: a query that has come meanwhile, if any."""
        if self._staged is None:
            idle = self._computed is None
            self._staged = self._prepared(self._queue.take(_QUERIES_FIRST if self._may_wait() else _FAIR, wait=idle))
        if self._computed is not None:
            self._deliver(self._computed)
            self._computed = None
        urgent = self._prepared(self._queue.take(_QUERIES)) if self._staged and self._may_wait() else None
        if urgent is not None:
            self._computed = self._launched(urgent)
        elif self._staged is not None:
            self._computed, self._staged = self._launched(self._staged), None

    def _may_wait(self) -> bool:
        """Whether indexing may be put off for queries."""
        now = self._clock()
        if not (self._queue.waiting("indexing") or (self._staged and not self._staged.is_urgent)):
            self._indexing_served_at = now
        return now - self._indexing_served_at < MAX_PUT_OFF_S

    def _prepared(self, inputs: list[QueuedInput]) -> _Pass | None:
        if not inputs:
            return None
        prepared = _Pass(inputs)
        try:
            prepared.forward = stage(self._encoder, inputs[0].kind, [queued.content for queued in inputs])
        except Exception as error:
            self._retry_apart(prepared, error)
            return None
        return prepared

    def _launched(self, one: _Pass) -> _Pass | None:
        assert one.forward is not None
        try:
            one.launched_at = self._clock()
            one.forward.launch()
        except Exception as error:
            self._retry_apart(one, error)
            return None
        return one

    def _deliver(self, one: _Pass) -> None:
        assert one.forward is not None
        try:
            rows = one.forward.rows()
        except Exception as error:
            self._retry_apart(one, error)
            return
        if not one.is_urgent:
            # At its end: one that takes longer than the bound must not put queries off for ever.
            self._indexing_served_at = self._clock()
        self.passes, self.inputs = self.passes + 1, self.inputs + len(one.inputs)
        share_s = (self._clock() - one.launched_at) / len(one.inputs)
        for each, row in zip(one.inputs, rows, strict=True):
            each.batch.device_s += share_s
            each.batch.set_row(each.kind, each.at, row)

    def _retry_apart(self, failed: _Pass, error: Exception) -> None:
        """Encode each batch's share by itself: what one client sent must not fail the others."""
        batches = list(dict.fromkeys(queued.batch for queued in failed.inputs))
        if len(batches) == 1:
            failed.fail(error)
            return
        for batch in batches:
            own = _Pass([queued for queued in failed.inputs if queued.batch is batch])
            try:
                own.forward = stage(self._encoder, own.inputs[0].kind, [queued.content for queued in own.inputs])
                own.launched_at = self._clock()
                own.forward.launch()
            except Exception as its_error:
                own.fail(its_error)
            else:
                self._deliver(own)
