"""What was read of products a moment ago is good enough for some uses, and longer where changes are told."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

Value = TypeVar("Value")


class TellsChanges(Protocol):
    """Something that learns which products changed."""

    @property
    def told_s(self) -> float:
        """Until when, in seconds of the monotonic clock, all changes have been told."""
        ...

    def tell_first(self, keeper: KeptReads[Any]) -> None:
        """Tell it of changes from now on."""
        ...


class _Kept(NamedTuple, Generic[Value]):
    """What was read of a product, and when; None: there was nothing."""

    read_s: float
    value: Value | None
    size: int
    """In bytes, an upper bound."""


class KeptReads(Generic[Value]):
    """Reads by product id, each good for `ttl_s`; the least lately read make room. For one event loop.

    Where it is told of changes, that begins anew whenever it has been told of all.
    """

    def __init__(
        self,
        read: Callable[[Sequence[str]], Awaitable[Mapping[str, Value]]],
        size_of: Callable[[Value | None], int],
        ttl_s: float,
        max_bytes: int,
        clock: Callable[[], float] = time.monotonic,
        feed: TellsChanges | None = None,
    ) -> None:
        """Bind to what is read.

        Args:
            read: products of which there is nothing are absent.
            size_of: bytes in memory, an upper bound.
            ttl_s: how long a read is good enough.
            max_bytes: what may be kept.
            clock: in seconds.
            feed: tells of changes; None: nobody does.
        """
        self._read = read
        self._size_of = size_of
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._clock = clock
        self._feed = feed
        if feed is not None:
            feed.tell_first(self)
        self._reads: dict[int, set[str]] = {}
        """Of each read under way, the products that changed since it began."""
        self._kept: OrderedDict[str, _Kept[Value]] = OrderedDict()
        self._bytes = 0

    async def get(self, product_ids: Iterable[str]) -> dict[str, Value]:
        """By product id, at most `ttl_s` old. Raises what `read` raises."""
        wanted, since_s = list(product_ids), self._clock() - self._ttl_s
        is_all_good = self._feed is not None and self._feed.told_s > since_s
        kept = {
            one: known for one in wanted if (known := self._kept.get(one)) and (is_all_good or known.read_s > since_s)
        }
        if missing := [one for one in wanted if one not in kept]:
            kept |= await self._refresh(missing)
        return {one: value for one in wanted if (value := kept[one].value) is not None}

    def forget(self, product_ids: Collection[str]) -> None:
        """These products changed: they are read again."""
        for changed in self._reads.values():
            changed.update(product_ids)
        for product_id in product_ids:
            self._remove(self._kept.pop(product_id, None))

    def clear(self) -> None:
        """Any product may have changed."""
        self._kept, self._bytes, self._reads = OrderedDict(), 0, {}

    async def _refresh(self, product_ids: Sequence[str]) -> dict[str, _Kept[Value]]:
        read_s, reads, changed = self._clock(), self._reads, set[str]()
        reads[id(changed)] = changed
        try:
            values = await self._read(product_ids)
        finally:
            del reads[id(changed)]
        fresh = {one: _Kept(read_s, value := values.get(one), self._size_of(value)) for one in product_ids}
        if reads is self._reads:
            self._keep({one: kept for one, kept in fresh.items() if one not in changed})
        return fresh

    def _keep(self, fresh: Mapping[str, _Kept[Value]]) -> None:
        for product_id, kept in fresh.items():
            self._remove(self._kept.pop(product_id, None))
            self._kept[product_id] = kept
            self._bytes += kept.size
        while self._bytes > self._max_bytes:
            self._remove(self._kept.popitem(last=False)[1])

    def _remove(self, kept: _Kept[Value] | None) -> None:
        self._bytes -= 0 if kept is None else kept.size
