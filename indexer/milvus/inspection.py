"""What can be seen of a Milvus without changing it."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import asyncio
from typing import Any

from indexer.milvus.connection import MilvusConfig, connect_blocking, translated_errors


async def milvus_version(config: MilvusConfig) -> str:
    """The version that the server says it is. Raises `StoreUnavailable`."""
    return await asyncio.to_thread(_ask, config)


def _ask(config: MilvusConfig) -> str:
    with translated_errors(config.deadline_s):
        # The client is typed as if it were the asynchronous one too.
        client: Any = connect_blocking(config)
        try:
            return str(client.get_server_version(timeout=config.deadline_s))
        finally:
            client.close()
