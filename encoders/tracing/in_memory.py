"""The double of a tracer: it keeps spans where tests look at them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from encoders.tracing.spans import NO_ATTRIBUTES, Attributes, Kind
from encoders.tracing.trace_context import TraceContext


class InMemoryTracer:
    """`Tracer` that keeps the spans that have ended; what has no parent is recorded, unless told otherwise."""

    def __init__(self, is_sampled: bool = True) -> None:
        """Args: is_sampled: whether traces that begin here are recorded."""
        self.ended: list[InMemorySpan] = []
        self._is_sampled = is_sampled

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes,
        parent: TraceContext | None = None,
        links: Sequence[TraceContext] = (),
    ) -> InMemorySpan:
        is_sampled = parent.is_sampled if parent else any(link.is_sampled for link in links) or self._is_sampled
        trace_id, state = (parent.trace_id, parent.state) if parent else (secrets.token_hex(16), "")
        context = TraceContext(trace_id, secrets.token_hex(8), is_sampled, state)
        return InMemorySpan(self, name, kind, context, parent, tuple(links), dict(attributes))

    def named(self, name: str) -> list[InMemorySpan]:
        """The recorded spans of a name, in the order of their ends."""
        return [span for span in self.ended if span.name == name]


@dataclass(eq=False, slots=True)
class InMemorySpan:
    """`Span` of an `InMemoryTracer`."""

    tracer: InMemoryTracer = field(repr=False)
    name: str
    kind: Kind
    context: TraceContext
    parent: TraceContext | None
    links: tuple[TraceContext, ...]
    attributes: dict[str, str | int | float | bool]
    error: str | None = None
    """None: it has not ended; empty: it has, without one."""

    @property
    def is_recorded(self) -> bool:
        return self.context.is_sampled and self.error is None

    def child(self, name: str, kind: Kind = "internal", attributes: Attributes = NO_ATTRIBUTES) -> InMemorySpan:
        return self.tracer.begin(name, kind, attributes, self.context)

    def rename(self, name: str) -> None:
        self.name = name

    def set(self, attributes: Attributes) -> None:
        self.attributes |= attributes

    def end(self, error: str = "") -> None:
        if self.is_recorded:
            self.tracer.ended.append(self)
        self.error = error
