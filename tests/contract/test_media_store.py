"""What every `MediaStore` must do: the directory and the double."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import StoreUnavailable
from indexer.media_store import DirectoryMediaStore, InMemoryMediaStore, MediaStore, RecentMediaStore, media_hash


@pytest.fixture(params=["memory", "directory", "recent"])
def media(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    if request.param == "memory":
        return InMemoryMediaStore()
    directory = DirectoryMediaStore(tmp_path / "media")
    return RecentMediaStore(directory, 1_000) if request.param == "recent" else directory


async def test_bytes_come_back_by_their_hash(media):
    (digest,) = await media.put([b"picture"])
    assert digest == media_hash(b"picture") and await media.get(digest) == b"picture"


async def test_the_same_bytes_are_kept_once(media):
    assert len({*await media.put([b"same", b"same"]), *await media.put([b"same"])}) == 1


@pytest.mark.parametrize("name", ["", "0" * 64, "../../etc/passwd", "A" * 64, "0" * 63 + "/", "zz"])
async def test_what_is_not_there_or_no_hash_is_none(media, name):
    assert await media.get(name) is None


async def test_what_was_put_last_needs_no_reading_and_takes_no_more_memory_than_allowed(tmp_path):
    media = RecentMediaStore(DirectoryMediaStore(tmp_path), 100)
    old, new = await media.put([b"o" * 60, b"n" * 60])
    (tmp_path / new[:2] / new).unlink()
    (tmp_path / old[:2] / old).write_bytes(b"from disk")
    assert await media.get(new) == b"n" * 60 and await media.get(old) == b"from disk"


async def test_no_half_written_file_is_left(tmp_path):
    media = DirectoryMediaStore(tmp_path)
    (digest,) = await media.put([b"x" * 100_000])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [digest]


async def test_a_directory_that_cannot_be_written_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await DirectoryMediaStore(tmp_path / "file").put([b"x"])


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_different_bytes_have_different_names(one, other):
    assert (media_hash(one) == media_hash(other)) == (one == other)
