"""What the two versions do not share, and what `docs/operations.md` tells to do about it."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.shoppers.profiles import RedisProfileStore
from tests.chaos.comparing import rows
from tests.chaos.load import Outgoing, event, outgoing, publish
from tests.histories import recent
from tests.oracle import PRODUCTS
from tests.upgrade.fleet import Fleet
from tests.upgrade.versions import NEW, Version


def viewed(id: str, user_id: str, product_id: str, **more: Any) -> Outgoing:
    """An event of a shopper who looks at a product."""
    return outgoing(event(id, "user.viewed", {"user_id": user_id, "product_id": product_id}, **more))


def told(fleet: Fleet, *messages: Outgoing) -> None:
    """Publish, and wait until nothing waits."""
    publish(fleet.servers.kafka, messages)
    fleet.wait_until_indexed()


def history(fleet: Fleet, user_id: str) -> list[str]:
    """Ids of the events that are known of a shopper, and of whoever they were before."""

    async def read() -> list[str]:
        redis = connect_redis(RedisConfig(url=fleet.servers.redis, deadline_s=5))
        try:
            return [interaction.event_id for interaction in await recent(RedisProfileStore(redis, 5), user_id)]
        finally:
            await redis.aclose()

    return asyncio.run(read())


def test_events_that_the_released_version_refuses_are_replayed_by_this_one(fleet: Fleet, old: Version):
    worker = fleet.start(old)
    told(
        fleet,
        outgoing(event("p1", "product.created", {"product_id": "x-1", "title": "Kettle", "categories": ["Home/Tea"]})),
        outgoing(event("p2", "product.created", {"product_id": "x-2", "title": "Lamp"})),
        viewed("v1", "anonymous", "x-1"),
        outgoing(event("i1", "user.identified", {"user_id": "ada", "anonymous_id": "anonymous"})),
    )
    told(fleet, Outgoing(PRODUCTS, b"x-2", None))
    fleet.replace(worker, NEW)
    assert {row["product_id"]: row["deleted"] for row in rows(fleet.servers.milvus, "x")} == {"x-2": False}
    assert fleet.command(NEW, "dlq", "replay").startswith("replayed 3 (")
    fleet.wait_until_indexed()
    assert {row["product_id"]: row["deleted"] for row in rows(fleet.servers.milvus, "x")} == {"x-1": False, "x-2": True}
    assert history(fleet, "ada") == ["v1"]


def test_who_was_forgotten_is_forgotten_again_once_profiles_are_restored(fleet: Fleet, old: Version):
    worker = fleet.replace(fleet.start(old), NEW)
    told(fleet, viewed("v1", "bea", "y-1"), outgoing(event("f1", "user.forgotten", {"user_id": "bea"})))
    assert history(fleet, "bea") == []
    before = datetime.fromtimestamp(time.time() - 600, UTC).isoformat()
    worker = fleet.replace(worker, old)
    told(fleet, viewed("late", "bea", "y-2", time=before), viewed("v2", "bea", "y-3"))
    # The released version looks for what is remembered of the forgotten where it kept it itself.
    assert history(fleet, "bea") == ["v2", "late"]
    fleet.replace(worker, NEW)
    fleet.restore_profiles()
    assert history(fleet, "bea") == ["v2"]


def test_the_released_version_knows_no_setting_but_those_that_this_one_has(fleet: Fleet, old: Version):
    worker = fleet.launch(old, "query", VITRINE_QUERY_OPEN="true")
    assert worker.process.wait(60) == 2
    assert "unknown environment variable VITRINE_QUERY_OPEN" in worker.log.read_text()
    known = [set(json.loads(fleet.command(version, "config", "--json"))) for version in (old, NEW)]
    assert known[0] < known[1]
