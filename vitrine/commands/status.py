"""`vitrine status`: what runs, what is indexed, how far behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings

if TYPE_CHECKING:
    from vitrine.settings import Settings


@click.command(help="Health, lag, counts and versions. The exit code is 1 when something is wrong.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings()
def command(settings: Settings, as_json: bool) -> None:
    import json

    from vitrine.status import status

    found = asyncio.run(status(settings))
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _print(found)
    if not found["healthy"]:
        raise click.exceptions.Exit(1)


def _print(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False)
    for name, value in _rows(found):
        table.add_row(name, value)
    console = Console()
    console.print(table)
    for problem in found["problems"]:
        console.print(f"! {problem}", markup=False)


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, key in (("kafka", "bootstrap_servers"), ("milvus", "uri"), ("redis", "url")):
        server = found[name]
        pid = f"  (pid {server['pid']})" if "pid" in server else ""
        rows.append((name, f"{server[key] or 'not running'}{pid}"))
    for kind in ("indexing_workers", "query_workers"):
        rows += [(one["name"], f"{one['url']}  (pid {one['pid']})") for one in found[kind]]
    products = found["products"] or {}
    age = found["index_age_ms"]
    lag = {topic: sum(partitions.values()) for topic, partitions in (found["lag"] or {}).items()}
    rows += [
        ("products", f"{products.get('searchable', '?')} searchable, {products.get('incomplete', '?')} incomplete"),
        ("lag", ", ".join(f"{topic} {count}" for topic, count in lag.items()) or "?"),
        ("index age", "?" if age is None else f"{age} ms"),
        ("generation", found["generation"] or "?"),
        ("encoder", found["encoder"] or "?"),
    ]
    return rows
