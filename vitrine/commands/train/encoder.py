"""`vitrine train`: an encoder trained on the shop's own catalogue; and how the shipped one was made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings
from vitrine.commands.train.fusion_ranker import command as fusion_ranker
from vitrine.commands.train.ranker import command as ranker

if TYPE_CHECKING:
    from vitrine.settings import Settings

_DIRECTORY = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_CHECKPOINT = click.Path(exists=True, file_okay=False, path_type=Path)
_PLACE = click.Path(exists=True, path_type=Path)


def _catalogue_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say what is learnt from."""
    for option in reversed(
        (
            click.option(
                "--catalog", type=_PLACE, help="Products: CSV, JSON Lines or Parquet, or a directory with one."
            ),
            click.option("--from-topics", is_flag=True, help="Products and clicks from the live topics instead."),
            click.option("--images", type=_DIRECTORY, help="Where the paths of pictures start (default: beside them)."),
            click.option("--clicks", type=_FILE, help="Queries with the products chosen, or shoppers' events."),
            click.option("--map", "pairs", multiple=True, metavar="OURS=THEIRS", help="A column of another name."),
            click.option("--encoding", help="Of a CSV."),
        )
    ):
        command = option(command)
    return command


def _training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say how."""
    count, share = click.IntRange(min=0), click.FloatRange(0, 1)
    for option in reversed(
        (
            click.option("--encoder", default="mini", show_default=True, help="A name, directory or architecture."),
            click.option("--output", type=_DIRECTORY, default=Path("build/encoder"), show_default=True),
            click.option(
                "--work", type=_DIRECTORY, default=Path("build/train"), show_default=True, help="Checkpoints."
            ),
            click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True),
            click.option("--steps", type=click.IntRange(min=1), help="Most steps (default: what the time allows)."),
            click.option("--batch", type=click.IntRange(min=2), help="Products a batch."),
            click.option("--chunk", type=click.IntRange(min=1), help="Rows at a time, for batches beyond memory."),
            click.option("--loss", type=click.Choice(["info-nce", "sigmoid", "triplet", "pair"])),
            click.option("--hard-negatives", type=count, help="Near misses that each product brings along."),
            click.option("--category-weight", type=click.FloatRange(min=0), help="Of a classifier on top; 0: none."),
            click.option("--teacher", "teachers", multiple=True, help="Encoders to imitate; `catalogue`, or `none`."),
            click.option("--freeze", "frozen", multiple=True, metavar="PART", help="Parameters named so stay."),
            click.option("--lora-rank", type=count, help="Train low-rank adapters of this rank; 0: whole matrices."),
            click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True)),
            click.option("--layer-decay", type=share, help="Lower layers learn so much slower, layer by layer."),
            click.option("--new-pieces", type=count, help="Words of the catalogue to learn at most."),
            click.option("--max-tokens", type=click.IntRange(min=1), help="To which length texts are read at most."),
            click.option("--precision", type=click.Choice(["float32", "bfloat16", "float16"])),
            click.option("--tensorboard", type=_DIRECTORY, help="Curves, projector and examples go here."),
            click.option("--threads", type=click.IntRange(min=1)),
            click.option("--seed", type=int),
        )
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_catalogue_options
@_training_options
@with_settings()
@click.pass_context
def command(
    context: click.Context, settings: Settings, catalog: Path | None, from_topics: bool, **options: Any
) -> None:
    """Train an encoder on the shop's own catalogue, and clicks where there are any.

    A run that was broken off goes on when it is called again alike. The result is for `vitrine reindex --encoder DIR`.
    Several devices: `accelerate launch -m vitrine train …`.
    """
    if context.invoked_subcommand is not None:
        return
    if (catalog is None) == (not from_topics):
        raise click.UsageError("give either --catalog FILE or --from-topics")
    from encoders.errors import EncoderError
    from vitrine.commands.train.encoder_training import train_encoder

    try:
        output = train_encoder(settings, catalog, **options)
    except EncoderError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"the model is in {output}: `vitrine reindex --encoder {output}` rolls it out")


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

    from vitrine.samples.mini.training import MiniConfig, train_mini

    config = MiniConfig(output=output, work=work, threads=threads, seed=seed)
    if photos is not None:
        config = replace(config, corpus=replace(config.corpus, real_data=photos))
    click.echo(f"the model is in {train_mini(config)}")


@command.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", type=_DIRECTORY, required=True, help="Directory of the averaged model.")
def average(models: tuple[Path, ...], output: Path) -> None:
    """Average the weights of models that were trained from one and the same, into one as fast as each."""
    from encoders.errors import EncoderError
    from encoders.training.averaging import average_models

    try:
        click.echo(f"the model is in {average_models(models, output)}")
    except EncoderError as error:
        raise click.ClickException(str(error)) from error


@command.command()
@click.option("--text", type=_CHECKPOINT, required=True, help="Checkpoint of a BERT-family encoder.")
@click.option("--image", type=_CHECKPOINT, help="Checkpoint of a ViT, ResNet or ConvNeXT (default: random weights).")
@click.option("--architecture", default="towers-bert-convnext", show_default=True, help="What joins them.")
@click.option("--dim", type=click.IntRange(min=2), default=128, show_default=True, help="Of the space they share.")
@click.option("--max-tokens", type=click.IntRange(min=2), default=64, show_default=True, help="Where texts are cut.")
@click.option("--output", type=_DIRECTORY, required=True, help="Directory of the joined model.")
def join(text: Path, image: Path | None, architecture: str, dim: int, max_tokens: int, output: Path) -> None:
    """Join checkpoints of a text encoder and an image encoder into one model, to be trained on a catalogue.

    The two know nothing of each other yet: `vitrine train --catalog FILE --encoder OUTPUT` teaches them.
    """
    from dataclasses import replace

    from encoders.architectures.config import architecture_named
    from encoders.architectures.storage import new_model
    from encoders.errors import EncoderError

    try:
        shape = replace(architecture_named(architecture), dim=dim)
        new_model(shape, (), text_from=text, image_from=image, max_tokens=max_tokens).save(output)
    except EncoderError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"the model is in {output}: `vitrine train --catalog FILE --encoder {output}` trains it")


command.add_command(ranker, "ranker")
command.add_command(fusion_ranker, "fusion-ranker")
