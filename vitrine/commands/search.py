"""`vitrine search`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.client import SearchResults
    from vitrine.settings import Settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("text", required=False)
@click.option("--image", type=_FILE, help="A photo to search with.")
@click.option("--audio", type=_FILE, help="A spoken query.")
@click.option("--video", type=_FILE, help="A clip to search with.")
@click.option("--user", help="Whose taste orders the results.")
@click.option("-k", "k", type=click.IntRange(1, 100), default=10, show_default=True, help="How many results.")
@click.option(
    "--filter", "expressions", multiple=True, metavar="EXPR", help="price<50, brand=A,B, attributes.colour=red"
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@with_settings()
def command(
    settings: Settings,
    text: str | None,
    image: Path | None,
    audio: Path | None,
    video: Path | None,
    user: str | None,
    k: int,
    expressions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Search by words, a photo, a spoken query or a clip, or several of these."""
    media = {name: path.read_bytes() for name, path in (("image", image), ("audio", audio), ("video", video)) if path}
    if not text and not media:
        raise click.UsageError("give TEXT, --image, --audio or --video")
    results = _search(settings, text, media, user, k, _filters(expressions))
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(results)).decode())
    else:
        _print_table(results)


def _filters(expressions: tuple[str, ...]) -> dict[str, Any]:
    from vitrine.filter_expressions import parse_filters

    try:
        return parse_filters(expressions)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--filter") from error


def _search(
    settings: Settings, text: str | None, media: dict[str, bytes], user: str | None, k: int, filters: dict[str, Any]
) -> SearchResults:
    from vitrine.client import Client
    from vitrine.servers import query_url

    with Client(query_url(settings)) as client:
        image, audio, video = media.get("image"), media.get("audio"), media.get("video")
        return client.search(text, image=image, audio=audio, video=video, user_id=user, k=k, filters=filters)


def _print_table(results: SearchResults) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if results.hits:
        table = Table("", "score", "title", "price", "brand", "category", "product", box=box.SIMPLE_HEAD)
        for rank, hit in enumerate(results.hits, start=1):
            price = "" if hit.price is None else f"{hit.price:,.2f} {hit.currency or ''}".strip()
            # Text, as a title may hold what rich takes for markup.
            cells = [hit.title or "", price, hit.brand or "", hit.category or "", hit.product_id]
            table.add_row(str(rank), f"{hit.score:.3f}", *map(Text, cells))
        console.print(table)
    notes = [
        f"{results.total:,} found",
        f"{results.took_ms:.0f} ms",
        *([f"cache {results.cache}"] if results.cache else []),
    ]
    notes += [f"without {', '.join(results.degraded)}"] if results.degraded else []
    console.print(" · ".join(notes), style="dim", highlight=False)
