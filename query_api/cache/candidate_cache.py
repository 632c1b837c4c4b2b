"""The candidate cache: entries, their keys, Redis, and an in-memory double."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable
from typing import Any, cast

import msgspec
import numpy as np
from msgspec import Struct
from redis.asyncio import Redis

from encoders.spec import FloatArray
from indexer.redis.client import redis_call
from indexer.redis.pipelining import ask_together
from query_api.retrieval.candidate_columns import CandidateColumns, PackedColumns
from query_api.retrieval.candidate_set import CandidateSet

ENTRY_FORMAT = 5
"""Entries of another format are not understood; part of every key."""
_FASTEST = 1
"""Of zlib's levels: it takes a fraction of a millisecond for a thousand ids, and makes them half as long or less."""


class CacheEntry(Struct, frozen=True, array_like=True):
    """Candidates of a retrieval request as of a position in the change log."""

    position: int
    """Of the change log before the search: every change after it may be missing here."""
    vector: bytes | None
    """Query vector, float32."""
    candidates: CandidateSet

    @property
    def query_vector(self) -> FloatArray | None:
        """The query vector (2·dim,)."""
        return None if self.vector is None else np.frombuffer(self.vector, np.float32)


class RedisCandidateCache:
    """`CandidateCache` over Redis strings."""

    def __init__(self, redis: Redis, deadline_s: float = 0.1) -> None:
        self._redis = redis
        self._deadline_s = deadline_s

    async def get(self, key: str) -> bytes | None:
        async with redis_call(self._deadline_s):
            (value,) = await ask_together(self._redis, [("GET", key)])
        return cast(bytes | None, value)

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        async with redis_call(self._deadline_s):
            await ask_together(self._redis, [("SET", key, value, "PX", max(1, int(ttl_s * 1000)))])


class InMemoryCandidateCache:
    """The double of `RedisCandidateCache` within one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.entries: dict[str, tuple[float, bytes]] = {}
        """By key: when it expires, by the clock, and the value."""

    async def get(self, key: str) -> bytes | None:
        expires, value = self.entries.get(key, (0.0, b""))
        return value if self._clock() < expires else None

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        self.entries[key] = (self._clock() + ttl_s, value)


def candidate_key(generation: str, *request: Any) -> str:
    """The key of a retrieval request, which tells nothing of its words.

    Args:
        generation: of the index.
        request: everything that the candidates depend on, as msgpack can write it.
    """
    content = msgspec.msgpack.encode([ENTRY_FORMAT, generation, *request], order="deterministic")
    return f"vitrine:candidates:{hashlib.blake2b(content, digest_size=16).hexdigest()}"


def encode_entry(position: int, vector: FloatArray | None, candidates: CandidateSet) -> bytes:
    """The bytes that `decode_entry` reads; `vector`: the query's (2·dim,), None where it was not embedded."""
    packed = None if vector is None else vector.astype(np.float32, copy=False).tobytes()
    return _encoder.encode(CacheEntry(position, packed, candidates))


def decode_entry(data: bytes) -> CacheEntry | None:
    """The entry, or None when the bytes are none: to a cache, that is a miss."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, zlib.error):
        return None


def _pack(value: Any) -> Any:
    if isinstance(value, CandidateColumns):
        ids, dense, lexical = value.pack()
        return zlib.compress(ids, _FASTEST), dense, lexical
    raise NotImplementedError  # As msgspec asks of a hook for what it does not write; an entry holds nothing else.


def _unpack(kind: type[Any], value: Any) -> Any:
    if kind is not CandidateColumns:
        return value
    ids, dense, lexical = msgspec.convert(value, PackedColumns)
    return CandidateColumns.unpack((zlib.decompress(ids), dense, lexical))


_encoder = msgspec.msgpack.Encoder(enc_hook=_pack)
_decoder = msgspec.msgpack.Decoder(CacheEntry, dec_hook=_unpack)
