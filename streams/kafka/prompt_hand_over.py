"""Faust's handing over of fetched messages, without four tasks for each that nothing has to be waited for."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import wraps
from typing import Any

Hand = Coroutine[Any, Any, Any]


def hand_over_promptly(consumer: Any) -> None:
    """Have a consumer of Faust's hand messages over at once while there is room for them; once is enough.

    For each message it waits for the first of: its being taken, fetching being suspended, a stop, a crash. That is a
    task each, a sixth of the worker's event loop. A message is nearly always taken at once, so the taking is begun
    first; only where it has to wait, the rest of it is waited for as Faust does.
    """
    wait_first: Callable[..., Awaitable[Any]] = consumer.wait_first
    if getattr(wait_first, "is_prompt", False):
        return

    @wraps(wait_first)
    async def promptly(*awaitables: Any, **options: Any) -> Any:
        if options or len(awaitables) != 2 or not all(isinstance(one, types.CoroutineType) for one in awaitables):
            return await wait_first(*awaitables, **options)
        taking, suspended = awaitables
        try:
            waited_for = taking.send(None)
        except StopIteration:
            suspended.close()
            return None
        return await wait_first(_rest_of(taking, waited_for), suspended)

    promptly.is_prompt = True  # pyright: ignore[reportFunctionMemberAccess, reportAttributeAccessIssue]
    consumer.wait_first = promptly


async def _rest_of(begun: Hand, waited_for: Any) -> Any:
    """What a coroutine returns that has been begun, and waits for something."""
    return await _steps(begun, waited_for)


@types.coroutine
def _steps(begun: Hand, waited_for: Any) -> Generator[Any, Any, Any]:
    while True:
        try:
            answer = yield waited_for
        except GeneratorExit:
            begun.close()
            raise
        except BaseException as error:
            step = begun.throw, error
        else:
            step = begun.send, answer
        try:
            waited_for = step[0](step[1])
        except StopIteration as end:
            return end.value
