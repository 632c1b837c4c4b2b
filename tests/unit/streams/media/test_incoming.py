"""Media are at hand before they are stored, and stored before anything refers to them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexer.errors import StoreUnavailable
from indexer.media.store import InMemoryMediaStore, media_hash
from streams.media.incoming import IncomingMedia
from tests.unit.streams.pipeline import Bench, picture

FILE = b"picture"
DIGEST = media_hash(FILE)
LIVES, PICTURES_A_LIFE = 3, 100


class SlowStore(InMemoryMediaStore):
    """Writes nothing before it may, and is away the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.may_write = asyncio.Event()

    async def put(self, media: Sequence[bytes]) -> list[str]:
        self.calls += 1
        if self.calls == 1:
            raise StoreUnavailable("away")
        await self.may_write.wait()
        return await super().put(media)


async def test_a_file_can_be_read_while_it_is_written_and_is_durable_when_it_is_waited_for() -> None:
    store = SlowStore()
    media = IncomingMedia(store)
    async with media.storing({DIGEST: FILE}) as files:
        assert await media.get(DIGEST) == FILE and await store.get(DIGEST) is None
        waiting = asyncio.create_task(files.until_durable([DIGEST]))
        while store.calls < 2:
            await asyncio.wait([waiting], timeout=0.01)
        assert not waiting.done() and await media.get(DIGEST) == FILE
        store.may_write.set()
        await waiting
        assert await store.get(DIGEST) == FILE
    assert await media.get(DIGEST) == FILE


async def test_what_fails_halts_no_other_file_and_what_is_given_up_is_forgotten() -> None:
    class Faulty(InMemoryMediaStore):
        async def put(self, media: Sequence[bytes]) -> list[str]:
            if b"fault" in media:
                raise ZeroDivisionError
            return await super().put(media)

    media = IncomingMedia(Faulty())
    fault = media_hash(b"fault")
    async with media.storing({DIGEST: FILE, fault: b"fault"}) as files:
        await files.until_durable([DIGEST])
        with pytest.raises(ZeroDivisionError):
            await files.until_durable([fault])
    assert await media.get(DIGEST) == FILE and await media.get(fault) is None


async def test_no_row_is_written_before_its_picture_is_stored() -> None:
    store = SlowStore()
    bench = Bench(media=store)
    message = bench.kafka.message({"product_id": "p", "title": "Kettle", "images": [{"data": picture()}]})
    indexing = asyncio.create_task(bench.index(message))
    while not bench.encoder.images or store.calls < 2:
        await asyncio.wait([indexing], timeout=0.01)
    assert bench.kafka.acked == [] and await bench.store.read(["p"]) == {}, "it is encoded, and waits"
    store.may_write.set()
    await indexing
    assert bench.kafka.acked == [0] and await bench.titles("kettle") == ["p"]


@pytest.mark.timeout(120)
def test_a_worker_that_is_killed_leaves_no_row_without_its_picture(tmp_path: Path) -> None:
    seen = 0
    for _ in range(LIVES):
        program = [sys.executable, "-m", "tests.unit.streams.media.dying_worker", str(tmp_path)]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            lines = [worker.stdout.readline() for _ in range(PICTURES_A_LIFE)]
            worker.kill()
            names = "".join([*lines, worker.stdout.read()]).split()
        for name in names:
            assert media_hash((tmp_path / name[:2] / name).read_bytes()) == name
        seen += len(names)
    assert seen >= LIVES * PICTURES_A_LIFE
