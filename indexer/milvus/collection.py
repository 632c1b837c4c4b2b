"""Calls to one collection of Milvus, each with a deadline and its errors translated; reads see all writes so far."""

# Methods of pymilvus' clients take options without types, and give dictionaries of them.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any, Literal, TypeVar, cast

import numpy as np
from pymilvus import MilvusException

from encoders.spec import FloatArray
from indexer.milvus.columns import ColumnarMilvusClient, ResultColumns
from indexer.milvus.connection import COLLECTION_NOT_LOADED, translated_errors
from indexer.milvus.lite_lock import LiteLock
from indexer.milvus.vector_types import StoredArray
from indexer.ports.products import Candidate, ScoredIds

T = TypeVar("T")

LANDING_S = 60.0
"""How long an upsert that was not answered within the deadline is waited for, where nothing else bounds it."""
BY_PRODUCT_ID = {"iterator": "True", "reduce_stop_for_best": "True"}
"""Has a query give the least keys in order, as the client's own iterators ask for it."""


class MilvusCollection:
    """One collection. Bound to the event loop in which it is first called.

    Reads are `Strong`: on a cluster they wait for the next time tick. Whatever is planned by, cached, or shown to who
    comes after a change needs that: `Bounded` leaves out the writes of some seconds, and what is cached without one
    would stay without it. Only what is an estimate anyway is read `Bounded`. On Lite all reads are strong.
    """

    def __init__(self, client: ColumnarMilvusClient, name: str, deadline_s: float, lite_database: str = "") -> None:
        """Args: lite_database: the file of Milvus Lite, if it is one."""
        self.name = name
        self._client = client
        self._deadline_s = deadline_s
        self._lite_lock = LiteLock(lite_database)
        self._unanswered: set[asyncio.Task[Any]] = set()
        """Upserts that were late, and may land yet."""

    async def close(self) -> None:
        """Close the connection."""
        for late in self._unanswered:
            late.cancel()
        await self._client.close()

    async def upsert(self, request: Any, until: float = math.inf) -> None:
        """Send an `UpsertRequest`; `until` is the time of the monotonic clock by which it must have landed.

        One that is late may land after whatever is sent next, and set that back: the next one is sent when the outcome
        of the late one is known, or `until` is over.
        """
        upsert = partial(self._client.upsert, self.name, [request])
        deadline_s = min(self._deadline_s, until - time.monotonic())
        with translated_errors(deadline_s):
            async with asyncio.timeout(deadline_s):
                while self._unanswered:
                    await asyncio.wait(self._unanswered)
                sending = asyncio.create_task(self._call(upsert, self._lite_lock.writing(), until, LANDING_S))
                try:
                    await asyncio.shield(sending)
                except asyncio.CancelledError:
                    self._unanswered.add(sending)
                    sending.add_done_callback(self._settle)
                    raise

    def _settle(self, late: asyncio.Task[Any]) -> None:
        self._unanswered.discard(late)
        if not late.cancelled():
            # Whoever asked has gone: how it ended is nobody's error any more.
            late.exception()

    async def search(self, field: str, query: StoredArray | str, expression: str, limit: int) -> ScoredIds:
        """The best entities by a field."""
        (hits,) = await self._hits(field, [query], expression, limit, [], {})
        return ScoredIds(hits.ids, _scores(query, hits))

    async def search_all(
        self, field: str, queries: Sequence[StoredArray | str], expression: str, limit: int
    ) -> list[list[Candidate]]:
        """As `search`, for several queries in one call, with the entities' cards; an answer a query."""
        # Nothing but cards comes back: of 1,000 rows, arrays would take 300 ms to decode, vectors 70 ms, texts 2 ms.
        answers = await self._hits(field, queries, expression, limit, ["card"], {})
        return [
            list(map(Candidate, hits.ids, _scores(query, hits).tolist(), map(str.encode, hits.texts)))
            for query, hits in zip(queries, answers, strict=True)
        ]

    async def nearest(
        self, field: str, query: StoredArray | str, expression: str, limit: int, parameters: Mapping[str, Any]
    ) -> list[str]:
        """Ids of the entities that an index finds near."""
        (hits,) = await self._hits(field, [query], expression, limit, [], parameters)
        return [*hits.ids]

    async def query(self, expression: str, output: list[str], **options: Any) -> list[dict[str, Any]]:
        """The entities that an expression lets pass."""
        options = {"consistency_level": "Strong"} | options
        return await self._read(
            partial(self._client.query, self.name, filter=expression, output_fields=output, **options)
        )

    async def cards(self, expression: str, **bounds: Any) -> dict[str, bytes]:
        """The cards of the entities that an expression lets pass, by product id."""
        entities = await self.query(expression, ["card"], **bounds)
        return {entity["product_id"]: entity["card"].encode() for entity in entities}

    async def fields(self, expression: str, output: list[str], **bounds: Any) -> dict[str, Any]:
        """Fields of the entities that an expression lets pass, as `query_fields` gives them."""
        return await self._read(partial(self._client.query_fields, self.name, expression, output, **bounds))

    async def count(self, expression: str, consistency: Literal["Strong", "Bounded"] = "Strong") -> int:
        """How many entities an expression lets pass."""
        return int((await self.query(expression, ["count(*)"], consistency_level=consistency))[0]["count(*)"])

    async def index_types(self) -> dict[str, str]:
        """By field, how it is indexed."""
        names = await self._call(partial(self._client.list_indexes, self.name))
        indexes = [await self._call(partial(self._client.describe_index, self.name, name)) for name in names]
        return {index["field_name"]: index["index_type"] for index in cast(list[dict[str, str]], indexes)}

    async def _hits(
        self,
        field: str,
        queries: Sequence[StoredArray | str],
        expression: str,
        limit: int,
        output: list[str],
        parameters: Mapping[str, Any],
    ) -> list[ResultColumns]:
        search = partial(
            self._client.search,
            self.name,
            data=list(queries),
            anns_field=field,
            filter=expression,
            limit=limit,
            output_fields=output,
            search_params={"params": dict(parameters)} if parameters else None,
            consistency_level="Strong",
        )
        return await self._read(cast(Callable[..., Awaitable[list[ResultColumns]]], search))

    async def _read(self, request: Callable[..., Awaitable[T]]) -> T:
        return await self._call(request, self._lite_lock.reading())

    async def _call(
        self,
        request: Callable[..., Awaitable[T]],
        turn: AbstractAsyncContextManager[None] | None = None,
        until: float = math.inf,
        deadline_s: float | None = None,
    ) -> T:
        """Make a request within the deadline; the client's own timeout does not hold while it connects.

        Args:
            turn: within which it is made; None: any time.
            until: when it must have been answered, in seconds of the monotonic clock.
            deadline_s: how long it may take; None: as long as any call.
        """
        deadline_s = min(self._deadline_s if deadline_s is None else deadline_s, until - time.monotonic())
        with translated_errors(deadline_s):
            async with asyncio.timeout(deadline_s), turn or nullcontext():
                try:
                    return await request(timeout=deadline_s)
                except MilvusException as error:
                    if error.code != COLLECTION_NOT_LOADED:
                        raise
                # Lite 3 forgets what was loaded when it is restarted.
                await self._client.load_collection(self.name, timeout=deadline_s)
                return await request(timeout=deadline_s)


def _scores(query: StoredArray | str, hits: ResultColumns) -> FloatArray:
    # Lite 3 gives BM25 as a negative distance.
    return np.abs(hits.scores) if isinstance(query, str) else hits.scores
