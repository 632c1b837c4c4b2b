"""Media in a bucket: what is put or touched while it is removed stays, large files, links, and what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from obstore.store import MemoryStore

from indexer.errors import AccessDenied, StoreUnavailable
from indexer.media import bucket_store as bucket_media_store
from indexer.media.bucket import open_bucket
from indexer.media.bucket_store import BucketMediaStore
from indexer.media.config import SIGNED, MediaStoreConfig
from indexer.media.removal import StoredFile
from indexer.media.store import media_hash
from tests.shop import Shop, png
from vitrine.doctor.stores import check_media
from vitrine.errors import VitrineError
from vitrine.generations.backup_places import backup_to_read, backup_to_write
from vitrine.settings import load_settings

PICTURE = b"picture"
DIGEST = media_hash(PICTURE)
FUTURE_S = time.time() + 3_600
STEPS = ("put_async", "head_async", "delete_async")
"""What a removal asks of the bucket: it announces itself, looks at the age, removes the file, and its notice."""


class Interrupted:
    """A bucket that does something else right before, or right after, the n-th call of a method."""

    def __init__(self, bucket: Any, method: str, at: int, does: Callable[[], Any], *, after: bool) -> None:
        self._bucket, self._method, self._left, self._does, self._after = bucket, method, at, does, after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._bucket, name)
        if name != self._method:
            return call

        async def interrupted(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left or self._after:
                result = await call(*args, **options)
            if not self._left:
                await self._does()
            return result if self._left or self._after else await call(*args, **options)

        return interrupted


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_media_store, "_LOOK_AGAIN_S", 0.01)


@pytest.mark.parametrize("how", ["put", "touch"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_what_is_put_or_touched_while_it_is_removed_stays(step: str, after: bool, how: str) -> None:
    """Another process does so at each step of a removal; it may wait for the end of that, so it goes on beside."""
    import asyncio

    bucket = MemoryStore()
    other = BucketMediaStore(bucket, "memory://")
    await other.put([PICTURE])
    bound_s = time.time() + 0.02
    await asyncio.sleep(0.03)
    beside: list[asyncio.Task[Any]] = []

    async def meanwhile() -> None:
        beside.append(asyncio.create_task(other.put([PICTURE]) if how == "put" else other.touch([DIGEST])))
        await asyncio.wait(beside, timeout=0.05)

    remover = BucketMediaStore(Interrupted(bucket, step, 1, meanwhile, after=after), "memory://")  # type: ignore[arg-type]
    removed = await remover.remove([StoredFile(DIGEST, 7, bound_s)], bound_s)
    await asyncio.gather(*beside)
    if how == "put" or not (step == "delete_async" and after):
        assert await other.get(DIGEST) == PICTURE
    else:
        # What was gone when it was touched is passed over.
        assert removed and await other.get(DIGEST) is None
    assert [file.digest async for page in other.files() for file in page] in ([DIGEST], [])
    assert {entry["path"] for page in bucket.list() for entry in page} <= {f"{DIGEST[:2]}/{DIGEST}"}


async def test_what_a_dead_remover_left_is_cleared_up(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = MemoryStore()
    await bucket.put_async("leaving/dead", DIGEST.encode())
    await bucket.put_async(f"touching/{DIGEST}.dead", PICTURE)
    store = BucketMediaStore(bucket, "memory://")
    monkeypatch.setattr(bucket_media_store, "_WAIT_S", 0.05)
    with pytest.raises(StoreUnavailable):
        await store.put([PICTURE])
    monkeypatch.setattr(bucket_media_store, "_REMOVER_GONE_S", -1.0)
    assert await store.put([PICTURE]) == [DIGEST], "nobody has to clear up first"
    assert [file.digest async for page in store.files() for file in page] == [DIGEST]
    assert [entry["path"] for page in bucket.list() for entry in page] == [f"{DIGEST[:2]}/{DIGEST}"]


async def test_a_large_file_is_read_in_few_requests_and_refused_once_it_is_gone() -> None:
    reads: list[int] = []
    bucket = MemoryStore()
    data = bytes(range(256)) * 16_384
    store = BucketMediaStore(_Counted(bucket, reads), "memory://")  # type: ignore[arg-type]
    (digest,) = await store.put([data])
    file = await store.open(digest)
    assert file is not None and file.size == len(data)
    pieces = [await file.read(start, 65_536) for start in range(0, file.size, 65_536)]
    assert b"".join(pieces) == data and len(reads) == len(data) // bucket_media_store.READ_AHEAD_BYTES
    await bucket.delete_async(f"{digest[:2]}/{digest}")
    with pytest.raises(StoreUnavailable):
        await file.read(0, 10)


class _Counted:
    def __init__(self, bucket: Any, reads: list[int]) -> None:
        self._bucket, self._reads = bucket, reads

    def __getattr__(self, name: str) -> Any:
        if name == "get_range_async":
            self._reads.append(1)
        return getattr(self._bucket, name)


async def test_browsers_are_sent_to_a_public_address_for_pictures_alone() -> None:
    store = BucketMediaStore(MemoryStore(), "memory://", "https://media.example/shop/")
    shop = Shop(media_store=store)
    picture, page = await store.put([png("red"), b"<script>alert(1)</script>"])
    async with shop.client() as client:
        answer = await client.get(f"/media/{picture}")
        assert (answer.status_code, answer.headers["location"]) == (
            307,
            f"https://media.example/shop/{picture[:2]}/{picture}",
        )
        assert [(await client.get(f"/media/{one}")).status_code for one in (page, "0" * 64)] == [404, 404]
    shop.close()


async def test_a_link_of_s3_is_signed_and_the_picture_comes_with_its_type(s3_server: MediaStoreConfig) -> None:
    store = BucketMediaStore(open_bucket(s3_server, f"{s3_server.url}/l"), "s3://shop/l", SIGNED, lambda _: "image/png")
    (digest,) = await store.put([png("red")])
    link = await store.link(digest)
    assert link is not None and "X-Amz-Signature" in link and s3_server.secret_access_key not in link
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(link)
        assert answer.content == png("red") and answer.headers["content-type"] == "image/png"
        assert (await client.get(link.partition("?")[0])).status_code == 403


async def test_s3_that_refuses_or_is_away_is_told_apart(s3_server: MediaStoreConfig) -> None:
    def store(url: str, **changed: Any) -> BucketMediaStore:
        return BucketMediaStore(open_bucket(replace(s3_server, **changed), url), url)

    with pytest.raises(AccessDenied, match=r"not let in.*media_store\.access_key_id") as refused:
        await store("s3://shop", secret_access_key="wrong").put([PICTURE])
    assert "wrong" not in str(refused.value)
    with pytest.raises(StoreUnavailable, match="s3://nowhere cannot be written: there is no such bucket"):
        await store("s3://nowhere").put([PICTURE])
    with pytest.raises(StoreUnavailable, match="s3://nowhere cannot be read: there is no such bucket"):
        await store("s3://nowhere").get(DIGEST)
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        await store("s3://shop", endpoint="http://127.0.0.1:1").get(DIGEST)


@pytest.mark.parametrize(("url", "level"), [("s3://shop", "ok"), ("s3://nowhere", "failure")])
async def test_the_doctor_says_whether_the_bucket_of_s3_is_there(
    s3_server: MediaStoreConfig, url: str, level: str
) -> None:
    settings = replace(load_settings({"VITRINE_DATA_DIR": "/nowhere"}), media_store=replace(s3_server, url=url))
    (finding,) = [one async for one in check_media(settings)]
    assert (finding.subject, finding.level) == ("media", level) and url in finding.message


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "gs://shop"}, "s3://BUCKET"),
        ({"url": "s3://"}, "s3://BUCKET"),
        ({"url": "s3://shop", "endpoint": "minio:9000"}, "begins with https://"),
        ({"url": "s3://shop", "access_key_id": "a"}, "go together"),
        ({"url": "s3://shop", "links": "public"}, "signed"),
        ({"links": "signed"}, "set media_store.url"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        MediaStoreConfig(**settings)


async def test_a_backup_goes_into_a_bucket_of_s3_and_comes_back(s3_server: MediaStoreConfig) -> None:
    place = f"{s3_server.url}/backups/index.parquet"
    data = bytes(range(256)) * 40_000
    async with backup_to_write(place, s3_server) as file:
        file.write_bytes(data)
    async with backup_to_read(place, s3_server) as file:
        assert file.read_bytes() == data
    with pytest.raises(OSError, match="broken"):
        async with backup_to_write(f"{s3_server.url}/backups/other.parquet", s3_server) as file:
            file.write_bytes(b"half")
            raise OSError("broken off")
    with pytest.raises(VitrineError, match=r"there is no s3://shop/backups/other\.parquet"):
        async with backup_to_read(f"{s3_server.url}/backups/other.parquet", s3_server):
            pass
    with pytest.raises(VitrineError, match="names no object"):
        async with backup_to_read("s3://shop", s3_server):
            pass
