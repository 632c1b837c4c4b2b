"""`vitrine search`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings
from vitrine.terminal import cell, escaped_json

if TYPE_CHECKING:
    from vitrine.client import SearchResults
    from vitrine.settings import Settings

_SIGNS = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤"}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


_READINGS = ("correct", "price_phrases", "exclusion_phrases")
"""Fields of a request that have its words taken for more than words."""


@click.command()
@click.argument("text", required=False)
@click.option("--image", "images", type=_FILE, multiple=True, help="A photo to search with; may be repeated.")
@click.option("--like", metavar="ID", help="A product to search with.")
@click.option("--not-text", "not_texts", multiple=True, metavar="TEXT", help="Words to search away from; repeatable.")
@click.option("--not-image", "not_images", type=_FILE, multiple=True, help="A photo to search away from; repeatable.")
@click.option("--audio", type=_FILE, help="A spoken query.")
@click.option("--video", type=_FILE, help="A clip to search with.")
@click.option("--user", help="Whose taste orders the results.")
@click.option("-k", "k", type=click.IntRange(1, 100), default=10, show_default=True, help="How many results.")
@click.option(
    "--filter", "expressions", multiple=True, metavar="EXPR", help="price<50, brand=A,B, attributes.colour=red"
)
@click.option(
    "--verbatim", is_flag=True, help="Take the words as they are: no corrections, no price, nothing to leave out."
)
@click.option("--floor", type=click.FloatRange(0, 10), help="What has to be reached to match: 1 as learnt, 0 nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@with_settings()
def command(
    settings: Settings, text: str | None, expressions: tuple[str, ...], as_json: bool, verbatim: bool, **options: Any
) -> None:
    """Search by words, photos, a product, a spoken query or a clip, or several of these.

    Words after a dash are left out: 'dress -floral'. A price may be in words: 'mug under 50'.
    """
    query = _media(options) | {"product_id": options["like"], "user_id": options["user"], "k": options["k"]}
    query["floor"] = options["floor"]
    if not text and not any(query[name] for name in ("image", "audio", "video", "product_id", "parts")):
        raise click.UsageError("give TEXT, --image, --like, --audio or --video")
    query |= {"filters": _filters(expressions)} | (dict.fromkeys(_READINGS, False) if verbatim else {})
    results = _search(settings, text, query)
    if as_json:
        import msgspec

        click.echo(escaped_json(msgspec.json.format(msgspec.json.encode(results)).decode()))
    else:
        _print_table(results)


def _media(options: dict[str, Any]) -> dict[str, Any]:
    """The files' bytes and the parts of a request."""
    first, *others = [path.read_bytes() for path in options["images"]] or [None]
    parts: list[dict[str, Any]] = [{"image": image} for image in others]
    parts += [{"text": text, "weight": -1.0} for text in options["not_texts"]]
    parts += [{"image": path.read_bytes(), "weight": -1.0} for path in options["not_images"]]
    clips = {name: options[name].read_bytes() if options[name] else None for name in ("audio", "video")}
    return {"image": first, "parts": parts, **clips}


def _filters(expressions: tuple[str, ...]) -> dict[str, Any]:
    from vitrine.commands.search.filter_expressions import parse_filter_expressions

    try:
        return parse_filter_expressions(expressions)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--filter") from error


def _search(settings: Settings, text: str | None, query: dict[str, Any]) -> SearchResults:
    from vitrine.stack.servers import connect_client

    with connect_client(settings) as client:
        return client.search(text, **query)


def _print_table(results: SearchResults) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for line in _understood(results):
        console.print(cell(line, "italic"))
    if results.nearest:
        console.print("nothing matches; nearest:", style="italic")
    if shown := results.hits or results.nearest:
        table = Table("", "score", "title", "price", "brand", "category", "product", box=box.SIMPLE_HEAD)
        for rank, hit in enumerate(shown, start=1):
            price = "" if hit.price is None else f"{hit.price:,.2f} {hit.currency or ''}".strip()
            cells = [hit.title or "", price, hit.brand or "", hit.category or "", hit.product_id]
            table.add_row(str(rank), f"{hit.score:.3f}", *map(cell, cells))
        console.print(table)
    notes = [
        f"{results.total:,} found",
        f"{results.took_ms:.0f} ms",
        *([f"cache {results.cache}"] if results.cache else []),
    ]
    notes += [f"without {', '.join(results.degraded)}"] if results.degraded else []
    console.print(" · ".join(notes), style="dim", highlight=False)


def _understood(results: SearchResults) -> Iterator[str]:
    """How the words were understood, a line each."""
    understood = results.understood or {}
    if results.did_you_mean:
        yield f"{'showing' if results.corrected else 'did you mean'}: {results.did_you_mean}"
    if understood.get("speech"):
        yield f"heard by {understood.get('recogniser', 'the recogniser')}: {understood['speech']}"
    if understood.get("speech_problem"):
        yield f"not understood: {understood['speech_problem']}"
    if understood.get("phrase"):
        bounds = " ".join(f"{_SIGNS[sign]} {number:g}" for sign, number in understood["price"].items())
        applied = "" if understood.get("price_applied", True) else ": --filter wins"
        yield f"price {bounds} ({understood['phrase']}){applied}"
    if understood.get("excluded"):
        yield f"without: {', '.join(understood['excluded'])}"
    if understood.get("synonyms"):
        yield f"also: {', '.join(synonym for synonyms in understood['synonyms'].values() for synonym in synonyms)}"
