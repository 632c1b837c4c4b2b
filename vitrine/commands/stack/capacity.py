"""`vitrine capacity`: what a shop of some size takes."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vitrine.capacity.demand import Demand
from vitrine.capacity.machines import Machines
from vitrine.commands.options import INPUT_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vitrine.capacity.measured import Measured
    from vitrine.capacity.sizing import Plan

_PRICES = ("core_hour", "gb_hour", "gpu_hour", "disk_gb_month")
_MACHINES = tuple(one.name for one in fields(Machines) if one.name not in _PRICES)


@click.command(help="Size a deployment: partitions, workers, GPUs, Milvus, Redis, Kafka, and what they cost.")
@click.option("--products", type=float, required=True, help="In the index, such as 1e7.")
@click.option("--events", type=float, required=True, help="Events of products a second, at the peak.")
@click.option("--content", type=float, default=0.2, show_default=True, help="Share of them with new text or pictures.")
@click.option("--clicks", type=float, default=0.0, help="Events of shoppers a second.")
@click.option("--queries", type=float, default=0.0, help="Searches a second.")
@click.option("--cached", type=float, default=0.6, show_default=True, help="Share of them answered from the cache.")
@click.option("--shoppers", type=float, default=0.0, help="Whose profiles are kept.")
@click.option("--dim", type=int, default=128, show_default=True, help="Of an embedding: mini 128, standard 768.")
@click.option("--content-bytes", type=int, default=2_000, show_default=True, help="Of an event with text and pictures.")
@click.option("--gpu", is_flag=True, help="GPUs encode; else cores do.")
@click.option("--machine", multiple=True, metavar="NAME=VALUE", help=f"A size: {', '.join(_MACHINES)}.")
@click.option("--price", multiple=True, metavar="NAME=VALUE", help=f"A price: {', '.join(_PRICES)}.")
@click.option("--measured", type=INPUT_FILE, help="Service times of your own (TOML); what it lacks is as it ships.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(measured: Path | None, as_json: bool, **options: Any) -> None:
    from vitrine.capacity.measured import from_file, shipped
    from vitrine.capacity.sizing import plan

    times = from_file(measured) if measured else shipped()
    try:
        demand, machines = _demand(options), _machines(options)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(str(error)) from error
    found = plan(demand, times, machines)
    if as_json:
        click.echo(json.dumps(_report(demand, machines, times, found), indent=2))
    else:
        _print(times, found)


def _demand(options: Mapping[str, Any]) -> Demand:
    """Raises `ValueError` where there is no such shop."""
    return Demand(
        products=round(options["products"]),
        events_per_s=options["events"],
        content_share=options["content"],
        clicks_per_s=options["clicks"],
        queries_per_s=options["queries"],
        cached_share=options["cached"],
        shoppers=round(options["shoppers"]),
        dim=options["dim"],
        content_bytes=options["content_bytes"],
    )


def _machines(options: Mapping[str, Any]) -> Machines:
    """Raises `ValueError` where a name or a value is none."""
    given: dict[str, Any] = {"gpu": options["gpu"]}
    for flag, names in (("machine", _MACHINES), ("price", _PRICES)):
        for text in options[flag]:
            name, _, value = text.partition("=")
            if name not in names:
                raise ValueError(f"--{flag} {text}: no such name; there are {', '.join(names)}")
            kind = type(getattr(Machines(), name))
            try:
                given[name] = kind(value)
            except ValueError as error:
                raise ValueError(f"--{flag} {text}: {value!r} is no number") from error
    return Machines(**given)


def _report(demand: Demand, machines: Machines, measured: Measured, found: Plan) -> dict[str, Any]:
    return {
        "demand": asdict(demand),
        "machines": asdict(machines),
        "measured": {"where": measured.where, "assumed": list(measured.assumed)},
        **asdict(found),
    }


def _print(measured: Measured, found: Plan) -> None:
    from rich.console import Console
    from rich.table import Table

    from vitrine.terminal import cell

    table = Table("what", "how much", "why", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for need in found.needs:
        amount = f"{need.amount:,.1f}" if isinstance(need.amount, float) else f"{need.amount:,}"
        table.add_row(cell(need.what), cell(f"{amount} {need.unit}".strip()), cell(need.because))
    table.add_row(cell("cost a month"), cell(f"{found.cost_a_month:,.0f}"), cell("at the prices of --price"))
    Console().print(table)
    busy = ", ".join(f"{part} {cores:.2f}" for part, cores in found.busy.items())
    click.echo(f"\nCores busy at the peak: {busy}. Vectors are searched by {found.index}.")
    for limit in found.limits:
        click.echo(f"! {limit}")
    click.echo(f"Service times: {measured.where}.")
    if measured.assumed:
        click.echo(f"Not measured, but assumed: {', '.join(measured.assumed)}; put yours into a file for --measured.")
