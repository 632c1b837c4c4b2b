"""Search results, and rows that are read and written, as columns: so Milvus has them. Its client has objects instead.

The one place where private names of pymilvus are used: `_get_connection`, `_generate_call_context`, the handler's
`_execute_search`, `_prepare_row_upsert_request`, `_async_stub` and `_final_channel`, `_api_level_md`, and what its
interceptors and their channel of grpc's are made of: `_fn`, `_unary_unary_interceptors`.
"""

# pymilvus is not wholly typed.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from grpc.aio import ClientCallDetails
from pymilvus import AsyncMilvusClient
from pymilvus.client.call_context import (
    CallContext,
    _api_level_md,  # pyright: ignore[reportPrivateUsage]
)
from pymilvus.client.prepare import Prepare
from pymilvus.client.utils import check_status
from pymilvus.grpc_gen.milvus_pb2_grpc import MilvusServiceStub

from encoders.spec import FloatArray
from indexer.milvus.access import MilvusAccess


@dataclass(frozen=True, slots=True)
class ResultColumns:
    """The hits of one query, best first."""

    ids: Sequence[str]
    scores: FloatArray
    """(n,) float32, as the engine gives them."""
    texts: Sequence[str]
    """The output field, where one was asked for; a VARCHAR."""


class ColumnarMilvusClient(AsyncMilvusClient):
    """A client whose `search` gives a `ResultColumns` for each query vector or text, with at most one output field.

    Its `upsert` takes a request that is made already, the only one in a list, instead of entities.
    Three objects a hit took the query worker as long as Milvus took for the search: 3 ms for 1,000 hits.
    With another token or other certificates it connects anew; what is under way ends over the former connection.
    """

    def __init__(self, access: MilvusAccess) -> None:
        self._access = access
        self._former: dict[asyncio.Task[None], AsyncMilvusClient] = {}
        super().__init__(**access.options())

    async def close(self) -> None:
        """Close this connection, and any former one."""
        for task, former in list(self._former.items()):
            task.cancel()
            await AsyncMilvusClient.close(former)
        await super().close()

    async def query_fields(
        self,
        collection: str,
        expression: str,
        output: list[str],
        *,
        timeout: float,  # noqa: ASYNC109  (as the client's own methods have it)
        **bounds: Any,
    ) -> dict[str, Any]:
        """Fields of the entities that an expression lets pass, after all writes so far, as Milvus' `FieldData` by name.

        Without any entity there may be no fields. Args: bounds: as `query` takes them.
        """
        reads = (await self._get_connection())._vitrine_reads
        request = Prepare.query_request(collection, expression, output, [], use_default_consistency=False, **bounds)
        response = await reads.stub.Query(
            request, timeout=timeout, metadata=reads.headers(self._generate_call_context())
        )
        check_status(response.status)
        return {field.field_name: field for field in response.fields_data}

    def _renew(self) -> None:
        """Become a new client; the former one is closed once its last calls must be over."""
        former = copy.copy(self)
        super().__init__(**self._access.options())
        task = asyncio.create_task(_close_later(former, self._access.deadline_s))
        self._former[task] = former
        task.add_done_callback(self._former.pop)

    async def _get_connection(self) -> Any:
        if self._access.changed():
            self._renew()
        handler: Any = await super()._get_connection()
        reads = getattr(handler, "_vitrine_reads", None)
        if reads is None or reads.channel is not handler._final_channel:
            handler._vitrine_reads = reads = _Reads.over(handler._final_channel)
            handler._execute_search = partial(_execute_search, reads)
            handler._prepare_row_upsert_request = _ready_made
        return handler


@dataclass(frozen=True, slots=True)
class _Reads:
    """A connection for searches and reads without grpc's interceptors: these take as long as making the request does.

    All that pymilvus' interceptors do is to add headers.
    """

    channel: Any
    """Of pymilvus', with interceptors."""
    stub: Any
    """Milvus' methods over the same connection, without."""
    constant: Sequence[Any]
    """The headers that they add to each request."""

    @staticmethod
    def over(channel: Any) -> _Reads:
        plain, details = copy.copy(channel), ClientCallDetails("", None, None, None, None)
        plain._unary_unary_interceptors = []
        for interceptor in channel._unary_unary_interceptors:
            details, _ = interceptor._fn(details, None)
        return _Reads(channel, MilvusServiceStub(plain), tuple(details.metadata or ()))

    def headers(self, context: CallContext | None) -> list[Any]:
        """All those of one request."""
        return [*self.constant, *(_api_level_md(context) or ())]


async def _close_later(client: AsyncMilvusClient, delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    await AsyncMilvusClient.close(client)


async def _execute_search(
    reads: _Reads, request: Any, deadline_s: float | None = None, *, context: CallContext | None = None, **_: Any
) -> list[ResultColumns]:
    response = await reads.stub.Search(request, timeout=deadline_s, metadata=reads.headers(context))
    check_status(response.status)
    results = response.results
    texts = results.fields_data[0].scalars.string_data.data if results.fields_data else ()
    scores = np.array(results.scores, np.float32)
    # An answer without any hit may not even say so query by query.
    counts = list(results.topks) or [0] * request.nq
    return list(_split_by_query(counts, list(results.ids.str_id.data), scores, list(texts)))


async def _ready_made(_: str, requests: Sequence[Any], *__: Any, **___: Any) -> Any:
    return requests[0]


def _split_by_query(
    counts: Sequence[int], ids: Sequence[str], scores: FloatArray, texts: Sequence[str]
) -> Iterator[ResultColumns]:
    """The hits of each query: `counts` says how many it has, and the rest has one query's after another's."""
    start = 0
    for count in counts:
        hits = slice(start, start + count)
        yield ResultColumns(ids[hits], scores[hits], texts[hits])
        start += count
