"""Workers of the released version replaced one by one, under load, and put back."""

from __future__ import annotations

import asyncio

from tests.chaos.comparing import compare, end_offsets
from tests.chaos.load import Load, Stream
from tests.upgrade.fleet import Fleet
from tests.upgrade.versions import NEW, Version

EVENTS, RATE = 1_000, 80.0
"""While one worker is replaced, and how many a second."""
WORKERS = 2


def test_an_upgrade_a_rollback_and_an_upgrade_under_load_lose_nothing(fleet: Fleet, old: Version):
    workers = [fleet.start(old) for _ in range(WORKERS)]
    since = asyncio.run(end_offsets(fleet.servers.kafka))
    stream = Stream("up", seed=19)
    for version in (NEW, old, NEW):
        for place, worker in enumerate(workers):
            with Load(fleet.servers.kafka, stream.messages(EVENTS), RATE) as load:
                load.wait(EVENTS // 10)
                workers[place] = fleet.replace(worker, version)
    fleet.wait_until_indexed()
    fleet.restore_profiles()
    report = asyncio.run(compare("upgrade, rollback, upgrade", fleet.servers, "up", since))
    assert report.is_clean, report
