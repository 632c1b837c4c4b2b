"""Products a second: against a bare loop that decodes and encodes, and against the plain ways to do all the work."""

from __future__ import annotations

from tests.bench.catalogue import Catalogue
from tests.bench.contenders import Baseline, Contender, Ours
from tests.bench.cores import ACCELERATED, Cores
from tests.bench.report import Target, percentiles, publish_report
from tests.bench.shop import Shop

STEADY_S = 15.0
WARM_UP_S = 6.0
EFFICIENCY = 0.90 if ACCELERATED else 0.95


def test_the_pipeline_is_nearly_as_fast_as_its_encoder(capacities: dict[str, float]):
    efficiency = Target("products/s of the bare loop", capacities["vitrine"] / capacities["encode"], EFFICIENCY)
    publish_report("pipeline-efficiency", ["what", "products/s"], list(capacities.items()), [efficiency])


def test_it_beats_the_plain_ways(shop: Shop, catalogue: Catalogue, confined: Cores, capacities: dict[str, float]):
    contenders = [Ours(shop, confined), Baseline(shop, confined, "loop"), Baseline(shop, confined, "take")]
    rate = min(capacities[one.name] for one in contenders) / 2
    latencies = {one.name: percentiles(_at(rate, one, catalogue)) for one in contenders}
    rows = [(name, capacities[name], *one.values()) for name, one in latencies.items()]
    ours = latencies["vitrine"]["p99_ms"]
    targets = [
        target
        for name in ("loop", "take")
        for target in (
            Target(f"products/s of {name}", capacities["vitrine"] / capacities[name], 1.1),
            Target(f"p99 of {name}", ours / latencies[name]["p99_ms"], 0.5, at_most=True),
        )
    ]
    columns = ["who", "products/s", "p50 ms at half load", "p99 ms at half load"]
    publish_report("baselines", columns, rows, targets, half_load_products_per_s=round(rate, 1))


def _at(rate: float, contender: Contender, catalogue: Catalogue) -> list[float]:
    warm_up = int(rate * WARM_UP_S)
    messages = catalogue.restatements(warm_up + int(rate * STEADY_S))
    return contender.latencies_ms(messages[:warm_up], messages[warm_up:], rate)
