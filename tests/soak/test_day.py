"""A day of a shop in minutes: night, morning and a sale, faults in each, and at its end the index is the oracle's.

`SOAK_DAY_SECONDS`: how long the day is, without what the faults add. Nothing may be lost, double or stale, nobody who
was forgotten may be anywhere, and no process may have grown.
"""

from __future__ import annotations

from pathlib import Path

from tests.chaos.shop import Scenario, Shop, open_shop
from tests.remains import dead_letters, redis_texts
from tests.soak.day import SECONDS, WORKERS, Day
from tests.soak.memory import Sample, chart, growth_mb

SETTLES_S = 90.0
LEAST_SAMPLES = 60
"""Of a process that is judged, about a second each: those that a fault ends sooner are not."""


def test_after_a_day_of_faults_the_index_is_what_the_events_say(tmp_path: Path) -> None:
    with open_shop(tmp_path, WORKERS) as shop:
        shop.wait_until_indexed(WORKERS)
        day = Day(shop, Scenario(shop, f"a day in {SECONDS:.0f} s", "day"))
        day.pass_by()
        print(day.run.check(WORKERS, settles_s=SETTLES_S))
        _check_forgotten(shop, day.persons)
        _check_memory(day.samples)


def _check_forgotten(shop: Shop, persons: list[str]) -> None:
    logs = (path.read_text(errors="replace") for path in (shop.stack.data_dir / "logs").rglob("*") if path.is_file())
    remains = "".join([redis_texts(shop.stack), dead_letters(shop.stack), *logs])
    assert not [person for person in persons if person in remains]


def _check_memory(samples: list[Sample]) -> None:
    grown: dict[str, float] = {}
    for name in sorted({name for sample in samples for name in sample.resident_mb}):
        known = [sample for sample in samples if name in sample.resident_mb]
        # What a process takes at first is not growth.
        steady = known[len(known) // 2 :]
        if len(known) >= LEAST_SAMPLES:
            grown[name] = growth_mb(steady, name) - max(20.0, 0.05 * steady[0].resident_mb[name])
            print(f"{chart(known, name)}, growth {growth_mb(steady, name):.1f} MB in its second half")
    assert grown and max(grown.values()) <= 0, grown
