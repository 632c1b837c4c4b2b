"""`vitrine eval recall`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vitrine.commands.evaluate.report_files import REPORTS_DIR, to_json_values, write_report
from vitrine.commands.options import OUTPUT_FILE, with_settings

if TYPE_CHECKING:
    from query_api.evaluation.live_recall import LiveIndex, RecallReport
    from vitrine.settings import Settings


@click.command()
@click.option("-k", "--k", type=click.IntRange(1, 100), default=10, show_default=True, help="The cut-off.")
@click.option("--queries", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many of each kind.")
@click.option(
    "--budget-ms",
    type=click.FloatRange(min=0, min_open=True),
    default=50.0,
    show_default=True,
    help="How long a search of the index may take.",
)
@click.option("--json", "json_file", type=OUTPUT_FILE, default=REPORTS_DIR / "eval-recall.json", show_default=True)
@with_settings()
def command(settings: Settings, k: int, queries: int, budget_ms: float, json_file: Path) -> None:
    """Compare the live index's vector search with exact search, and say which index to use.

    Queries are near random products; filters are ranges of prices that keep about half, a tenth, a hundredth and a
    thousandth of them. It reads the whole index and searches it some thousand times: have it do so in a quiet hour.
    """
    from dataclasses import replace

    from indexer.errors import IndexerError
    from query_api.errors import NotEnoughData
    from vitrine.errors import VitrineError
    from vitrine.stack.servers import reachable_milvus

    def say(text: str) -> None:
        click.echo(text, err=True)

    try:
        settings = replace(settings, milvus=reachable_milvus(settings))
        report = asyncio.run(_evaluate(settings, k, queries, budget_ms, say))
    except (IndexerError, NotEnoughData) as error:
        raise VitrineError(str(error)) from error
    write_report(json_file, json.dumps(to_json_values(report), indent=2))
    _print(report)
    say(f"written: {json_file}")


async def _evaluate(
    settings: Settings, k: int, queries: int, budget_ms: float, say: Callable[[str], None]
) -> RecallReport:
    from query_api.evaluation.live_recall import evaluate_recall

    index = await _live_index(settings)
    return await evaluate_recall(
        index, k=k, depth=settings.query.candidates, queries=queries, budget_ms=budget_ms, say=say
    )


async def _live_index(settings: Settings) -> LiveIndex:
    """The active generation, to be measured. Raises `VitrineError` when there is none."""
    from collections.abc import AsyncGenerator, Mapping
    from contextlib import asynccontextmanager
    from dataclasses import replace

    from encoders.spec import EmbeddingSpec
    from indexer.milvus.store import open_store_to_read
    from indexer.ports.products import ProductStore
    from query_api.evaluation.live_recall import LiveIndex
    from vitrine.generations.active import active_generation

    active = await active_generation(settings)

    @asynccontextmanager
    async def open_store(parameters: Mapping[str, int]) -> AsyncGenerator[ProductStore]:
        store = await open_store_to_read(replace(settings.milvus, **parameters), active)
        try:
            yield store
        finally:
            await store.close()

    spec = EmbeddingSpec.from_key(active.encoder, active.dim)
    return LiveIndex(active.collection, active.index_type or settings.milvus.index_type, spec, open_store)


def _print(report: RecallReport) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for trial in report.trials:
        title = " ".join([report.index_type, *(f"{name}={value}" for name, value in trial.parameters.items())])
        columns = ("weights", "kept", f"recall@{report.k}", "worst", "p50 ms", "p99 ms")
        table = Table(*columns, title=title, box=box.SIMPLE_HEAD)
        for row in trial.rows:
            figures = (f"{row.kept:.2%}", f"{row.recall:.3f}", f"{row.worst:.2f}", f"{row.p50_ms:.1f}")
            table.add_row(row.weights, *figures, f"{row.p99_ms:.1f}")
        console.print(table)
    settings = ", ".join(f"{name} = {value}" for name, value in report.advice.settings.items())
    console.print(f"use {settings}: {report.advice.reason}")
    console.print(f"{report.products:,} products · {report.queries} queries a row", style="dim")
