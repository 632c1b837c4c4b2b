"""Media go when no product shows them, and not before."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.port import HashEncoder
from indexer.errors import CollectionRefused
from indexer.in_memory_store import InMemoryProductStore
from indexer.media.collection import (
    DOUBTED_FILES,
    MediaCollector,
    MediaReferences,
    read_references,
    shown_media,
)
from indexer.media.config import MediaStoreConfig
from indexer.media.store import CollectableMediaStore, DirectoryMediaStore, InMemoryMediaStore, media_hash
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row

SPEC = HashEncoder().spec
GRACE_S = 3_600.0


class Clock:
    """Unix seconds that pass as told."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


class AgedDirectory(DirectoryMediaStore):
    """A real directory whose files have the times of a clock."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        super().__init__(directory)
        self._clock = clock

    def _touch(self, digest: str) -> bool:
        touched = super()._touch(digest)
        if touched:
            os.utime(self._path(digest), (self._clock.now_s, self._clock.now_s))
        return touched

    def _put(self, media: Sequence[bytes]) -> list[str]:
        digests = super()._put(media)
        for digest in digests:
            self._touch(digest)
        return digests


class Shop:
    """Generations of an index with their media, one event at a time."""

    def __init__(self, media: CollectableMediaStore, clock: Clock) -> None:
        self.clock = clock
        self.media = media
        self.generations = [InMemoryProductStore(SPEC), InMemoryProductStore(SPEC)]
        self.collector = MediaCollector(media, GRACE_S, clock)
        self._version = 0

    async def write(self, generation: int, product: str, pictures: list[str], broken: tuple[str, ...] = ()) -> None:
        """Write the row of a product that states these hashes; none deletes it."""
        self._version += 1
        store = self.generations[generation]
        known = (await store.read([product])).get(product)
        state = known[0].state if known else ProductState()
        fields: dict[str, Any] = {"images": [{"hash": digest} for digest in pictures]} if pictures else {}
        stamp = EventStamp(self._version, "test", str(self._version))
        change = ProductChange(product, stamp, fields, replaces_all_fields=True, deletes=not pictures)
        stored = StoredProduct(state.merge(change), broken_images=broken)
        await store.write([build_row(product, stored, np.zeros(2 * SPEC.dim, np.float32))])

    async def collect(self, **options: Any):
        return await self.collector.collect(lambda: read_references(self.generations, _no_pause), **options)

    async def shown(self) -> set[str]:
        pages = [await store.scan("", 1_000) for store in self.generations]
        return {key.digest for page in pages for stored, _ in page.values() for key in shown_media(stored)}

    async def kept(self) -> set[str]:
        return {file.digest async for files in self.media.files() for file in files}


async def _no_pause(_worked_s: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture(params=["memory", "directory"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    clock = Clock()
    return Shop(InMemoryMediaStore(clock) if request.param == "memory" else AgedDirectory(tmp_path, clock), clock)


async def test_the_picture_of_a_deleted_product_goes_once_its_grace_is_over(shop: Shop) -> None:
    mine, shared = await shop.media.put([b"mine", b"shared"])
    await shop.write(0, "a", [mine, shared])
    await shop.write(0, "b", [shared])
    shop.clock.now_s += GRACE_S + 1
    assert (await shop.collect()).collected == 0
    await shop.write(0, "a", [])
    shop.clock.now_s -= 2
    assert (await shop.collect()).waiting == 1
    shop.clock.now_s += 2
    assert (await shop.collect(rehearse=True)).collected == 1 and await shop.kept() == {mine, shared}
    report = await shop.collect()
    assert (report.collected, report.collected_bytes, report.kept, report.kept_bytes) == (1, 4, 1, 6)
    assert await shop.kept() == {shared}


async def test_a_picture_that_another_generation_shows_stays(shop: Shop) -> None:
    (digest,) = await shop.media.put([b"picture"])
    await shop.write(0, "a", [digest])
    await shop.write(1, "a", [digest])
    await shop.write(0, "a", [])
    shop.clock.now_s += GRACE_S + 1
    await shop.collect()
    assert await shop.kept() == {digest}


async def test_bytes_that_cannot_be_decoded_go_unless_they_are_a_clip_or_a_sound_of_somebody(shop: Shop) -> None:
    broken, also_fine = await shop.media.put([b"no picture", b"broken in one place"])
    await shop.write(0, "a", [broken, also_fine], broken=(broken, also_fine))
    await shop.write(0, "b", [also_fine])
    shop.clock.now_s += GRACE_S + 1
    await shop.collect()
    assert await shop.kept() == {also_fine}


async def test_an_empty_index_removes_nothing(shop: Shop) -> None:
    await shop.media.put([b"picture"])
    shop.clock.now_s += GRACE_S + 1
    with pytest.raises(CollectionRefused, match="holds no product"):
        await shop.collect()


async def test_an_index_that_knows_few_of_the_files_is_not_believed_unless_told_to(shop: Shop) -> None:
    digests = await shop.media.put([bytes([number]) for number in range(DOUBTED_FILES + 5)])
    await shop.write(0, "a", digests[:1])
    shop.clock.now_s += GRACE_S + 1
    with pytest.raises(CollectionRefused, match="24 of 25 media files"):
        await shop.collect()
    assert len(await shop.kept()) == 25
    assert (await shop.collect(rehearse=True)).collected == 24
    assert (await shop.collect(whatever_the_share=True)).collected == 24


async def test_what_is_put_again_while_the_index_is_read_stays(shop: Shop) -> None:
    (digest,) = await shop.media.put([b"picture"])
    await shop.write(0, "other", [media_hash(b"another")])
    shop.clock.now_s += GRACE_S + 1

    async def read_while_it_comes_back() -> MediaReferences | None:
        references = await read_references(shop.generations, _no_pause)
        await shop.media.put([b"picture"])
        return references

    await shop.collector.collect(read_while_it_comes_back)
    assert await shop.kept() == {digest}


def test_a_grace_that_is_shorter_than_what_may_be_under_way_is_refused() -> None:
    with pytest.raises(ValueError, match="grace_s must be at least 3600"):
        MediaStoreConfig(grace_s=60)


CONTENTS = [bytes([number]) * 8 for number in range(4)]
step = st.one_of(
    # What a worker does: put the files of an event; some time later write the row; in each generation.
    st.tuples(
        st.just("put"), st.integers(0, 1), st.sampled_from("abc"), st.lists(st.sampled_from(CONTENTS), max_size=2)
    ),
    st.tuples(st.just("land"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.integers(1, 5_000)),
    st.tuples(st.just("begin")),
    st.tuples(st.just("end")),
    st.tuples(st.just("crash")),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(step, max_size=40), st.booleans())
def test_no_order_of_events_and_collections_removes_what_is_shown_and_in_the_end_nothing_else_stays(
    steps: list[tuple[Any, ...]], real: bool
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        clock = Clock()
        media = AgedDirectory(Path(directory), clock) if real else InMemoryMediaStore(clock)
        asyncio.run(_run(Shop(media, clock), steps))


async def _run(shop: Shop, steps: list[tuple[Any, ...]]) -> None:
    under_way: list[tuple[int, str, list[bytes]]] = []
    begun: list[tuple[asyncio.Event, asyncio.Task[Any]]] = []
    await shop.write(0, "zz", [(await shop.media.put([b"always there"]))[0]])

    async def end(crashes: bool = False) -> None:
        released, task = begun.pop()
        if crashes:
            task.cancel()
        released.set()
        await asyncio.gather(task, return_exceptions=True)

    for name, *arguments in steps:
        if name == "put":
            generation, product, contents = arguments
            await shop.media.put(contents)
            under_way.append((generation, product, contents))
        elif name == "land" and under_way:
            generation, product, contents = under_way.pop(arguments[0] % len(under_way))
            await shop.write(generation, product, [media_hash(data) for data in contents])
        elif name == "wait":
            shop.clock.now_s += arguments[0]
            # What is under way is touched, as workers do.
            await shop.media.touch([media_hash(data) for *_, contents in under_way for data in contents])
        elif name == "begin":
            released = asyncio.Event()

            async def read(released: asyncio.Event = released) -> MediaReferences | None:
                references = await read_references(shop.generations, _no_pause)
                # The index has been read, and anything may happen before files are removed.
                await released.wait()
                return references

            task = asyncio.create_task(shop.collector.collect(read, whatever_the_share=True))
            for _ in range(20):
                await asyncio.sleep(0)
            begun.append((released, task))
        elif name in ("end", "crash") and begun:
            await end(crashes=name == "crash")
        assert await shop.shown() <= await shop.kept()
    while begun:
        await end()
    for generation, product, contents in under_way:
        await shop.write(generation, product, [media_hash(data) for data in contents])
    shop.clock.now_s += GRACE_S + 1
    await shop.collect(whatever_the_share=True)
    assert await shop.shown() == await shop.kept()
