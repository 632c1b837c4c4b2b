"""What was read of products a moment ago is good enough for some uses."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")


class _Kept(NamedTuple, Generic[Value]):
    """What was read of a product, until it expires; None: there was nothing."""

    expires_s: float
    value: Value | None
    size: int
    """In bytes, an upper bound."""


class KeptReads(Generic[Value]):
    """Reads by product id, each good for `ttl_s`; the least lately read make room. For one event loop."""

    def __init__(
        self,
        read: Callable[[Sequence[str]], Awaitable[Mapping[str, Value]]],
        size_of: Callable[[Value | None], int],
        ttl_s: float,
        max_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args: read: products of which there is nothing are absent. size_of: bytes in memory, an upper bound."""
        self._read = read
        self._size_of = size_of
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: OrderedDict[str, _Kept[Value]] = OrderedDict()
        self._bytes = 0

    async def get(self, product_ids: Iterable[str]) -> dict[str, Value]:
        """By product id, at most `ttl_s` old. Raises what `read` raises."""
        wanted, now_s = list(product_ids), self._clock()
        kept = {one: known for one in wanted if (known := self._kept.get(one)) and known.expires_s > now_s}
        if missing := [one for one in wanted if one not in kept]:
            kept |= await self._refresh(missing)
        return {one: value for one in wanted if (value := kept[one].value) is not None}

    async def _refresh(self, product_ids: Sequence[str]) -> dict[str, _Kept[Value]]:
        values = await self._read(product_ids)
        expires_s = self._clock() + self._ttl_s
        fresh: dict[str, _Kept[Value]] = {}
        for product_id in product_ids:
            value = values.get(product_id)
            kept = fresh[product_id] = _Kept(expires_s, value, self._size_of(value))
            self._forget(self._kept.pop(product_id, None))
            self._kept[product_id] = kept
            self._bytes += kept.size
        while self._bytes > self._max_bytes:
            self._forget(self._kept.popitem(last=False)[1])
        return fresh

    def _forget(self, kept: _Kept[Value] | None) -> None:
        self._bytes -= 0 if kept is None else kept.size
