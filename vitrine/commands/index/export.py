"""`vitrine export` and `vitrine import`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from indexer.backup.export_import import ImportResult
    from indexer.backup.format import BackupHeader
    from vitrine.generations.backups import Present
    from vitrine.settings import Settings

_KEPT_SHOWN = 10


@click.command()
@click.argument("file", metavar="FILE.parquet|s3://BUCKET/NAME.parquet")
@click.option("--generation", metavar="G", help="Which one (default: the active one).")
@with_settings()
def command(settings: Settings, file: str, generation: str | None) -> None:
    """Write a generation of the index to a Parquet file, or to an object in a bucket, reached by media_store.…

    Each product is in it as it is when it is read, deleted ones too. Events that come meanwhile may be missing; the
    file notes Kafka's offsets from which on a replay adds them. Pictures are not in it.
    """
    from vitrine.commands.progress import ProductCountView
    from vitrine.generations.backup_places import backup_to_write
    from vitrine.generations.backups import export_generation
    from vitrine.stack.servers import with_server_addresses

    async def export(view: ProductCountView) -> tuple[BackupHeader, int]:
        async with backup_to_write(file, settings.media_store) as path:
            return await export_generation(with_server_addresses(settings), path, generation, _say, view)

    with ProductCountView("exporting") as view:
        header, count = asyncio.run(export(view))
    click.echo(f"exported {count:,} products of {header.generation} ({header.encoder}) to {file}")
    _say(f"pictures are not in it: copy {settings.media_place} too")


@click.command("import")
@click.argument("file", metavar="FILE.parquet|s3://BUCKET/NAME.parquet")
@click.option("--resume", is_flag=True, help="Finish an import that was cut off; what is in the index stays as it is.")
@click.option(
    "--replay",
    is_flag=True,
    help="Stop the indexing workers first: once started, they read again what came after the export, from the same "
    "Kafka. The index need not be empty; what the file has replaces what is there.",
)
@with_settings()
def import_command(settings: Settings, file: str, resume: bool, replay: bool) -> None:
    """Fill an empty index from a file that `vitrine export` wrote.

    Indexing workers must not write meanwhile: a product of which an event comes before its row is not restored, but
    named, and the exit code is 1.
    """
    from vitrine.commands.progress import ProductCountView
    from vitrine.generations.backup_places import backup_to_read
    from vitrine.generations.backups import import_generation
    from vitrine.stack.servers import with_server_addresses

    if resume and replay:
        raise click.UsageError("--replay finishes an import that was cut off, too: give it without --resume")
    present: Present = "replay" if replay else "keep" if resume else "refuse"

    async def restore(view: ProductCountView) -> tuple[BackupHeader, ImportResult]:
        async with backup_to_read(file, settings.media_store) as path:
            return await import_generation(with_server_addresses(settings), path, present, _say, view)

    with ProductCountView("importing") as view:
        header, imported = asyncio.run(restore(view))
    click.echo(f"imported {imported.written:,} products of {header.generation} ({header.encoder})")
    _say(f"pictures are not in the file: have those of the exported index in {settings.media_place}")
    if replay:
        _say("start the indexing workers: they read what came after the export; `vitrine status` tells how many wait")
    else:
        _say_offsets(header)
    if imported.already_present and not resume:
        _say_kept(imported)
        raise SystemExit(1)


def _say_offsets(header: BackupHeader) -> None:
    if header.offsets:
        noted = "; ".join(f"{topic}: {_listed(partitions)}" for topic, partitions in header.offsets.items())
        _say(
            f"what came since is in Kafka from these offsets of {header.group} on, {noted}; to catch up, stop the "
            "indexing workers, import with --replay, and start them"
        )


def _say_kept(imported: ImportResult) -> None:
    named = ", ".join(imported.already_present[:_KEPT_SHOWN]) + (
        ", …" if len(imported.already_present) > _KEPT_SHOWN else ""
    )
    _say(f"{len(imported.already_present):,} products were in the index by then and stay as they are: {named}")


def _listed(partitions: dict[str, int]) -> str:
    return " ".join(f"{partition}={offset}" for partition, offset in partitions.items())


def _say(text: str) -> None:
    click.echo(text, err=True)
