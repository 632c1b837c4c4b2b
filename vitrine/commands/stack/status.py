"""`vitrine status`: what runs, what is indexed, how far behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from vitrine.commands.options import with_settings
from vitrine.terminal import cell, printable, printable_lines

if TYPE_CHECKING:
    from rich.console import Group

    from vitrine.settings import Settings


@click.command(help="Health, lag, counts and versions. The exit code is 1 when something is wrong.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--watch", is_flag=True, help="Refresh every second until Ctrl+C.")
@with_settings()
def command(settings: Settings, as_json: bool, watch: bool) -> None:
    import json

    from rich.console import Console

    from vitrine.stack.status import read_status

    if watch:
        _watch(settings)
        return
    status = asyncio.run(read_status(settings))
    if as_json:
        click.echo(json.dumps(status, indent=2))
    else:
        Console().print(_table(status))
    if not status["healthy"]:
        raise click.exceptions.Exit(1)


def _watch(settings: Settings) -> None:
    import time

    from rich.live import Live

    from vitrine.stack.status import read_status

    with Live(auto_refresh=False) as live:
        while True:
            live.update(_table(asyncio.run(read_status(settings))), refresh=True)
            time.sleep(1)


def _table(status: dict[str, Any]) -> Group:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False)
    for name, value in _rows(status):
        table.add_row(printable(name), Text(printable_lines(value)))
    return Group(table, *(cell(f"! {problem}") for problem in status["problems"]))


def _rows(status: dict[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, key in (("kafka", "bootstrap_servers"), ("milvus", "uri"), ("redis", "url")):
        server = status[name]
        pid = f"  (pid {server['pid']})" if "pid" in server else ""
        rows.append((name, f"{server[key] or 'not running'}{pid}"))
    for kind in ("encoder_services", "indexing_workers", "standby_workers", "query_workers"):
        rows += [(worker["name"], f"{worker['url']}  (pid {worker['pid']})") for worker in status[kind]]
    products = status["products"] or {}
    age = status["index_age_ms"]
    rows += [
        ("products", f"{products.get('searchable', '?')} searchable, {products.get('incomplete', '?')} incomplete"),
        ("lag", "\n".join(_lag(topic, waiting) for topic, waiting in (status["lag"] or {}).items()) or "?"),
        ("index age", "?" if age is None else f"{age} ms"),
        ("event to searchable", "\n".join(_times(*times) for times in status["freshness"].items()) or "no events yet"),
        ("generation", status["generation"] or "?"),
        ("encoder", status["encoder"] or "?"),
    ]
    return rows


def _lag(topic: str, partitions: dict[str, int]) -> str:
    return f"{topic} {sum(partitions.values())}  (by partition: {' '.join(map(str, partitions.values()))})"


def _times(change: str, summary: dict[str, Any]) -> str:
    times = summary["since_kafka"]
    return f"{change}: {summary['events']} events, p50 {_ms(times['p50_ms'])}, p99 {_ms(times['p99_ms'])}"


def _ms(value: int | None) -> str:
    return "over 2 h" if value is None else f"{value} ms"
