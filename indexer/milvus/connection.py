"""Where Milvus is, and the one place where its errors are translated."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import cast

import grpc
from pymilvus import MilvusClient, MilvusException
from pymilvus.client.types import Status
from pymilvus.exceptions import DataNotMatchException, ParamError

from indexer.errors import AccessDenied, InvalidRecord, StoreUnavailable
from indexer.milvus.access import MilvusAccess, access_fault, connection_fault
from indexer.milvus.columns import ColumnarMilvusClient
from indexer.milvus.config import MilvusConfig as MilvusConfig

INVALID_PARAMETER = 1100
COLLECTION_NOT_FOUND = 100
COLLECTION_NOT_LOADED = 101
INDEX_NOT_FOUND = 700
_RETRY_AFTER_S = 1.0


def connect_milvus(config: MilvusConfig) -> ColumnarMilvusClient:
    """A client of its own; it connects with its first call. Close it with `close`, in the same event loop.

    A token or a certificate that is replaced is used from the next call on.

    Raises:
        AccessDenied: a file of a token, a certificate or a key cannot be used.
    """
    _silence_client_logs()
    return ColumnarMilvusClient(MilvusAccess(config))


def connect_blocking(config: MilvusConfig, access: MilvusAccess | None = None) -> MilvusClient:
    """A connected, blocking client for changes of schema; the async one waits for indexes as Lite 3 cannot tell.

    Args:
        config: where Milvus is.
        access: how it is reached, for those who watch it for changes.
    """
    _silence_client_logs()
    return MilvusClient(**(access or MilvusAccess(config)).options())


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
        if fault := access_fault(error):
            raise AccessDenied(fault) from error
        if error.code == INVALID_PARAMETER:
            raise InvalidRecord(f"Milvus cannot take it: {error.message}") from error
        if error.code == COLLECTION_NOT_FOUND:
            raise StoreUnavailable("the index is not there; an indexing worker makes it", _RETRY_AFTER_S) from error
        if error.code == Status.CONNECT_FAILED:
            raise StoreUnavailable(connection_fault(error), _RETRY_AFTER_S) from error
        raise StoreUnavailable(f"Milvus refused: {error.message}", _RETRY_AFTER_S) from error
    except (grpc.RpcError, OSError) as error:
        if fault := access_fault(error):
            raise AccessDenied(fault) from error
        raise StoreUnavailable(f"Milvus cannot be reached: {error}", _RETRY_AFTER_S) from error


def _silence_client_logs() -> None:
    # It logs every failed call with the whole request, what people searched for included; failures are raised anyway.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL + 1)
