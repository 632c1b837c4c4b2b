"""`vitrine label`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings()
def command(settings: Settings, as_json: bool) -> None:
    """Compare products that are in the index with the others again.

    For after `labelling.*` was changed, or after many products came: those with open fields, suggestions or duplicates
    go through the indexing workers once more, which do as their configuration says.
    """
    from indexer.errors import IndexerError
    from vitrine.commands.progress import ProductCountView
    from vitrine.errors import VitrineError
    from vitrine.stack.servers import with_server_addresses

    try:
        with ProductCountView("asking") as view:
            count = asyncio.run(_request_relabelling(with_server_addresses(settings), view))
    except IndexerError as error:
        raise VitrineError(str(error)) from error
    if not settings.labelling.is_on:
        click.echo(
            "labelling is off here (labelling.fields, .duplicates, .borrow_texts): what was found is taken back",
            err=True,
        )
    click.echo(json.dumps({"asked": count}) if as_json else f"{count:,} products are compared with the others again")


async def _request_relabelling(settings: Settings, on_progress: Callable[[int], None]) -> int:
    """Publish the requests for the active generation; how many there are, of which `on_progress` is told meanwhile."""
    from contextlib import aclosing

    from indexer.milvus.store import open_store_to_read
    from streams.kafka.producer import EventPublisher
    from streams.labels.relabelling import relabel_requests
    from vitrine.generations.active import active_generation

    store = await open_store_to_read(settings.milvus, await active_generation(settings))
    count = 0
    try:
        async with (
            EventPublisher(settings.kafka) as publisher,
            aclosing(relabel_requests(store, settings.labelling)) as pages,
        ):
            async for messages in pages:
                await publisher.publish_raw(messages)
                count += len(messages)
                on_progress(count)
    finally:
        await store.close()
    return count
