"""The run of `vitrine train`: products and clicks from files or topics, the settings that were given, training."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from encoders.training.config import TuningConfig
from encoders.training.data.listings import TrainingListing, with_clicks
from encoders.training.run import CATALOGUE_TEACHER, train_on_catalogue
from indexer.errors import StoreUnavailable
from indexer.redis.client import open_redis
from indexer.redis.shoppers.profiles import RedisProfileStore
from streams.files.columns.names import parse_column_map
from streams.training_data.clicks import read_clicks
from streams.training_data.files import catalogue_file, read_listings
from streams.training_data.topics import read_training_topics
from vitrine.errors import VitrineError
from vitrine.media_stores import open_media_store
from vitrine.settings import Settings
from vitrine.stack.servers import reachable_kafka, redis_url

REDIS_DEADLINE_S = 5.0


def train_encoder(
    settings: Settings,
    catalog: Path | None,
    *,
    encoder: str,
    images: Path | None,
    clicks: Path | None,
    pairs: tuple[str, ...],
    encoding: str | None,
    teachers: tuple[str, ...],
    **options: Any,
) -> Path:
    """Train, and return the model's directory.

    Args:
        settings: say where the topics and the pictures in them are.
        catalog: a file or directory of products; None: the live topics.
        encoder: what to begin with.
        images: where the paths of pictures start; None: beside the file.
        clicks: a file of queries with products, or of events.
        pairs: `ours=theirs`, columns that are named otherwise than usual.
        encoding: of a CSV.
        teachers: to imitate; none given: the catalogue's own texts.
        options: fields of `TuningConfig`; None: as they are by default.

    Raises:
        VitrineError, StreamError: the catalogue cannot be had.
        EncoderError: the encoder cannot be loaded or trained.
    """
    if catalog is None:
        media = open_media_store(settings)
        listings = asyncio.run(read_training_topics(reachable_kafka(settings), media, _notify))
    else:
        listings = _from_file(catalog, images, pairs, encoding)
    if clicks is not None:
        listings = with_clicks(
            listings, read_clicks(clicks, _notify, lambda user_ids: asyncio.run(_forgotten(settings, user_ids)))
        )
    given = {name: value for name, value in options.items() if value is not None}
    config = dataclasses.replace(TuningConfig(given.pop("output")), **given)
    return train_on_catalogue(encoder, listings, config, _teacher_names(teachers), _notify)


async def _forgotten(settings: Settings, user_ids: Sequence[str]) -> Mapping[str, int]:
    """Which of these people asked to be forgotten, as far as Redis is there to be asked."""
    if not user_ids:
        return {}
    try:
        async with open_redis(replace(settings.redis, url=redis_url(settings))) as redis:
            return await RedisProfileStore(redis, REDIS_DEADLINE_S, privacy=settings.privacy).forgotten_ms(user_ids)
    except (VitrineError, StoreUnavailable) as error:
        _notify(f"{error}; of the people in the clicks, it is not known here who asked to be forgotten")
        return {}


def _from_file(
    catalog: Path, images: Path | None, pairs: tuple[str, ...], encoding: str | None
) -> list[TrainingListing]:
    file = catalogue_file(catalog)
    try:
        renames = parse_column_map(pairs)
    except ValueError as error:
        raise VitrineError(f"--map: {error}") from error
    return read_listings(file, images or file.parent, renames, encoding, _notify)


def _teacher_names(teachers: tuple[str, ...]) -> tuple[str, ...]:
    if not teachers:
        return (CATALOGUE_TEACHER,)
    return tuple(name for name in teachers if name != "none")


def _notify(line: str) -> None:
    """Print to standard error, by the first of several training processes only."""
    if os.environ.get("RANK", "0") == "0":
        print(line, file=sys.stderr, flush=True)
