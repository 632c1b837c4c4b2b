"""`vitrine train`: models of the project's own."""

from __future__ import annotations

from pathlib import Path

import click

from vitrine.commands.train_ranker import command as ranker

_DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.group(help="Train an encoder.")
def command() -> None:
    pass


@command.command()
@click.option("--output", type=_DIRECTORY, required=True, help="Directory of the finished model.")
@click.option(
    "--work", type=_DIRECTORY, default=Path("build/train-mini"), show_default=True, help="Drawn pictures, checkpoint."
)
@click.option("--photos", type=_DIRECTORY, help="Real photographs to train on as well (products.jsonl and images).")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def mini(output: Path, work: Path, photos: Path | None, threads: int, seed: int) -> None:
    """Train the small bilingual encoder that ships with the project.

    A broken run goes on from its last checkpoint in --work. Use the result with `--encoder OUTPUT`.
    """
    from dataclasses import replace

    from encoders.training.mini import MiniConfig, train_mini

    config = MiniConfig(output=output, work=work, threads=threads, seed=seed)
    if photos is not None:
        config = replace(config, corpus=replace(config.corpus, real_data=photos))
    click.echo(f"the model is in {train_mini(config)}")


command.add_command(ranker, "ranker")
