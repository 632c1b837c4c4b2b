"""Where Milvus is, and the one place where its errors are translated."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import grpc
from pymilvus import MilvusClient, MilvusException
from pymilvus.exceptions import DataNotMatchException, ParamError

from indexer.errors import InvalidRecord, StoreUnavailable
from indexer.milvus.columns import ColumnarMilvusClient
from indexer.milvus.vector_types import DTYPES, FLOAT32

INVALID_PARAMETER = 1100
COLLECTION_NOT_FOUND = 100
COLLECTION_NOT_LOADED = 101
INDEX_NOT_FOUND = 700
_RETRY_AFTER_S = 1.0
_KEEPALIVE = {"grpc.keepalive_time_ms": 300_000, "grpc.keepalive_permit_without_calls": False}
"""A server takes more pings than one in five minutes for an attack, and hangs up; the client's own are every 10 s."""
EXACT_INDEX = "FLAT"
"""The index that is none: every vector is looked at."""
IVF_LISTS = 1_024
_BUILD_PARAMETERS: Mapping[str, Mapping[str, int]] = {
    EXACT_INDEX: {},
    "AUTOINDEX": {},
    "HNSW": {"M": 24, "efConstruction": 200},
    "IVF_FLAT": {"nlist": IVF_LISTS},
    "IVF_SQ8": {"nlist": IVF_LISTS},
}


@dataclass(frozen=True, slots=True)
class MilvusConfig:
    """The vector store."""

    uri: str = ""
    """`http://host:port`; empty: the embedded Milvus Lite."""
    token: str = field(default="", metadata={"secret": True})
    deadline_s: float = 5.0
    """The longest that one call may take."""
    index_type: str = "FLAT"
    """How vectors are searched in generations made from now on: FLAT looks at every one, which is right up to some
    hundred thousand products and on the embedded engine. HNSW, IVF_FLAT, IVF_SQ8 or AUTOINDEX propose candidates,
    which are scored exactly: for a cluster with more; they take three times the memory."""
    vector_type: str = FLOAT32
    """How vectors are kept in generations made from now on: float32, or float16 for half the space and scores that
    are off in the fourth digit. The embedded engine has float16 with FLAT alone, and searches it some six times as
    long."""
    hnsw_ef: int = 1_500
    """HNSW: how many candidates a search keeps in view. More find more, slower."""
    ivf_nprobe: int = 128
    """IVF_FLAT and IVF_SQ8: how many of their 1,024 lists a search looks through."""
    exact_below: int = 50_000
    """With an approximate index: filters that leave no more products than this have all of those scored."""
    lite_database: str = ""
    """The file of a Milvus Lite server on this machine, to be given the index by primary key that it lacks. The
    embedded one's is known."""

    def __post_init__(self) -> None:
        if self.deadline_s <= 0:
            raise ValueError("milvus.deadline_s must be positive")
        if self.index_type not in _BUILD_PARAMETERS:
            raise ValueError(f"milvus.index_type must be one of {', '.join(_BUILD_PARAMETERS)}, not {self.index_type}")
        if self.vector_type not in DTYPES:
            raise ValueError(f"milvus.vector_type must be one of {', '.join(DTYPES)}, not {self.vector_type}")
        if self.hnsw_ef < 1 or self.ivf_nprobe < 1 or self.exact_below < 0:
            raise ValueError("milvus.hnsw_ef and milvus.ivf_nprobe must be positive, milvus.exact_below at least 0")

    def search_parameters(self, index_type: str, limit: int) -> dict[str, int]:
        """What a search of an approximate index is told."""
        if index_type == "HNSW":
            return {"ef": max(self.hnsw_ef, limit)}
        return {"nprobe": min(self.ivf_nprobe, IVF_LISTS)} if index_type.startswith("IVF") else {}


def build_parameters(index_type: str) -> dict[str, int]:
    """What an index is made with."""
    return dict(_BUILD_PARAMETERS[index_type])


def connect_milvus(config: MilvusConfig) -> ColumnarMilvusClient:
    """A client of its own; it connects with its first call. Close it with `close`, in the same event loop."""
    _silence_client_logs()
    return ColumnarMilvusClient(
        config.uri, token=config.token, timeout=config.deadline_s, dedicated=True, grpc_options=_KEEPALIVE
    )


def connect_blocking(config: MilvusConfig) -> MilvusClient:
    """A connected, blocking client for changes of schema; the async one waits for indexes as Lite 3 cannot tell."""
    _silence_client_logs()
    return MilvusClient(
        config.uri, token=config.token, timeout=config.deadline_s, dedicated=True, grpc_options=_KEEPALIVE
    )


def collection_exists(client: MilvusClient, config: MilvusConfig, name: str) -> bool:
    """Whether a collection is there. Raises `MilvusException` when Milvus does not answer in time."""
    # The client is typed as if it were the asynchronous one too.
    has_collection = cast(Callable[..., bool], client.has_collection)  # pyright: ignore[reportUnknownMemberType]
    return has_collection(name, timeout=config.deadline_s)


@contextmanager
def translated_errors(deadline_s: float) -> Generator[None]:
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


def _silence_client_logs() -> None:
    # It logs every failed call with the whole request, what people searched for included; failures are raised anyway.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)
