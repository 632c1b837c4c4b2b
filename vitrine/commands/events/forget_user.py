"""`vitrine forget-user`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings

REDIS_DEADLINE_S = 5.0


@click.command()
@click.argument("user_id", metavar="ID")
@with_settings()
def command(settings: Settings, user_id: str) -> None:
    """Forget a shopper: their profile, and what dead letters hold of them; their events until now count no more.

    The same as DELETE /v1/users/ID, and as a user.forgotten event. May be repeated. What stays for a time is Kafka's
    own log of what shoppers did, for as long as that topic is kept.
    """
    if not 1 <= len(user_id) <= 256:
        raise click.BadParameter(f"it has {len(user_id)} characters, an id has 1 to 256", param_hint="ID")
    time_ms, kept_days = asyncio.run(_forget(settings, user_id))
    until = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds")
    click.echo(f"forgotten: all that the person did until {until}; its hash is kept for {kept_days:g} days")
    click.echo("Kafka keeps what it has on shop.user-events for that topic's retention.ms", err=True)


async def _forget(settings: Settings, user_id: str) -> tuple[int, float]:
    """Until when it is forgotten, and for how many days that is remembered."""
    from dataclasses import replace

    from indexer.redis.client import open_redis
    from query_api.personalisation.forgetting import forget_shopper
    from streams.kafka.producer import EventPublisher
    from vitrine.stack.servers import reachable_kafka, redis_url
    from vitrine.wiring.personal_data import personal_data

    kafka = reachable_kafka(settings)
    horizon_days = settings.indexing.horizon_days
    async with (
        open_redis(replace(settings.redis, url=redis_url(settings))) as redis,
        EventPublisher(kafka) as publisher,
    ):
        time_ms = await forget_shopper(user_id, personal_data(settings, redis, REDIS_DEADLINE_S), publisher)
    return time_ms, max(settings.privacy.forgotten_days, horizon_days)
