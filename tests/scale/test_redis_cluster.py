"""A shop on a Redis Cluster of six servers, of which one is killed under load, one freezes, and slots move."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx

from tests.chaos.load import Load, Stream
from tests.chaos.shop import Scenario, open_shop
from tests.redis_cluster import RedisCluster, redis_cluster

EVENTS, RATE = 3_000, 100.0
"""In all, and how many a second."""
PEOPLE, PRODUCTS, CHANGES = "{people}", "{4}", "{changes:x}"
"""Names in the slot of all that is known of people, and in others."""


def test_nothing_is_lost_or_counted_twice_when_a_server_dies_and_slots_move(tmp_path: Path) -> None:
    with (
        redis_cluster(tmp_path / "redis") as cluster,
        open_shop(tmp_path / "shop", settings={"VITRINE_REDIS_URL": cluster.url}) as shop,
    ):
        shop.wait_until_indexed()
        run = Scenario(shop, "a Redis Cluster: slots moved, a server killed", "r1")
        with Load(shop.servers.kafka, Stream(run.prefix, seed=22).messages(EVENTS), RATE) as load:
            load.wait(EVENTS // 5)
            _move(cluster, PEOPLE)
            load.wait(2 * EVENTS // 5)
            print(f"a replica took the place of a killed server after {_kill(cluster, PEOPLE):.1f} s")
            load.wait(3 * EVENTS // 5)
            _move(cluster, PRODUCTS)
            load.wait(4 * EVENTS // 5)
            print(f"… of a frozen one after {_freeze(cluster, CHANGES):.1f} s")
        report = run.check(settles_s=60)
        found = httpx.get(f"{shop.stack.url}/v1/search", params={"q": "kettle"}, trust_env=False).json()
        print(report)
    assert found["hits"] and not found.get("degraded"), found


def _move(cluster: RedisCluster, key: str) -> None:
    with cluster.moving(key):
        # The fault itself: that long, what it would write waits.
        time.sleep(2)


def _freeze(cluster: RedisCluster, key: str) -> float:
    """Stop the server that has a key without its connections breaking; how long until another one has it, seconds."""
    frozen, began = cluster.port_of(key), time.monotonic()
    process = cluster.processes[frozen]
    process.send_signal(signal.SIGSTOP)
    try:
        while cluster.port_of(key, apart_from=frozen) in (0, frozen):
            time.sleep(0.05)
        return time.monotonic() - began
    finally:
        process.send_signal(signal.SIGCONT)


def _kill(cluster: RedisCluster, key: str) -> float:
    """Kill the server that has a key; how long until another one has it, seconds."""
    killed, began = cluster.port_of(key), time.monotonic()
    cluster.processes[killed].kill()
    cluster.processes[killed].wait()
    while cluster.port_of(key) in (0, killed):
        time.sleep(0.05)
    return time.monotonic() - began
