"""Every setting: the one list of sections, each a frozen dataclass whose defaults are the documented defaults.

A section's fields become `VITRINE_<SECTION>_<NAME>` and keys of `[section]` in `vitrine.toml`. To take over a
section, put the owning package's dataclass into `SECTIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
Port = Annotated[int, Meta(ge=0, le=65_535)]


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """The event broker."""

    bootstrap_servers: str | None = None
    """`host:port,…`; None: the embedded broker."""
    partitions: Count = 6
    session_timeout_s: Seconds = 10.0
    publish_deadline_s: Seconds = 30.0


@dataclass(frozen=True, slots=True)
class MilvusConfig:
    """The vector store."""

    uri: str | None = None
    """None: the embedded Milvus Lite."""
    token: str | None = field(default=None, metadata={"secret": True})
    deadline_s: Seconds = 5.0


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """Profiles, the change log and the result cache."""

    url: str | None = None
    """None: the embedded server."""


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """The model that turns products and queries into embeddings."""

    name: str = "mini"
    """A built-in name, a directory or a hub name."""
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class IndexingConfig:
    """The indexing workers."""

    workers: Count = 1
    batch_size: Count = 64
    linger_ms: Annotated[int, Meta(ge=0)] = 30
    in_flight: Count = 2
    group: str = "vitrine-indexer"


@dataclass(frozen=True, slots=True)
class QueryConfig:
    """The query worker."""

    host: str = "127.0.0.1"
    port: Port = 8080
    """0: any free one."""
    cache_ttl_s: Annotated[float, Meta(ge=0)] = 60.0


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """Pictures that workers fetch and decode."""

    max_bytes: Count = 20_000_000
    max_pixels: Count = 50_000_000
    fetch_timeout_s: Seconds = 5.0
    allow_private_hosts: tuple[str, ...] = ()
    """Hosts on private networks that pictures may be fetched from."""


SECTIONS: Mapping[str, type[Any]] = {
    "kafka": KafkaConfig,
    "milvus": MilvusConfig,
    "redis": RedisConfig,
    "encoder": EncoderConfig,
    "indexing": IndexingConfig,
    "query": QueryConfig,
    "media": MediaConfig,
}
