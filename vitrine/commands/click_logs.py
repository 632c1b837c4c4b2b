"""Logs of clicks: from files, or from what is remembered of answers and the topic of shoppers' events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vitrine.errors import VitrineError

if TYPE_CHECKING:
    from query_api.evaluation.click_log import LoggedAnswer
    from vitrine.settings import Settings

REDIS_DEADLINE_S = 10.0
LOG_OPTION = click.option(
    "--log",
    "logs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A file that `vitrine eval clicks` wrote (default: what is remembered of the last day); may be repeated.",
)


def read_click_log(settings: Settings, logs: Sequence[Path]) -> list[LoggedAnswer]:
    """The answers in files; without any, those of the last day. Oldest first.

    Raises:
        VitrineError: a file is no log of clicks.
        StoreUnavailable, KafkaUnavailable: what is remembered cannot be read.
    """
    from query_api.evaluation.click_log import merged_logs

    return merged_logs(map(read_log_file, logs)) if logs else asyncio.run(_remembered(settings))


def read_log_file(file: Path) -> list[LoggedAnswer]:
    """The answers in a file. Raises `VitrineError` where it is none of those."""
    from query_api.evaluation.click_log import decode_log

    try:
        with file.open("rb") as lines:
            return list(decode_log(lines))
    except (OSError, ValueError) as error:
        raise VitrineError(f"{file} is no log of clicks, as `vitrine eval clicks` writes them: {error}") from error


async def _remembered(settings: Settings) -> list[LoggedAnswer]:
    from dataclasses import replace

    from indexer.redis.client import open_redis
    from indexer.redis.impressions import RedisImpressionStore
    from query_api.evaluation.click_log import join_clicks
    from streams.training_data.choices import read_choices
    from vitrine.stack.servers import reachable_kafka, redis_url

    choices = await read_choices(reachable_kafka(settings))
    async with open_redis(replace(settings.redis, url=redis_url(settings))) as redis:
        store = RedisImpressionStore(redis, REDIS_DEADLINE_S, privacy=settings.privacy)
        return join_clicks([impression async for impression in store.all()], choices)
