"""What clients wait for, in the order in which the device takes it, a pass at a time.

Batches are taken apart into inputs, so that a pass is filled from all clients, and so that a query waits for the pass
under way and for no other.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from encoders.inference.forward_pass import PassKind
from encoders.processes.messages import EncodedRows, ErrorMessage
from encoders.service.opening import Urgency
from encoders.spec import FloatArray

INPUTS_PER_PASS: Final = 64
"""Texts, pictures or products of one pass; with products, their pictures count too."""
PassInputs = dict[PassKind, Sequence[Any]]
"""Texts; prepared pictures (height, width, 3) uint8; or pairs of a text and a list of such pictures."""


@dataclass(eq=False)
class PassClient:
    """Somebody who has batches here; while `gone` they are not encoded."""

    urgency: Urgency
    gone: bool = False


@dataclass(eq=False)
class Batch:
    """What a client asked for, until each of its inputs has its row (dim,), or one has failed."""

    client: PassClient
    inputs: PassInputs
    answer: Callable[[EncodedRows | ErrorMessage], None]
    """Called once, by the thread of the device."""
    rows: dict[PassKind, FloatArray] = field(default_factory=dict[PassKind, FloatArray])
    missing: int = 0
    device_s: float = 0.0
    """Its share of the passes, in seconds."""

    def start(self, dim: int) -> None:
        """Make room for the rows."""
        self.missing = sum(map(len, self.inputs.values()))
        self.rows = {kind: np.zeros((len(inputs), dim), np.float32) for kind, inputs in self.inputs.items()}
        if not self.missing:
            self._finish()

    def set_row(self, kind: PassKind, at: int, row: FloatArray) -> None:
        """Note one input's row (dim,) float32; with the last one, the batch is answered."""
        if self.missing <= 0:
            return
        self.rows[kind][at] = row
        self.missing -= 1
        if self.missing == 0:
            self._finish()

    def fail(self, error: Exception) -> None:
        """Answer the batch with an error, unless it is answered."""
        if self.missing > 0:
            self.missing = -1
            self.answer(ErrorMessage.from_error(error))

    @property
    def is_over(self) -> bool:
        """Whether nobody needs rows of it any more."""
        return self.missing <= 0 or self.client.gone

    def _finish(self) -> None:
        first = self.rows.get("products", self.rows.get("texts"))
        self.answer(EncodedRows(_bytes(first), _bytes(self.rows.get("images")), self.device_s))


@dataclass(frozen=True, slots=True)
class QueuedInput:
    """One text, picture or product of a batch."""

    number: int
    batch: Batch
    kind: PassKind
    at: int

    @property
    def content(self) -> Any:
        """A text, pixels (height, width, 3) uint8, or a text with a list of pixels."""
        return self.batch.inputs[self.kind][self.at]

    @property
    def weight(self) -> int:
        """How much of a pass it takes."""
        return 1 + len(self.content[1]) if self.kind == "products" else 1


class PassQueue:
    """Inputs that wait, drawn from by the thread of the device. For any number of threads.

    It is as long as the batches that clients may have here at a time: who reads from them keeps that bound.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: dict[tuple[Urgency, PassKind], deque[QueuedInput]] = {}
        self._beats: list[threading.Event] = []

    def add(self, batch: Batch) -> None:
        """Put a batch's inputs at the end."""
        with self._changed:
            for kind, inputs in batch.inputs.items():
                queue = self._waiting.setdefault((batch.client.urgency, kind), deque())
                queue.extend(QueuedInput(next(self._numbers), batch, kind, at) for at in _order(kind, inputs))
            self._changed.notify()

    def take(self, order: Sequence[Urgency], *, wait: bool = False) -> list[QueuedInput]:
        """The next pass: inputs of one kind, the oldest first; none at all where nothing waits.

        Args:
            order: whose inputs, those of the first that has any.
            wait: for an input, where there is none, or for `beat`.
        """
        with self._changed:
            if wait and not self._beats and not any(self._waiting.values()):
                self._changed.wait()
            self._note_beats()
            for urgency in order:
                if taken := [*self._drawn(urgency)]:
                    return taken
        return []

    def beat(self) -> None:
        """Wait until the thread of the device takes its next pass, or, idle, says that it would."""
        event = threading.Event()
        with self._changed:
            self._beats.append(event)
            self._changed.notify()
        event.wait()

    def waiting(self, *urgencies: Urgency) -> int:
        """How many inputs of such clients wait."""
        with self._changed:
            return sum(len(queue) for (urgency, _), queue in self._waiting.items() if urgency in urgencies)

    def _note_beats(self) -> None:
        beats, self._beats = self._beats, []
        for event in beats:
            event.set()

    def _drawn(self, urgency: Urgency) -> Iterator[QueuedInput]:
        queues = [queue for (whose, _), queue in self._waiting.items() if whose == urgency]
        for queue in queues:
            while queue and queue[0].batch.is_over:
                queue.popleft()
        queue = min(filter(None, queues), key=lambda one: one[0].number, default=None)
        room = INPUTS_PER_PASS
        while queue and (room == INPUTS_PER_PASS or queue[0].weight <= room):
            taken = queue.popleft()
            if not taken.batch.is_over:
                room -= taken.weight
                yield taken


def _order(kind: PassKind, inputs: Sequence[Any]) -> Iterable[int]:
    """Texts of like length next to each other, so that few are padded to a longer one."""
    return sorted(range(len(inputs)), key=lambda at: len(inputs[at])) if kind == "texts" else range(len(inputs))


def _bytes(rows: FloatArray | None) -> bytearray:
    return bytearray() if rows is None else bytearray(rows.data)
