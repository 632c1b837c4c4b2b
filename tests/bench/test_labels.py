"""Labels and duplicates against the truth: how many are suggested and right, and what looking them up costs."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders.loading import load_encoder
from encoders.port import Encoder
from encoders.processes.encoder import ThreadEncoder
from indexer.labels.near_duplicates import compared_product, duplicate_pairs
from indexer.labels.suggestions import LabelCandidate, is_correct
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.store import open_active_store
from indexer.records import IndexRow, Suggestion
from indexer.stated_labels import stated_labels, without_label
from streams.config import LabellingConfig
from streams.labels.calibration import LabelCalibrator
from streams.labels.labelling import Labeller
from streams.labels.neighbours import NeighbourSearch
from tests import milvus3
from tests.bench.labelled import Item, esci_items, index_rows, listed_again, real_items, rendered_items
from tests.bench.report import Target, publish_report

PRODUCTS = int(os.environ.get("BENCH_PRODUCTS", "1200"))
ENCODER = os.environ.get("BENCH_ENCODER", "mini")
OPEN_SHARE = 0.1
ACCEPT = 0.9
BATCH = 64
WANTED: Mapping[str, tuple[str, ...]] = {
    "rendered": ("category", "brand", "attributes.colour", "attributes.material"),
    "real shops": ("category", "attributes.colour"),
    "ESCI": ("category", "brand"),
}
ITEMS = {"rendered": lambda: rendered_items(PRODUCTS), "real shops": real_items, "ESCI": esci_items}
Outcome = tuple[Suggestion, bool, bool]
"""A suggestion, whether it is right, and whether it is all that is stated and not a path above."""


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(ENCODER, "cpu")


def test_suggestions_are_as_often_right_as_they_say(encoder: Encoder, tmp_path: Path):
    rows: list[tuple[Any, ...]] = []
    outcomes: list[Outcome] = []
    cost: dict[str, float] = {}
    for name, make in ITEMS.items():
        items = make()
        indexed = index_rows(items, encoder)
        for field in WANTED[name] if items else ():
            directory = tmp_path / f"{name}-{field}"
            directory.mkdir()
            with milvus3.lite_2_5(directory) as address:
                config = MilvusConfig(address, deadline_s=60.0, lite_database=str(directory / "test.db"))
                found, cost[name] = asyncio.run(_labelled(items, indexed, field, encoder, config))
            rows.append((name, field, len(found), *_figures(found, 0.5), *_figures(found, ACCEPT)))
            outcomes += [one for suggestion in found for one in suggestion]
    columns = ["catalogue", "field", "open", "suggested", "right", "exact", "accepted", "right ", "exact "]
    accepted = [right for outcome, right, _ in outcomes if outcome.confidence >= ACCEPT]
    targets = [Target(f"right where accepted above {ACCEPT}", float(np.mean(accepted)), ACCEPT)]
    publish_report("labels", columns, rows, targets, reliability=_reliability(outcomes), ms_a_product=cost)
    print("confidence  suggestions  right", *_reliability(outcomes), f"ms a product: {cost}", sep="\n")


def test_listings_of_the_same_goods_are_found(encoder: Encoder):
    rows: list[tuple[Any, ...]] = []
    targets: list[Target] = []
    for name in ("rendered", "real shops"):
        rng, items = random.Random(5), ITEMS[name]()
        if not items:
            continue
        again = [listed_again(item, rng) for item in rng.sample(items, min(150, len(items)))]
        made = index_rows([*items, *again], encoder)
        found = _pairs(made, encoder)
        true = {(f"again-{pair}", pair) for pair in (one.product_id.removeprefix("again-") for one in again)}
        hit, among = len(found & true), [suggestion for suggestion in found if suggestion[0].startswith("again-")]
        rows.append((name, len(true), hit / len(true), hit / max(1, len(among)), len(found) - len(among)))
        targets.append(Target(f"recall, {name}", hit / len(true), 0.9))
        targets.append(Target(f"precision among listings again, {name}", hit / max(1, len(among)), 0.9))
    publish_report("duplicates", ["catalogue", "listed again", "recall", "precision", "other pairs"], rows, targets)


async def _labelled(
    items: Sequence[Item], indexed: Sequence[IndexRow], field: str, encoder: Encoder, config: MilvusConfig
) -> tuple[list[list[Outcome]], float]:
    """What is suggested for a tenth of the products, of which a field was dropped; and ms a product."""
    stating = [item for item in items if field in stated_labels(item.fields)]
    opened = random.Random(3).sample(stating, round(len(stating) * OPEN_SHARE))
    names = {item.product_id for item in opened}
    store = await open_active_store(config, encoder.spec, create=True)
    settings = LabellingConfig(fields=(field,), accept_above=ACCEPT)
    neighbourhood = NeighbourSearch(store, encoder.spec)
    labeller = Labeller(neighbourhood, encoder.spec, settings)
    with ThreadPoolExecutor(1) as thread:
        try:
            await store.write([row for row in indexed if row.product_id not in names])
            calibrator = LabelCalibrator(store, ThreadEncoder(encoder, thread), neighbourhood, labeller, settings)
            await calibrator.measure()
            bare = index_rows([replace(item, fields=without_label(item.fields, field)) for item in opened], encoder)
            started = time.perf_counter()
            labelled = [row for at in range(0, len(bare), BATCH) for row in await labeller.label(bare[at : at + BATCH])]
            took_ms = (time.perf_counter() - started) * 1000 / len(bare)
        finally:
            await store.close()
    return [_outcomes(row, item) for row, item in zip(labelled, opened, strict=True)], round(took_ms, 2)


def _outcomes(row: IndexRow, item: Item) -> list[Outcome]:
    truth = stated_labels(item.fields)
    return [
        (
            suggestion,
            is_correct(LabelCandidate(suggestion.field, suggestion.value, ()), truth),
            suggestion.value in truth[suggestion.field],
        )
        for suggestion in row.stored.suggestions
    ]


def _figures(found: Sequence[Sequence[Outcome]], above: float) -> tuple[float, float, float]:
    """The share of products with a suggestion that is so sure; how many are right, and how many exact."""
    first = [sure[0] for suggestion in found if (sure := [one for one in suggestion if one[0].confidence >= above])]
    right, exact = ([float(one[at]) for one in first] for at in (1, 2))
    return len(first) / len(found), _mean(right), _mean(exact)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _reliability(outcomes: Sequence[Outcome]) -> list[tuple[str, int, float]]:
    """By confidence, how many suggestions there are and how many are right."""
    bins: dict[int, list[float]] = defaultdict(list)
    for outcome, right, _ in outcomes:
        bins[int(outcome.confidence * 10)].append(float(right))
    return [(f"{at / 10:.1f}–{at / 10 + 0.1:.1f}", len(bins[at]), round(_mean(bins[at]), 3)) for at in sorted(bins)]


def _pairs(rows: Sequence[IndexRow], encoder: Encoder) -> set[tuple[str, str]]:
    """Pairs of duplicates, listings again first."""
    fields = [row.stored.state.fields for row in rows]
    listings = [
        compared_product(
            row.product_id, one["title"], stated_labels(one), one.get("group_id"), bool(row.stored.image_keys)
        )
        for row, one in zip(rows, fields, strict=True)
    ]
    found = duplicate_pairs(encoder.spec, listings, np.stack([row.vector for row in rows]))
    names = [[rows[at].product_id for at in pair] for pair in found]
    return {(first, last) for first, last in map(sorted, names)}
