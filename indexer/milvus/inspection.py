"""What can be seen of a Milvus without changing it."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import asyncio
import re
from typing import Any

import grpc

from indexer.milvus.connection import MilvusConfig, connect_blocking, translated_errors

LEAST_VERSION = (2, 5)
"""The first that has full text."""


async def milvus_version(config: MilvusConfig) -> str:
    """The version that the server says it is. Raises `StoreUnavailable`."""
    return await asyncio.to_thread(_ask, config)


def _ask(config: MilvusConfig) -> str:
    with translated_errors(config.deadline_s):
        # The client is typed as if it were the asynchronous one too.
        client: Any = connect_blocking(config)
        try:
            return server_version(client, config.deadline_s)
        finally:
            client.close()


def server_version(client: Any, deadline_s: float) -> str:
    """What a server says that its version is; empty where it does not say, as Milvus Lite 2.5.

    Args:
        client: a blocking one.
        deadline_s: the longest to wait.
    """
    try:
        return str(client.get_server_version(timeout=deadline_s))
    except grpc.RpcError as error:
        # An RpcError that is raised is a call, too; the library's types do not say so.
        call: Any = error
        if call.code() is grpc.StatusCode.UNIMPLEMENTED:
            return ""
        raise


def version_numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version like `v2.6.1-gpu`; none where it is another text."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()
