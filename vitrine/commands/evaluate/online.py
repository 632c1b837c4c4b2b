"""`vitrine eval online`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vitrine.commands.click_logs import LOG_OPTION, read_click_log
from vitrine.commands.evaluate.report_files import REPORTS_DIR, to_json_values, write_report
from vitrine.commands.options import OUTPUT_FILE, with_settings

if TYPE_CHECKING:
    from query_api.evaluation.online import VariantReport
    from vitrine.settings import Settings


@click.command()
@LOG_OPTION
@click.option("--prices/--no-prices", default=True, help="Read what products cost from the topic of product events.")
@click.option("--guard", is_flag=True, help="Switch off variants that are worse than the first with 99 % confidence.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resampling.")
@click.option("--json", "json_file", type=OUTPUT_FILE, default=REPORTS_DIR / "eval-online.json", show_default=True)
@with_settings()
def command(settings: Settings, logs: tuple[Path, ...], prices: bool, guard: bool, seed: int, json_file: Path) -> None:
    """Measure what shoppers choose of their answers: clicks, places, coverage and revenue, by variant.

    With an experiment configured, of the shoppers who take part in it, and against its first variant.
    """
    from query_api.evaluation.online import report_variants
    from query_api.experiments.experiment import read_experiment
    from vitrine.errors import VitrineError

    experiment = read_experiment(settings.query.experiment) if settings.query.experiment else None
    if guard and experiment is None:
        raise VitrineError("--guard needs an experiment: query.experiment names its file")
    labels = [experiment.label(variant) for variant in experiment.variants] if experiment else []
    answers = [answer for answer in read_click_log(settings, logs) if not labels or answer.variant in labels]
    if not answers:
        raise VitrineError("no such answer is remembered: query.impressions is the share of them that is")
    are_bought = any("purchased" in answer.chosen.values() for answer in answers)
    known = asyncio.run(_prices(settings)) if prices and are_bought else {}
    reports = report_variants(answers, known, labels[0] if labels else "", seed)
    write_report(json_file, json.dumps(to_json_values(reports), indent=2))
    _print(reports)
    worse = [report.variant for report in reports if report.is_worse]
    for label in worse:
        click.echo(f"{label} is worse than the first with 99 % confidence" + (": switched off" if guard else ""))
    if guard and worse:
        asyncio.run(_switch_off(settings, worse))


async def _switch_off(settings: Settings, labels: list[str]) -> None:
    from dataclasses import replace

    from indexer.redis.client import open_redis
    from indexer.redis.switches import RedisVariantSwitches
    from vitrine.stack.servers import redis_url

    async with open_redis(replace(settings.redis, url=redis_url(settings))) as redis:
        for label in labels:
            experiment, _, variant = label.partition("/")
            await RedisVariantSwitches(redis, 5).switch_off(experiment, variant)


async def _prices(settings: Settings) -> Mapping[str, float]:
    from streams.products.topic_states import read_product_states
    from vitrine.stack.servers import reachable_kafka

    states = await read_product_states(reachable_kafka(settings))
    return {product_id: float(price) for product_id, state in states.items() if (price := state.fields.get("price"))}


def _print(reports: list[VariantReport]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("", *(report.variant or "(no variant)" for report in reports), box=box.SIMPLE_HEAD)
    table.add_row("answers", *(str(report.answers) for report in reports))
    table.add_row("people", *(str(report.visitors) for report in reports))
    for measure in reports[0].measures:
        table.add_row(measure, *(str(report.measures[measure]) for report in reports))
        if len(reports) > 1:
            cells = (report.differences.get(measure) for report in reports)
            table.add_row("  more than the first", *("" if cell is None else cell.signed() for cell in cells))
    table.add_row("coverage", *(f"{report.coverage:.3f}" for report in reports))
    Console(highlight=False, width=140).print(table)
