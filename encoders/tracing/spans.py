"""Spans: the port, and the span that the running task is in.

Whoever begins something, a request or a batch, is given a `Tracer` and enters a span; what belongs to it then says no
more than its name (`stage`, `traced`). Without a tracer there is no span to be in, and they do nothing.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Literal, ParamSpec, Protocol, TypeVar

from encoders.tracing.trace_context import TraceContext

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | float | bool]
"""Facts about a span: never who asked, what for, an address of media, or a key."""
NO_ATTRIBUTES: Attributes = {}
MILVUS: Attributes = {"db.system.name": "milvus"}

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Span(Protocol):
    """One thing that is done. Nothing here waits, or raises."""

    @property
    def context(self) -> TraceContext:
        """How others refer to it."""
        ...

    @property
    def is_recorded(self) -> bool:
        """Whether anybody will see it; if not, it needs no children."""
        ...

    def child(self, name: str, kind: Kind = "internal", attributes: Attributes = NO_ATTRIBUTES) -> Span:
        """Begin a part of it."""
        ...

    def rename(self, name: str) -> None:
        """Call it otherwise, now that more is known."""
        ...

    def set(self, attributes: Attributes) -> None:
        """Add facts about it."""
        ...

    def end(self, error: str = "") -> None:
        """End it, once. Args: error: what kind of error ended it, without a word of what was sent; empty: none."""
        ...


class Tracer(Protocol):
    """Begins spans. Thread-safe; nothing here waits, or raises."""

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Attributes,
        parent: TraceContext | None = None,
        links: Sequence[TraceContext] = (),
    ) -> Span:
        """Begin a span. Whether it is recorded is its parent's decision; of one with links, that of what it links to.

        Args:
            name: few different ones.
            attributes: facts that are known at once.
            parent: what it is part of; None: it begins a trace.
            links: what else it belongs to.
        """
        ...


_current: ContextVar[Span | None] = ContextVar("span", default=None)


def current_span() -> Span | None:
    """The span that the running task is in, recorded or not; None: none."""
    return _current.get()


class entered(AbstractContextManager[Span]):
    """Within, `span` is the current one, in tasks that are started there too."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        self._token: Token[Span | None] = _current.set(self._span)
        return self._span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        _current.reset(self._token)


class within(entered):
    """`entered`, and the span ends with it; with the kind of an exception, of which no word is told."""

    __slots__ = ()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        super().__exit__(kind, error, _)
        self._span.end(kind.__name__ if kind else "")


_NOTHING = contextlib.nullcontext()


def stage(name: str, kind: Kind = "internal", attributes: Attributes = NO_ATTRIBUTES) -> AbstractContextManager[object]:
    """A part of the current span is under way; nothing where there is none, or nobody sees it."""
    parent = _current.get()
    return within(parent.child(name, kind, attributes)) if parent and parent.is_recorded else _NOTHING


def traced(
    name: str, kind: Kind = "internal", attributes: Attributes = NO_ATTRIBUTES
) -> Callable[[Callable[Given, Coroutine[Any, Any, Result]]], Callable[Given, Coroutine[Any, Any, Result]]]:
    """Make each call of a coroutine function a `stage`."""

    def decorate(
        function: Callable[Given, Coroutine[Any, Any, Result]],
    ) -> Callable[Given, Coroutine[Any, Any, Result]]:
        @functools.wraps(function)
        def call(*args: Given.args, **kwargs: Given.kwargs) -> Coroutine[Any, Any, Result]:
            parent = _current.get()
            if parent is None or not parent.is_recorded:
                return function(*args, **kwargs)
            return _in_child(parent, function(*args, **kwargs))

        async def _in_child(parent: Span, work: Coroutine[Any, Any, Result]) -> Result:
            with within(parent.child(name, kind, attributes)):
                return await work

        return call

    return decorate


def annotate(attributes: Attributes) -> None:
    """Add facts about what is under way to the current span."""
    span = _current.get()
    if span and span.is_recorded:
        span.set(attributes)
