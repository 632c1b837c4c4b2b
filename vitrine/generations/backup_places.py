"""Where a backup is: a file, or an object in a bucket, which comes and goes by a file of its own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from indexer.media.bucket import bucket_transfer, open_bucket
from indexer.media.config import MediaStoreConfig
from vitrine.errors import VitrineError


@asynccontextmanager
async def backup_to_write(place: str, config: MediaStoreConfig) -> AsyncGenerator[Path]:
    """The file to write a backup to; it is in its place when this ends without an error, whole.

    Args:
        place: a path, or `s3://BUCKET/NAME`.
        config: how buckets are reached.

    Raises:
        MissingExtra, AccessDenied, StoreUnavailable: of the bucket.
    """
    if not _is_object(place):
        yield Path(place)
        return
    folder, name = _parts(place)
    bucket = open_bucket(config, folder)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / name
        yield file
        with bucket_transfer(place, "written"):
            await bucket.put_async(name, file)


@asynccontextmanager
async def backup_to_read(place: str, config: MediaStoreConfig) -> AsyncGenerator[Path]:
    """The file of a backup. Raises what `backup_to_write` does, and `VitrineError` where there is none."""
    if not _is_object(place):
        yield _existing(Path(place))
        return
    folder, name = _parts(place)
    bucket = open_bucket(config, folder)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / name
        with bucket_transfer(place, "read"):
            try:
                found = await bucket.get_async(name)
            except FileNotFoundError as error:
                raise VitrineError(f"there is no {place}") from error
            with file.open("wb") as target:
                async for piece in found.stream():
                    await asyncio.to_thread(target.write, piece)
        yield file


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise VitrineError(f"there is no {file}")
    return file


def _is_object(place: str) -> bool:
    return place.startswith("s3://")


def _parts(place: str) -> tuple[str, str]:
    """The URL of the folder of an object, and its name in there. Raises `VitrineError`."""
    folder, _, name = place.rpartition("/")
    if not name or folder in ("s3:", "s3:/"):
        raise VitrineError(f"{place} names no object: s3://BUCKET/NAME.parquet")
    return folder, name
