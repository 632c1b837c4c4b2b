"""`vitrine train` put together: material from files or topics, settings from options, and the run."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

from encoders.training.config import TuningConfig
from encoders.training.data.listings import TrainingListing
from encoders.training.run import CATALOGUE_TEACHER, train_on_catalogue
from streams.files.row_events import parse_column_map
from streams.training_data.files import catalogue_file, read_clicks, read_listings, with_clicks
from vitrine.errors import VitrineError
from vitrine.settings import Settings


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
        settings: say where the topics are.
        catalog: a file or directory of products; None: the live topics.
        encoder: what to begin with.
        images: where the paths of pictures start; None: beside the file.
        clicks: a file of queries with products, or of events.
        pairs: columns by our fields' names.
        encoding: of a CSV.
        teachers: to imitate; none given: the catalogue's own texts.
        options: settings of the run by name; None: as they are by default.
    """
    if catalog is None:
        from streams.training_data.topics import read_training_topics

        listings = asyncio.run(read_training_topics(settings, _say))
    else:
        listings = _from_file(catalog, images, pairs, encoding)
    if clicks is not None:
        listings = with_clicks(listings, read_clicks(clicks, _say))
    given = {name: value for name, value in options.items() if value is not None}
    config = dataclasses.replace(TuningConfig(given.pop("output")), **given)
    return train_on_catalogue(encoder, listings, config, _teacher_names(teachers), _say)


def _from_file(
    catalog: Path, images: Path | None, pairs: tuple[str, ...], encoding: str | None
) -> list[TrainingListing]:
    file = catalogue_file(catalog)
    try:
        renames = parse_column_map(pairs)
    except ValueError as error:
        raise VitrineError(f"--map: {error}") from error
    return read_listings(file, images or file.parent, renames, encoding, _say)


def _teacher_names(teachers: tuple[str, ...]) -> tuple[str, ...]:
    if not teachers:
        return (CATALOGUE_TEACHER,)
    return tuple(name for name in teachers if name != "none")


def _say(line: str) -> None:
    if os.environ.get("RANK", "0") == "0":
        print(line, file=sys.stderr, flush=True)
