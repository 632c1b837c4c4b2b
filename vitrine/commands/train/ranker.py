"""`vitrine train ranker`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vitrine.commands.click_logs import LOG_OPTION, read_click_log
from vitrine.commands.options import INPUT_FILE, with_settings
from vitrine.commands.train.fusion_ranker import command as fusion_ranker

if TYPE_CHECKING:
    from query_api.learning_to_rank.training import TrainedRanker
    from vitrine.settings import Settings


@click.command()
@LOG_OPTION
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Its directory.")
@click.option("--trees", type=click.IntRange(min=1, max=1_000), default=200, show_default=True, help="At most.")
@click.option("--leaves", type=click.IntRange(min=2, max=64), default=8, show_default=True, help="Of each tree.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--queries", type=INPUT_FILE, hidden=True)
@click.option("--judgments", type=INPUT_FILE, hidden=True)
@click.option("--epochs", type=click.IntRange(min=1), default=5, hidden=True)
@click.pass_context
@with_settings()
def command(
    settings: Settings,
    context: click.Context,
    logs: tuple[Path, ...],
    output: Path,
    trees: int,
    leaves: int,
    seed: int,
    queries: Path | None,
    judgments: Path | None,
    epochs: int,
) -> None:
    """Train a ranker of all that is known of candidates, on what shoppers chose of answers.

    The latest quarter of the answers judges it: a ranker that does not surely order them better than they were ordered
    is not written, and the exit code is 3. Query workers use it with VITRINE_QUERY_LEARNT_RANKER=OUTPUT. Rankers of
    texts and pictures, from judged queries: `vitrine train fusion-ranker`.
    """
    if queries is not None or judgments is not None:
        # What this command did before there was another ranker.
        click.echo("judged queries train a fusion ranker: `vitrine train fusion-ranker`", err=True)
        _train_fusion_ranker(context, queries, judgments, output, epochs, seed)
        return
    from query_api.learning_to_rank.model import save_tree_ranker

    trained = _train(settings, logs, trees, leaves, seed)
    _print(trained)
    if not trained.is_better:
        click.echo("not taken: on later answers it does not surely order better what was chosen")
        raise click.exceptions.Exit(3)
    save_tree_ranker(trained.document, output)
    click.echo(f"query.learnt_ranker = {str(output.absolute())!r} has query workers use it")


def _train_fusion_ranker(
    context: click.Context, queries: Path | None, judgments: Path | None, output: Path, epochs: int, seed: int
) -> None:
    given = {"queries": queries, "judgments": judgments}
    for name, file in given.items():
        if file is None:
            raise click.MissingParameter(param_type="option", param_hint=f"--{name}")
    places = {name: context.params.get(name) for name in ("data_dir", "config")}
    context.invoke(fusion_ranker, **given, output=output, epochs=epochs, seed=seed, **places)


def _train(settings: Settings, logs: tuple[Path, ...], trees: int, leaves: int, seed: int) -> TrainedRanker:
    from encoders.packages import require
    from query_api.learning_to_rank.training import TreeConfig, train_tree_ranker

    require("`vitrine train ranker`", "lightgbm")
    return train_tree_ranker(read_click_log(settings, logs), TreeConfig(trees=trees, leaves=leaves, seed=seed))


def _print(trained: TrainedRanker) -> None:
    click.echo(f"{trained.answers} answers of which something was chosen; nDCG of the latest, weighted by place:")
    click.echo(f"  as they were ordered  {trained.blend}")
    click.echo(f"  learnt                {trained.learnt}")
    click.echo(f"  gain                 {trained.gain.signed()}, {len(trained.document.trees)} trees")
