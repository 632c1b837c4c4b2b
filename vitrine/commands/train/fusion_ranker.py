"""`vitrine train fusion-ranker`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vitrine.commands.options import INPUT_FILE, with_settings

if TYPE_CHECKING:
    from encoders.ranking.training import RankerTrainingConfig
    from query_api.evaluation.judgments import JudgedQuery
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
    """Train a ranker of texts, pictures and voices on judged queries, for the index as it is.

    Query workers use it with VITRINE_QUERY_RANKER=OUTPUT, as long as the index has the same encoder.
    """
    from encoders.ranking.training import RankerTrainingConfig
    from query_api.errors import NotEnoughData
    from vitrine.errors import VitrineError
    from vitrine.judged_files import read_judged

    judged = read_judged(queries, judgments).queries
    try:
        losses = asyncio.run(_train(settings, judged, output, RankerTrainingConfig(epochs=epochs, seed=seed)))
    except NotEnoughData as error:
        raise VitrineError(str(error)) from error
    click.echo(f"{len(judged)} queries, loss {losses[0]:.3f} → {losses[-1]:.3f}; the ranker is in {output}")
    click.echo(f"query.ranker = {str(output.absolute())!r} has query workers use it")


async def _train(
    settings: Settings, queries: Sequence[JudgedQuery], output: Path, config: RankerTrainingConfig
) -> list[float]:
    """Train a ranker for the active generation, and write it; the mean loss of each epoch."""
    import torch

    from encoders.ranking.ranker import FusionRanker, RankerConfig, RankerInputs
    from encoders.ranking.training import RelevanceJudgment, train_ranker
    from query_api.config import QueryConfig
    from query_api.contract.requests import Weights
    from query_api.embedding.query_vectors import part_weights
    from query_api.evaluation.ranker_examples import ranker_examples
    from vitrine.generations.active import active_generation
    from vitrine.wiring.gate_services import open_gate_services

    async with open_gate_services(settings, await active_generation(settings)) as services:
        spec, encoder = services.encoder.spec, services.encoder
        texts = encoder.prompts.for_queries(query.text for query in queries)
        embeddings = await asyncio.to_thread(encoder.encode_texts, texts)
        weights = part_weights(QueryConfig(), Weights(), ("text",))
        examples = await ranker_examples(services.store, spec, queries, embeddings, weights)
    asked = torch.from_numpy(embeddings)
    products = RankerInputs(torch.from_numpy(examples.texts), torch.from_numpy(examples.images))
    judgments = [RelevanceJudgment(*pair) for pair in examples.pairs]
    torch.manual_seed(config.seed)
    ranker = FusionRanker(RankerConfig(spec.key, spec.dim))
    losses = await asyncio.to_thread(train_ranker, ranker, RankerInputs(asked, asked), products, judgments, config)
    ranker.save(output)
    return losses
