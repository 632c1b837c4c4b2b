"""`vitrine export-user`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings
from vitrine.terminal import json_text

if TYPE_CHECKING:
    from vitrine.settings import Settings

REDIS_DEADLINE_S = 5.0


@click.command()
@click.argument("user_id", metavar="ID")
@click.option("--without-log", is_flag=True, help="Do not read Kafka's log of what shoppers did, which may be long.")
@with_settings()
def command(settings: Settings, user_id: str, without_log: bool) -> None:
    """Print all that is stored about a shopper, as JSON: under their id and the anonymous ids that are joined to it.

    From every store that `forget-user` erases, and from Kafka: dead letters, and the log of what shoppers did.
    """
    if not 1 <= len(user_id) <= 256:
        raise click.BadParameter(f"it has {len(user_id)} characters, an id has 1 to 256", param_hint="ID")
    click.echo(json_text(asyncio.run(_export(settings, user_id, without_log))))


async def _export(settings: Settings, user_id: str, without_log: bool) -> dict[str, Any]:
    from dataclasses import replace

    from indexer.redis.client import open_redis
    from streams.failures.person_letters import events_of, letters_about
    from vitrine.commands.events.dead_letter_output import letter_as_dict
    from vitrine.commands.events.letter_keys import letter_keys
    from vitrine.stack.servers import reachable_kafka, redis_url
    from vitrine.wiring.personal_data import personal_data

    kafka = reachable_kafka(settings)
    async with open_redis(replace(settings.redis, url=redis_url(settings))) as redis, letter_keys(settings) as keys:
        found = await personal_data(settings, redis, REDIS_DEADLINE_S).export(user_id)
        letters = letters_about(kafka, found["ids"], keys.open_if_possible)
        found["dead_letters"] = [letter_as_dict(letter) async for letter in letters]
    if not without_log:
        found["log"] = [_event(event) async for event in events_of(kafka, found["ids"])]
    return found


def _event(event: Any) -> Any:
    import msgspec

    from streams.events.cloudevents import encode_event

    return msgspec.json.decode(encode_event(event))
