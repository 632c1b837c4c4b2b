"""The keys of dead letters about people, as the commands have them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import click

from indexer.errors import IndexerError, StoreUnavailable
from indexer.ports.profiles import PersonKey
from indexer.redis.client import connect_redis
from indexer.redis.shoppers.person_keys import RedisPersonKeys
from streams.errors import InvalidEvent
from streams.failures.dead_letter_reader import DeadLetter, LetterOpener
from vitrine.errors import VitrineError
from vitrine.settings import Settings
from vitrine.stack.servers import redis_url
from vitrine.terminal import printable

KEYS_DEADLINE_S = 5.0


class LetterKeys:
    """Opens letters; says once if those about people stay sealed."""

    def __init__(self, opener: LetterOpener) -> None:
        self.opener = opener
        self._complained = False

    async def open_if_possible(self, letter: DeadLetter) -> DeadLetter:
        """The letter, opened where that can be done now."""
        if self._complained:
            return letter
        try:
            return await self.opener.open(letter)
        except InvalidEvent as fault:
            click.echo(printable(str(fault)), err=True)
            return letter
        except IndexerError as error:
            self._complained = True
            click.echo(f"dead letters about people stay sealed: {error}", err=True)
            return letter


class _NoKeys:
    """`PersonKeys` where there is no Redis."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def keys_of(self, persons: object) -> list[PersonKey | None]:
        raise StoreUnavailable(self._reason)

    async def key_of_unknown(self) -> PersonKey:
        raise StoreUnavailable(self._reason)

    async def find(self, names: object) -> dict[str, bytes]:
        raise StoreUnavailable(self._reason)


@asynccontextmanager
async def letter_keys(settings: Settings) -> AsyncGenerator[LetterKeys]:
    """What opens letters; Redis is asked with the first that is about a person."""
    try:
        config = replace(settings.redis, url=redis_url(settings), deadline_s=KEYS_DEADLINE_S)
    except VitrineError as error:
        yield LetterKeys(LetterOpener(_NoKeys(str(error))))
        return
    redis = connect_redis(config)
    try:
        yield LetterKeys(LetterOpener(RedisPersonKeys(redis, settings.privacy, config.deadline_s)))
    finally:
        await redis.aclose()
