"""What each kind of work takes, as it was measured: the table that ships, or the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import msgspec

from vitrine.errors import VitrineError

KINDS: tuple[str, ...] = ("idle", "content", "change", "click", "cached_search", "search")
PARTS: tuple[str, ...] = ("worker", "decoding", "encoder", "query", "kafka", "redis", "milvus")
"""Who spends processor time: a worker's event loop, its decoders and other threads, its encoder, others."""

Positive = Annotated[float, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Unusable(VitrineError):
    """A table of service times that cannot be used."""


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept, in bytes."""

    row: Positive
    """A product in Milvus, without its vectors."""
    cached_search: Positive
    """An entry in Redis."""
    shopper: Positive
    """History, traits and sessions of a usual shopper."""
    product_sessions: Positive
    """Redis' part of a product: the sessions that it was in, its popularity."""
    remembered_picture: Positive


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Service times and sizes."""

    where: str
    """On what, and of which version."""
    products: Annotated[int, msgspec.Meta(ge=1)]
    """In the index that was searched, one after the other (FLAT)."""
    seconds: dict[str, dict[str, Seconds]]
    """Processor time by kind of work and by part; `idle` is what a second takes without any."""
    graph_search_seconds: Positive
    """Processor time of Milvus for a search of one segment of `segment_bytes` by HNSW."""
    device_seconds: Positive
    """Time of a GPU for a product with a text and a picture."""
    storage: Storage
    assumed: tuple[str, ...] = ()
    """Names of what was not measured."""
    segment_bytes: Positive = 2.0**30

    def __post_init__(self) -> None:
        strange = [kind for kind in self.seconds if kind not in KINDS]
        strange += [part for parts in self.seconds.values() for part in parts if part not in PARTS]
        missing = [kind for kind in KINDS if kind != "idle" and not any(self.seconds.get(kind, {}).values())]
        if strange or missing:
            raise ValueError(f"[seconds] has unknown {strange} and lacks {missing}; kinds: {KINDS}, parts: {PARTS}")


def shipped() -> Measured:
    """What the project measured."""
    return _read((files("vitrine.capacity") / "measured.toml").read_text("utf-8"), "measured.toml")


def from_file(path: Path) -> Measured:
    """The user's own measurements, in the shape of `measured.toml`; what is not in the file is as it ships.

    Raises:
        Unusable: it cannot be read, or says something that cannot be; the message says what.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from error
    return _read(text, str(path), msgspec.to_builtins(shipped()))


def _read(text: str, name: str, defaults: Mapping[str, Any] | None = None) -> Measured:
    try:
        return msgspec.convert(_merged(defaults or {}, tomllib.loads(text)), Measured)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Unusable(f"{name} is no table of service times: {error}") from error


def _merged(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Tables within tables, one over the other."""
    merged = dict(defaults)
    for name, value in given.items():
        inner = merged.get(name)
        merged[name] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged
