"""Media of batches under way are not taken for leftovers."""

import asyncio
import base64
from collections.abc import Sequence
from contextlib import suppress

from indexer.media.store import InMemoryMediaStore, media_hash
from streams.products.media_in_use import MediaInUse
from tests.unit.streams.pipeline import Bench, picture


class Noting(InMemoryMediaStore):
    """Notes what is touched."""

    def __init__(self) -> None:
        super().__init__()
        self.touched: list[str] = []
        self.was_touched = asyncio.Event()

    async def touch(self, digests: Sequence[str]) -> None:
        self.touched = list(digests)
        if digests:
            self.was_touched.set()


async def test_media_are_touched_while_their_row_is_not_written_and_not_after_that():
    media = Noting()
    bench = Bench(media=media)
    bench.pipeline.media_in_use = in_use = MediaInUse(media, touch_s=0.001)
    seen = asyncio.Event()
    write = bench.store.write

    async def slow_write(*arguments, **options):
        # As long as the index is away.
        await asyncio.wait_for(media.was_touched.wait(), 5)
        seen.set()
        await write(*arguments, **options)

    bench.store.write = slow_write  # type: ignore[method-assign]
    running = asyncio.create_task(in_use.run())
    data = picture()
    await bench.index(bench.kafka.message({"product_id": "p", "images": [{"data": data}]}))
    assert seen.is_set() and media.touched == [media_hash(base64.b64decode(data))]
    async with asyncio.timeout(5):
        while media.touched:
            await asyncio.sleep(0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
