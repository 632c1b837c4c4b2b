"""Price changes a second, against bare calls that read and write the same rows; and nothing is encoded."""

from __future__ import annotations

import json
import statistics

from tests.bench.contenders import PriceRun, run_baseline
from tests.bench.cores import Cores
from tests.bench.report import RUNS, Target, publish_report
from tests.bench.shop import Shop


def test_price_changes_cost_little_more_than_the_store(shop: Shop, confined: Cores, price_runs: list[PriceRun]):
    bare = json.loads(run_baseline(shop, "upsert", confined, "--count", str(RUNS)))
    best = {f"bare get + upsert, {size} rows a call": speed for size, speed in bare.items()}
    ours = statistics.median(price_run.rows_per_s for price_run in price_runs)
    encoded = sum(price_run.encoded for price_run in price_runs)
    targets = [
        Target("rows/s of the best bare calls", ours / max(best.values()), 0.6),
        Target("inputs encoded", encoded, 0.0, at_most=True),
    ]
    publish_report(
        "scalar-updates",
        ["what", "rows/s"],
        [*best.items(), ("vitrine", ours)],
        targets,
        ratios={"scalar": targets[0].value},
    )
    assert encoded == 0
