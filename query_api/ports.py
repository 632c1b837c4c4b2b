"""What the query worker is made of; the composition root fills it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

from encoders.inference.device_priority import DevicePriority
from encoders.port import Encoder, ImageDecoder, Ranker
from encoders.processes.media_decoding import ClipsConfig, MediaDecoder
from encoders.speech.port import AdaptableRecogniser
from indexer.media_store import MediaStore
from indexer.ports import ChangeLog, ProductStore, ProfileStore
from query_api.config import QueryConfig
from streams.events.schema import Event


class EventSink(Protocol):
    """Publishes shoppers' events durably."""

    async def publish(self, topic: str, event: Event) -> None:
        """Publish; returns once Kafka has it. Raises `PublishFailed`."""
        ...


class CandidateCache(Protocol):
    """Bytes by key, for a time. May forget anything at any time. Raises `StoreUnavailable`."""

    async def get(self, key: str) -> bytes | None:
        """What is kept under a key."""
        ...

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for at most `ttl_s`, in place of an older one."""
        ...


@dataclass(frozen=True, slots=True)
class QueryPorts:
    """Ports and settings of one query worker; it closes none of them."""

    store: ProductStore
    generation: str
    """Name of the index generation that `store` is."""
    encoder: Encoder
    encoder_thread: Executor
    """Where the encoder runs: exactly one thread."""
    decoder: ImageDecoder
    """Makes the encoder's input of shoppers' pictures."""
    profiles: ProfileStore
    change_log: ChangeLog
    media_store: MediaStore
    candidate_cache: CandidateCache
    index_age_ms: Callable[[], int | None]
    """How long the oldest event that is not yet searchable has waited, in ms; None: not known just now."""
    lag: Callable[[], Mapping[str, int] | None] = lambda: None
    """How many events of each topic wait to be indexed; None: not known just now."""
    config: QueryConfig = field(default_factory=QueryConfig)
    ranker: Ranker | None = None
    """Scores the best candidates once more; None: their scores stay."""
    device_priority: DevicePriority | None = None
    """Of queries on the encoder's device, over other processes' work; None: none is shared."""
    publisher: EventSink | None = None
    """None: the search page's clicks are not taken."""
    fetch_media: Callable[[str], Awaitable[bytes]] | None = None
    """Fetches a picture by URL, safely; None: queries must bring the bytes. Raises `InvalidRequest`."""
    media_decoder: MediaDecoder | None = None
    """Decodes shoppers' sounds and clips; None: they are refused."""
    recogniser: AdaptableRecogniser | None = None
    """Understands what shoppers say; None: sounds are refused."""
    clips_config: ClipsConfig = field(default_factory=ClipsConfig)
