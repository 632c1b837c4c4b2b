"""`vitrine media collect`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from indexer.media.collection import CollectionReport
    from vitrine.settings import Settings


@click.group()
def command() -> None:
    """Look after the inline pictures, clips and sounds."""


@command.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--most", is_flag=True, help="Also where the index knows nothing of most of the files.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings()
def collect(settings: Settings, dry_run: bool, most: bool, as_json: bool) -> None:
    """Remove the files that no product shows and that were last put media_store.grace_s ago, now.

    An indexing worker does so every media_store.collect_every_s. May run beside workers, and be interrupted.
    """
    from vitrine.stack.servers import with_server_addresses

    report = asyncio.run(_collect(with_server_addresses(settings), dry_run, most))
    if as_json:
        click.echo(json.dumps(asdict(report)))
        return
    verb = "would remove" if dry_run else "removed"
    click.echo(
        f"{verb} {report.collected:,} files ({_megabytes(report.collected_bytes)}); kept {report.kept:,} "
        f"({_megabytes(report.kept_bytes)}), {report.waiting:,} of them shown by no product and not due"
    )


async def _collect(settings: Settings, dry_run: bool, most: bool) -> CollectionReport:
    from indexer.milvus.registry import GenerationRegistry
    from vitrine.generations.media import collect_media

    async with GenerationRegistry(settings.milvus) as registry:
        return await collect_media(settings, registry, rehearse=dry_run, whatever_the_share=most)


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
