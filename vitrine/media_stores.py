"""The media store that the settings name."""

from __future__ import annotations

from indexer.media.bucket import open_bucket
from indexer.media.bucket_store import BucketMediaStore
from indexer.media.store import CollectableMediaStore, DirectoryMediaStore
from query_api.http.media_types import HEAD_BYTES, media_type
from vitrine.settings import Settings


def open_media_store(settings: Settings) -> CollectableMediaStore:
    """The bucket that is configured, or else the directory. Raises `MissingExtra`."""
    config = settings.media_store
    if not config.url:
        return DirectoryMediaStore(settings.media_directory)
    bucket = open_bucket(config, config.url)
    return BucketMediaStore(bucket, config.url, config.links, lambda data: media_type(data[:HEAD_BYTES]))
