"""Speed that a change must not lose: two ratios against their baselines in the same run; about 3 minutes.

`make bench-guard`, a part of `.ci/run`. Below three quarters of its record a ratio is measured again; it has to be
below twice, as a machine that is busy with something else may be slow once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench.catalogue import Catalogue
from tests.bench.conftest import ENCODER, EVENTS
from tests.bench.contenders import measure_speeds
from tests.bench.cores import Cores
from tests.bench.query.generator import Order
from tests.bench.query.hot_queries import BARE_PATHS, hot_paths, saturated, store_answers
from tests.bench.query.listings import Listings
from tests.bench.query.rounds import in_turns, ratio
from tests.bench.query.services import bare_service, open_searched_shop, open_worker
from tests.bench.records import TOLERATED, read_records
from tests.bench.report import Ratio, Target, publish_report
from tests.bench.shop import Servers, Shop, open_shop

LISTINGS = 1_000
ROUNDS = 2


def test_cached_searches_stay_near_bare_redis(tmp_path: Path):
    listings, cores = Listings.of(ENCODER, LISTINGS), Cores.choose()
    with open_searched_shop(tmp_path, ENCODER, listings) as servers, servers.confined(cores):
        _hold("guard: cached", lambda: _cached(servers, cores, listings))


def test_the_pipeline_stays_near_its_encoder(tmp_path: Path):
    cores = Cores.choose()
    with open_shop(tmp_path, Catalogue(), ENCODER, partitions=3) as shop:
        _hold("guard: pipeline", lambda: _pipeline(shop, cores))


def _hold(name: str, measure: Callable[[], Ratio]) -> None:
    """Fail if a ratio has fallen, twice in a row."""
    record = read_records()[name]
    measured = [measure()]
    if record.has_fallen(measured[0].median):
        measured.append(measure())
    best = max(one.median for one in measured)
    target = Target(name, best, TOLERATED * record.value)
    rows = [(number, str(one)) for number, one in enumerate(measured, 1)]
    file = name.replace(": ", "-")
    publish_report(
        file, ["measured", "ratio [least, greatest]"], rows, [target], record=record.value, ratios={name: best}
    )
    on_record = f"on record {record.value:.3g} ({record.commit}, {record.date})"
    assert not record.has_fallen(best), f"{record.what}: {' and '.join(map(str, measured))}, {on_record}"


def _cached(servers: Servers, cores: Cores, listings: Listings) -> Ratio:
    paths = hot_paths(listings)
    with open_worker(servers, cores) as worker, bare_service(cores, servers.redis) as bare_url:
        store_answers(servers, worker.url, paths)
        orders = {"bare": Order(bare_url, BARE_PATHS), "anonymous": Order(worker.url, paths)}
        rounds = in_turns({name: partial(saturated, order) for name, order in orders.items()}, rounds=2 * ROUNDS)
    return ratio(rounds, "anonymous", "bare")


def _pipeline(shop: Shop, cores: Cores) -> Ratio:
    speeds = measure_speeds(shop, cores, ("encode", "vitrine"), EVENTS, ROUNDS)
    return Ratio.of([one / bare for one, bare in zip(speeds["vitrine"], speeds["encode"], strict=True)])
