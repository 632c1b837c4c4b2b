"""`vitrine train ranker`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vitrine.commands.options import INPUT_FILE, with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings


@click.command()
@click.option(
    "--queries", type=INPUT_FILE, required=True, help="A table of queries: query, and query_id if there is one."
)
@click.option(
    "--judgments", type=INPUT_FILE, required=True, help="query or query_id, product_id, and gain or E, S, C, I."
)
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Its directory.")
@click.option("--epochs", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@with_settings()
def command(settings: Settings, queries: Path, judgments: Path, output: Path, epochs: int, seed: int) -> None:
    """Train a ranker of candidates on judged queries, for the index as it is.

    Query workers use it with VITRINE_QUERY_RANKER=OUTPUT, as long as the index has the same encoder.
    """
    import asyncio

    from encoders.ranking.training import RankerTrainingConfig
    from vitrine.commands.train.ranker_training import train_ranker_for_index
    from vitrine.judged_files import read_judged

    judged = read_judged(queries, judgments).queries
    losses = asyncio.run(
        train_ranker_for_index(settings, judged, output, RankerTrainingConfig(epochs=epochs, seed=seed))
    )
    click.echo(f"{len(judged)} queries, loss {losses[0]:.3f} → {losses[-1]:.3f}; the ranker is in {output}")
    click.echo(f"query.ranker = {str(output.absolute())!r} has query workers use it")
