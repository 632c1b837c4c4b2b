"""`vitrine kafka topics` and `vitrine kafka acls`: what an operator sets up on a Kafka of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast, get_args

import click

from streams.rights import ROLES, Role, grant_commands, rights_of
from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings


@click.group()
def command() -> None:
    """Create topics on a Kafka of your own, and list the rights that each role needs there."""


@command.command()
@with_settings()
def topics(settings: Settings) -> None:
    """Create the topics that are missing, as the operator who may: workers then need no right to."""
    from streams.topics import ensure_topics
    from vitrine.stack.servers import reachable_kafka

    created = asyncio.run(ensure_topics(reachable_kafka(settings)))
    click.echo(f"created {', '.join(created)}" if created else "all topics are there")


@command.command(epilog="Roles: " + "  ".join(f"{role}: {who}" for role, who in ROLES.items()))
@click.argument("role", type=click.Choice(get_args(Role)))
@click.option("--principal", required=True, metavar="User:NAME", help="Who has the role, as Kafka knows them.")
@with_settings()
def acls(settings: Settings, role: str, principal: str) -> None:
    """Print the commands that grant a role its rights in Kafka, and no others."""
    rights = rights_of(cast(Role, role), settings.indexing.group)
    for line in grant_commands(rights, principal, settings.kafka.bootstrap_servers or "HOST:PORT"):
        click.echo(line)
