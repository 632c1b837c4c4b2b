"""What every `MediaStore` must do: the directory, a bucket, in memory and of a real S3 server, and the double."""

import os
import time
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from indexer.errors import StoreUnavailable
from indexer.media.bucket import open_bucket
from indexer.media.bucket_store import BucketMediaStore
from indexer.media.config import MediaStoreConfig
from indexer.media.store import (
    CollectableMediaStore,
    DirectoryMediaStore,
    InMemoryMediaStore,
    MediaStore,
    StoredFile,
    media_hash,
)
from streams.media.incoming import IncomingMedia


def store_of(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> CollectableMediaStore:
    """An empty one."""
    if kind == "memory":
        return InMemoryMediaStore()
    if kind == "bucket":
        return BucketMediaStore(MemoryStore(), "memory://")
    if kind == "s3":
        config: MediaStoreConfig = request.getfixturevalue("s3_server")
        url = f"{config.url}/{tmp_path.name}"
        return BucketMediaStore(open_bucket(config, url), url)
    return DirectoryMediaStore(tmp_path / "media")


@pytest.fixture(params=["memory", "directory", "incoming", "bucket", "s3"])
def media(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    if request.param == "incoming":
        return IncomingMedia(DirectoryMediaStore(tmp_path / "media"))
    return store_of(request, request.param, tmp_path)


async def test_bytes_come_back_by_their_hash(media):
    (digest,) = await media.put([b"picture"])
    assert digest == media_hash(b"picture") and await media.get(digest) == b"picture"


async def test_the_same_bytes_are_kept_once(media):
    assert len({*await media.put([b"same", b"same"]), *await media.put([b"same"])}) == 1


@pytest.mark.parametrize("name", ["", "0" * 64, "../../etc/passwd", "A" * 64, "0" * 63 + "/", "zz"])
async def test_what_is_not_there_or_no_hash_is_none(media, name):
    assert await media.get(name) is None


@pytest.fixture(params=["memory", "directory", "bucket", "s3"])
def collectable(request: pytest.FixtureRequest, tmp_path: Path) -> CollectableMediaStore:
    return store_of(request, request.param, tmp_path)


async def all_files(media: CollectableMediaStore) -> list[StoredFile]:
    return [file async for entries in media.files() for file in entries]


async def test_files_are_listed_with_their_size_and_time(collectable):
    began_s = time.time()
    digests = await collectable.put([b"one", b"three"])
    listed = {file.digest: file for file in await all_files(collectable)}
    assert {digest: listed[digest].size for digest in digests} == dict(zip(digests, (3, 5), strict=True))
    assert all(began_s - 1 <= file.touched_s <= time.time() + 1 for file in listed.values())


async def test_only_files_that_were_not_touched_are_removed(collectable):
    await collectable.put([b"old", b"put again", b"touched"])
    files = await all_files(collectable)
    bound_s = max(file.touched_s for file in files) + 1e-6
    # The clock of a file system is a coarse one.
    while not any(file.touched_s > bound_s for file in await all_files(collectable)):
        await collectable.put([b"later"])
    await collectable.put([b"put again"])
    await collectable.touch([media_hash(b"touched"), media_hash(b"nowhere"), "no hash"])
    removed = await collectable.remove(files, bound_s)
    assert [file.digest for file in removed] == [media_hash(b"old")]
    assert await collectable.remove(files, bound_s) == []
    assert await collectable.get(media_hash(b"old")) is None
    assert await collectable.get(media_hash(b"put again")) and await collectable.get(media_hash(b"touched"))


async def test_a_file_whose_remover_died_is_still_read_and_comes_back(tmp_path):
    media = DirectoryMediaStore(tmp_path)
    (digest,) = await media.put([b"picture"])
    path = tmp_path / digest[:2] / digest
    leaving = path.with_name(digest + ".leaving")
    path.rename(leaving)
    assert await media.get(digest) == b"picture"
    assert await all_files(media) == [], "it may still be under way"
    half_written = [folder / f"{digest}.1.2" for folder in (path.parent, tmp_path / "incoming")]
    for file in half_written:
        file.write_bytes(b"pic")
    an_hour_later_s = leaving.stat().st_ctime + 3_600
    with patch("indexer.media.removal.time.time", lambda: an_hour_later_s):
        await all_files(media)
    assert [file.digest for file in await all_files(media)] == [digest]
    assert await media.get(digest) == b"picture" and not any(file.exists() for file in half_written)


async def test_what_is_put_while_it_is_removed_stays(tmp_path):
    """At each step of a removal another process puts the same bytes."""
    for step in ("stat", "replace", "open", "unlink"):
        media, other = DirectoryMediaStore(tmp_path / step), DirectoryMediaStore(tmp_path / step)
        (digest,) = await media.put([b"picture"])
        path = tmp_path / step / digest[:2] / digest
        os.utime(path, (1_000, 1_000))
        original = getattr(Path, step)

        def put_first(self, *args, step=step, original=original, other=other, **options):
            with patch.object(Path, step, original):
                other._put([b"picture"])
            return original(self, *args, **options)

        with patch.object(Path, step, put_first):
            await media.remove([StoredFile(digest, 7, 1_000)], time.time() - 3_600)
        assert await media.get(digest) == b"picture", step
        assert [path.name for path in (tmp_path / step).rglob("*") if path.is_file()] == [digest]


async def test_no_half_written_file_is_left(tmp_path):
    media = DirectoryMediaStore(tmp_path)
    (digest,) = await media.put([b"x" * 100_000])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [digest]
    with patch("indexer.media.store.os.fsync", side_effect=OSError), pytest.raises(StoreUnavailable):
        await media.put([b"y", b"z"])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [digest]


async def test_many_files_are_named_in_their_order(media):
    files = [bytes([at % 251]) * at for at in range(100)]
    assert await media.put(files) == [media_hash(data) for data in files]
    for data in files[1:]:
        assert await media.get(media_hash(data)) == data


async def test_a_directory_that_cannot_be_written_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await DirectoryMediaStore(tmp_path / "file").put([b"x"])


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_different_bytes_have_different_names(one, other):
    assert (media_hash(one) == media_hash(other)) == (one == other)


async def test_a_file_is_read_piece_by_piece(media: MediaStore) -> None:
    (digest,) = await media.put([b"0123456789"])
    file = await media.open(digest)
    assert file is not None and file.size == 10
    assert [await file.read(0, 4), await file.read(8, 4), await file.read(10, 4)] == [b"0123", b"89", b""]
    await file.aclose()
    await file.aclose()
    assert await media.open("0" * 64) is None and await media.open("../../etc/passwd") is None
