"""Where Milvus is, and the one place where its errors are translated."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from pymilvus import AsyncMilvusClient, MilvusClient, MilvusException
from pymilvus.exceptions import DataNotMatchException, ParamError

from indexer.errors import InvalidRecord, StoreUnavailable

INVALID_PARAMETER = 1100
COLLECTION_NOT_FOUND = 100
COLLECTION_NOT_LOADED = 101
_RETRY_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class MilvusConfig:
    """The vector store."""

    uri: str = ""
    """`http://host:port`; empty: the embedded Milvus Lite."""
    token: str = field(default="", metadata={"secret": True})
    deadline_s: float = 5.0
    """The longest that one call may take."""
    index_type: str = "FLAT"
    """How vectors are searched: FLAT is exact, and all that the embedded engine does well; a cluster also has HNSW."""

    lite_database: str = ""
    """The file of a Milvus Lite server on this machine, to be given the index by primary key that it lacks. The
    embedded one's is known."""

    def __post_init__(self) -> None:
        if self.deadline_s <= 0:
            raise ValueError("milvus.deadline_s must be positive")


def connect(config: MilvusConfig) -> AsyncMilvusClient:
    """A client of its own; it connects with its first call. Close it with `close`, in the same event loop."""
    _quieten()
    return AsyncMilvusClient(config.uri, token=config.token, timeout=config.deadline_s, dedicated=True)


def connect_for_schema(config: MilvusConfig) -> MilvusClient:
    """A connected, blocking client for changes of schema; the async one waits for indexes as Lite 3 cannot tell."""
    _quieten()
    return MilvusClient(config.uri, token=config.token, timeout=config.deadline_s, dedicated=True)


@contextmanager
def translated_errors(deadline_s: float) -> Iterator[None]:
    """Turn what Milvus and its client raise into `StoreUnavailable`, or `InvalidRecord` for what it will never take."""
    try:
        yield
    except TimeoutError as error:
        raise StoreUnavailable(f"Milvus did not answer within {deadline_s} s", _RETRY_AFTER_S) from error
    except (DataNotMatchException, ParamError) as error:
        raise InvalidRecord(f"Milvus cannot take it: {error.message}") from error
    except MilvusException as error:
        if error.code == INVALID_PARAMETER:
            raise InvalidRecord(f"Milvus cannot take it: {error.message}") from error
        if error.code == COLLECTION_NOT_FOUND:
            raise StoreUnavailable("the index is not there; an indexing worker makes it", _RETRY_AFTER_S) from error
        raise StoreUnavailable(f"Milvus refused: {error.message}", _RETRY_AFTER_S) from error
    except (grpc.RpcError, OSError) as error:
        raise StoreUnavailable(f"Milvus cannot be reached: {error}", _RETRY_AFTER_S) from error


def _quieten() -> None:
    # It logs every failed call with the whole request, what people searched for included; failures are raised anyway.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)
