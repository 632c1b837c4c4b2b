"""Stored media over HTTP: whole, in parts, and never as a whole in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest

from indexer.media.store import DirectoryMediaStore
from indexer.media.stored_file import DiskMediaFile
from query_api.http.routes.media_route import CHUNK_BYTES, wanted_range
from tests.shop import MakeShop, png
from tests.unit.query_api.http.raw_http import get, serve

CLIP = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 4_000


@pytest.fixture
def directory(tmp_path: Path) -> DirectoryMediaStore:
    return DirectoryMediaStore(tmp_path)


@pytest.fixture
async def media(make_shop: MakeShop, directory: DirectoryMediaStore) -> AsyncIterator[httpx.AsyncClient]:
    async with make_shop(media_store=directory).client() as client:
        yield client


@pytest.fixture
async def clip(directory: DirectoryMediaStore) -> str:
    return f"/media/{(await directory.put([CLIP]))[0]}"


async def test_a_file_comes_whole_in_pieces(media: httpx.AsyncClient, clip: str) -> None:
    response = await media.get(clip)
    assert response.content == CLIP and response.headers["content-length"] == str(len(CLIP))
    assert response.headers["content-type"] == "video/mp4" and response.headers["accept-ranges"] == "bytes"


async def test_what_a_head_request_gets_is_what_a_get_has_before_its_body(media: httpx.AsyncClient, clip: str) -> None:
    head, whole = await media.head(clip), await media.get(clip)
    assert head.status_code == 200 and not head.content and head.headers == whole.headers


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=0-", slice(0, None)),
        ("bytes=100-200099", slice(100, 200_100)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=5-99999999999", slice(5, None)),
        ("Bytes=1-2", slice(1, 3)),
    ],
)
async def test_a_part_is_sent_where_one_is_asked_for(
    media: httpx.AsyncClient, clip: str, asked: str, part: slice
) -> None:
    response = await media.get(clip, headers={"range": asked})
    start, stop, _ = part.indices(len(CLIP))
    assert response.status_code == 206 and response.content == CLIP[part]
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(CLIP)}"


@pytest.mark.parametrize(
    "asked", ["bytes=2-1", "bytes=-", "bytes=0-1,3-4", "items=0-1", "bytes=x-", "bytes=" + "9" * 99]
)
async def test_what_is_no_single_range_gets_the_whole(media: httpx.AsyncClient, clip: str, asked: str) -> None:
    response = await media.get(clip, headers={"range": asked})
    assert response.status_code == 200 and len(response.content) == len(CLIP)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0", "bytes=1024012-1024012"])
async def test_a_range_outside_of_the_file_is_refused(media: httpx.AsyncClient, clip: str, asked: str) -> None:
    response = await media.get(clip, headers={"range": asked})
    assert response.status_code == 416 and response.headers["content-range"] == f"bytes */{len(CLIP)}"


async def test_tags_say_whether_a_copy_is_this_version(media: httpx.AsyncClient, clip: str) -> None:
    etag = (await media.get(clip)).headers["etag"]
    assert (await media.get(clip, headers={"if-none-match": etag})).status_code == 304
    part = {"range": "bytes=0-1"}
    assert (await media.get(clip, headers=part | {"if-range": etag})).status_code == 206
    assert (await media.get(clip, headers=part | {"if-range": '"other"'})).status_code == 200


async def test_files_are_closed_whatever_comes_of_the_request(
    media: httpx.AsyncClient, directory: DirectoryMediaStore, clip: str
) -> None:
    (text,) = await directory.put([b"no picture at all"])
    before = psutil.Process().num_fds()
    for _ in range(20):
        for headers in ({}, {"range": "bytes=0-1"}, {"range": "bytes=99999999-"}, {"if-none-match": clip[7:]}):
            await media.get(clip, headers=headers)
        await media.head(clip)
        assert (await media.get(f"/media/{text}")).status_code == 404
    assert psutil.Process().num_fds() <= before


async def test_clients_that_do_not_read_take_a_few_pieces_of_memory(
    make_shop: MakeShop, directory: DirectoryMediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (digest,) = await directory.put([png("red") + b"\0" * (16 << 20)])
    read = 0
    read_from_disk = DiskMediaFile.read

    async def counted(file: DiskMediaFile, start: int, length: int) -> bytes:
        nonlocal read
        read += length
        return await read_from_disk(file, start, length)

    monkeypatch.setattr(DiskMediaFile, "read", counted)
    shop = make_shop(media_store=directory)
    async with serve(shop.app, write_deadline_s=1) as served:
        raws = [await served.connect() for _ in range(10)]
        for raw in raws:
            raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await raw.send(get(f"/media/{digest}"))
        async with asyncio.timeout(10):
            while len(served.server.connections.writing) < len(raws):
                await asyncio.sleep(0.01)
        waiting = served.server.server_state.connections
        assert all(request.transport.get_write_buffer_size() <= 2 * CHUNK_BYTES for request in waiting)
        # The rest lies in buffers of the kernel, for both ends.
        assert read < 10 * (8 << 20)
        async with asyncio.timeout(10):
            while served.server.server_state.connections:
                await asyncio.sleep(0.01)
        for raw in raws:
            raw.writer.close()


def test_a_range_is_within_the_file() -> None:
    assert wanted_range({"range": "bytes=0-"}, 0, "") == range(0)
    assert wanted_range({"range": "bytes=-5"}, 3, "") == range(3)
    assert wanted_range({}, 3, "") is None
