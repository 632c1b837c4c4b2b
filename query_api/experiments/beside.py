"""The generations of the index that a process has at hand: the active one, and one that is ready beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, TypeVar

Parts = TypeVar("Parts")


class GenerationsBeside(Generic[Parts]):
    """What answers from each generation, by its name; one for all generations of a process, and one event loop.

    Who has left is asked nothing more, and goes on with what it was asked.
    """

    def __init__(self) -> None:
        self._at_hand: dict[str, tuple[Parts, Callable[[], AbstractContextManager[None]]]] = {}

    @property
    def names(self) -> Collection[str]:
        """The names of the generations, as they are at any time."""
        return self._at_hand.keys()

    def add(self, generation: str, parts: Parts, answering: Callable[[], AbstractContextManager[None]]) -> None:
        """Add a generation. Args: answering: the context that is entered while it is asked."""
        self._at_hand[generation] = parts, answering

    def remove(self, generation: str) -> None:
        """Remove a generation: it is asked nothing more."""
        self._at_hand.pop(generation, None)

    @contextmanager
    def asked(self, generation: str) -> Generator[Parts, None, None]:
        """What answers from a generation that is at hand; it does not go while it is asked."""
        parts, answering = self._at_hand[generation]
        with answering():
            yield parts
