"""`vitrine explain`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings
from vitrine.terminal import cell, json_text

if TYPE_CHECKING:
    from rich.table import Table

    from vitrine.settings import Settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PARTS = ("text", "image", "lexical", "personal", "ranker")
_TERMS_SHOWN = 8


@click.command()
@click.argument("query_and_product", nargs=-1, required=True, metavar="[QUERY] PRODUCT")
@click.option("--image", type=_FILE, help="A photo that is searched with.")
@click.option("--audio", type=_FILE, help="A spoken query that is searched with.")
@click.option("--video", type=_FILE, help="A clip that is searched with.")
@click.option("--like", metavar="ID", help="A product that is searched with.")
@click.option("--user", help="Whose taste orders the results.")
@click.option("-k", "k", type=click.IntRange(1, 100), default=10, show_default=True, help="How many hits a page has.")
@click.option("--mode", type=click.Choice(["hybrid", "dense", "lexical"]), help="How to compare (default: hybrid).")
@click.option("--sort", type=click.Choice(["relevance", "price", "-price", "newest"]), help="Order of the results.")
@click.option("--floor", type=click.FloatRange(0, 10), help="What has to be reached to match: 1 as learnt, 0 nothing.")
@click.option("--group", is_flag=True, help="Just the best of each group of variants.")
@click.option(
    "--filter", "expressions", multiple=True, metavar="EXPR", help="price<50, brand=A,B, attributes.colour=red"
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@with_settings()
def command(
    settings: Settings,
    query_and_product: tuple[str, ...],
    image: Path | None,
    audio: Path | None,
    video: Path | None,
    like: str | None,
    expressions: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Say where a product stands in a search, or why it is not in it.

    QUERY is the words that are searched with, PRODUCT the product's id. Nothing comes from the cache.
    """
    if len(query_and_product) > 2:
        raise click.UsageError("give one QUERY, in quotes if it has blanks, and one PRODUCT")
    text, product = query_and_product if len(query_and_product) == 2 else (None, *query_and_product)
    files = {"image": image, "audio": audio, "video": video}
    if not any((text, *files.values(), like, expressions)):
        raise click.UsageError("give QUERY, --image, --audio, --video, --like or --filter, and PRODUCT last")
    query = _query(options) | {"product_id": like, "filters": _filters(expressions) or None}
    query |= {name: path.read_bytes() for name, path in files.items() if path}
    answer = _explain(settings, product, text, query)
    if as_json:
        click.echo(json_text(answer))
    else:
        _print(answer)


def _query(options: dict[str, Any]) -> dict[str, Any]:
    """The options that are fields of the request by themselves."""
    return {"user_id" if name == "user" else name: None if value is False else value for name, value in options.items()}


def _filters(expressions: tuple[str, ...]) -> dict[str, Any]:
    from vitrine.commands.search.filter_expressions import parse_filter_expressions

    try:
        return parse_filter_expressions(expressions)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--filter") from error


def _explain(settings: Settings, product: str, text: str | None, query: dict[str, Any]) -> dict[str, Any]:
    from vitrine.stack.servers import connect_client

    with connect_client(settings) as client:
        return client.explain(product, text, **query)


def _print(answer: dict[str, Any]) -> None:
    from rich.console import Console

    # No width of its own: a sentence is one line wherever it goes.
    console = Console(highlight=False, soft_wrap=True)
    for line in _sentences(answer):
        console.print(cell(line))
    if answer["place"]:
        console.print(_table(answer))
        for line in _words(answer["place"]["explanation"]["terms"]):
            console.print(cell(line))
    for note in answer["notes"]:
        console.print(cell(f"note: {note['detail']}"))
    console.print(cell(_footer(answer), "dim"))


def _sentences(answer: dict[str, Any]) -> Iterator[str]:
    product, place = answer["product_id"], answer["place"]
    if answer["verdict"] == "shown":
        yield f"{product} is hit {place['rank']} of {answer['total']:,}."
        return
    heads = {"on_another_page": "is on another page", "filtered": "is filtered out"}
    yield f"{product} {heads.get(answer['verdict'], 'is not in the results')}:"
    for reason in answer["reasons"]:
        yield f"  - {reason['detail']}"
    if answer["verdict"] == "filtered" and place and place["rank"]:
        yield f"  without these filters it would be at the place of hit {place['rank']:,}"


def _table(answer: dict[str, Any]) -> Table:
    """The parts of its score beside those of the last hit of the page and of the last of all."""
    from rich import box
    from rich.table import Table

    table = Table("hit", "score", *_PARTS, "product", box=box.SIMPLE_HEAD)
    places = {place["product_id"]: place for place in (answer["last"], answer["hit"], answer["place"]) if place}
    for place in sorted(places.values(), key=lambda place: place["rank"] or 0):
        rank = "" if place["rank"] is None else f"{place['rank']:,}"
        numbers = [place["score"], *(place["explanation"][part] for part in _PARTS)]
        style = "bold" if place["product_id"] == answer["product_id"] else ""
        table.add_row(rank, *(f"{number:.3f}" for number in numbers), cell(place["product_id"]), style=style)
    return table


def _words(terms: list[dict[str, Any]]) -> Iterator[str]:
    for term in terms[:_TERMS_SHOWN]:
        yield f"  {term['score']:.3f}  {term['term']}  in {', '.join(term['fields']) or 'no field now'}"
    if len(terms) > _TERMS_SHOWN:
        yield f"  {sum(term['score'] for term in terms[_TERMS_SHOWN:]):.3f}  {len(terms) - _TERMS_SHOWN} more words"


def _footer(answer: dict[str, Any]) -> str:
    indexed = answer["indexed"]
    known = [f"version {indexed['version']}", f"last event {indexed['last_event']}"] if indexed else []
    return " · ".join([*known, f"{answer['total']:,} found", answer["generation"]])
