"""Waiting for servers: calls are repeated until a server is back."""

from indexer.errors import StoreUnavailable
from streams.delivery.availability import until_available
from streams.errors import PublishFailed


async def test_a_call_is_repeated_until_its_server_is_back():
    faults = iter([StoreUnavailable("away"), PublishFailed("away", retry_after_s=0)])

    async def call() -> str:
        for fault in faults:
            raise fault
        return "done"

    assert await until_available("test", call) == "done"
