"""Commands and answers as Redis' protocol has them, below what redis-py makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import hiredis
from redis.exceptions import ResponseError

Command = tuple[str | int | bytes, ...]

# By its own annotation, it takes commands of one word.
pack = cast("Callable[[Command], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType]
"""A command as the protocol has it, in a tenth of the time that redis-py takes."""


async def next_answer(connection: Any) -> Any:
    """The next answer of a connection; an error is one, too, as those after it have to be read."""
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
