"""API keys in a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from indexer.errors import StoreUnavailable
from query_api.access.api_keys import encode_record, make_key
from query_api.access.key_file import MAX_BYTES, FileApiKeys, read_key_file
from query_api.access.verified_keys import VerifiedKeys
from query_api.errors import AccessUnavailable, InvalidAccess


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def test_keys_are_kept_found_and_revoked(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    store = FileApiKeys(path)
    first, second = make_key(["search"], 1.0, "a")[1], make_key(["users"], 2.0)[1]
    await store.add(first)
    version = await store.version()
    await store.add(second)
    assert await store.version() != version
    assert await store.all() == [first, second] and await store.find(second.digest) == second
    assert await store.revoke("unknown") is None
    assert await store.revoke(first.id) == first
    assert await store.find(first.digest) is None and await store.all() == [second]
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["keys"]


async def test_a_changed_file_shows_at_the_next_look(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    key = make_key(["search"], 1.0)[1]
    path.write_bytes(b"# of the shop\n\n" + encode_record(key) + b"\n")
    keys = VerifiedKeys(FileApiKeys(path))
    await keys.refresh()
    assert await keys.find(key.digest) == key
    path.write_bytes(b"")
    os.utime(path, ns=(1, 1))
    await keys.refresh()
    assert await keys.find(key.digest) is None and keys.exist is True


async def test_a_slip_of_the_pen_makes_no_key_worthless(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    used, other = make_key(["search"], 1.0)[1], make_key(["search"], 2.0)[1]
    path.write_bytes(encode_record(used) + b"\n" + encode_record(other))
    keys = VerifiedKeys(FileApiKeys(path))
    await keys.refresh()
    assert await keys.find(used.digest) == used
    path.write_bytes(encode_record(used)[:-5])
    await keys.refresh()
    assert await keys.find(used.digest) == used
    with pytest.raises(AccessUnavailable):
        await keys.find(other.digest)
    path.write_bytes(encode_record(other))
    await keys.refresh()
    assert await keys.find(used.digest) is None and await keys.find(other.digest) == other


async def test_a_broken_file_is_a_store_that_does_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    store = FileApiKeys(path)
    key = make_key(["search"], 1.0)[1]
    await store.add(key)
    path.write_bytes(b"{")
    with pytest.raises(StoreUnavailable, match="line 1"):
        await store.find(key.digest)
    path.unlink()
    with pytest.raises(StoreUnavailable, match="No such file"):
        await store.version()


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    with pytest.raises(InvalidAccess, match="No such file"):
        read_key_file(path)
    path.write_bytes(encode_record(make_key(["search"], 1.0)[1]) + b"\nvitrine_sk_nonsense\n")
    with pytest.raises(InvalidAccess, match="line 2"):
        read_key_file(path)
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InvalidAccess, match="over"):
        read_key_file(path)
