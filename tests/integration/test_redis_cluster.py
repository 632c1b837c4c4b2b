"""A Redis Cluster of six servers: slots move and servers are replaced beneath the stores, and roles need no more."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trustme
from redis.asyncio import Redis

from deploy.local.processes import free_port
from indexer.errors import AccessDenied, StoreUnavailable
from indexer.ports.profiles import Identification, Interaction
from indexer.privacy import PrivacyConfig
from indexer.redis.behaviour.store import RedisBehaviourStore
from indexer.redis.change_log import RedisChangeLog
from indexer.redis.client import RedisConfig, open_redis
from indexer.redis.inspection import inspect_redis
from indexer.redis.sharding import Parts, people_tag
from indexer.redis.shared_counts import RedisSharedCounts
from indexer.redis.shoppers.person_keys import RedisPersonKeys
from indexer.redis.shoppers.profiles import RedisProfileStore
from indexer.redis.shoppers.restore_lease import RedisRestoreLease
from query_api.generations.worker_status import WorkerStatus, WorkerStatusBoard
from tests.paths import ROOT
from tests.redis_cluster import RedisCluster, redis_cluster, redis_server
from tests.secure_redis import write_certificate

NOW_MS = int(time.time() * 1000)
CLICKS = [(f"u{at}", Interaction(f"e{at}", "clicked", f"p{at % 7}", NOW_MS, "s", "one")) for at in range(64)]
PEOPLE = "vitrine:user:{people}:"


@pytest.fixture
async def redis(redis_servers: RedisCluster) -> AsyncIterator[Redis]:
    async with open_redis(RedisConfig(redis_servers.url, deadline_s=5)) as client:
        await client.flushdb()
        yield client


@pytest.fixture
def users(redis_servers: RedisCluster) -> Iterator[None]:
    lines = (ROOT / "deploy" / "redis" / "users.txt").read_text().replace("PASSWORD", "secret").splitlines()
    for port in redis_servers.ports:
        for line in lines:
            redis_servers.cli(port, *line.split())
    yield
    for port in redis_servers.ports:
        redis_servers.cli(port, "ACL", "DELUSER", *(line.split()[2] for line in lines))


async def test_a_cluster_and_another_redis_are_told_apart_in_one_sentence(tmp_path: Path) -> None:
    port = free_port()
    with redis_cluster(tmp_path / "cluster", servers=1) as alone, redis_server(tmp_path / "other", port):
        unnamed = f"redis://127.0.0.1:{alone.ports[0]}", r"this Redis is a cluster, .* redis\+cluster://host:port"
        none = f"redis+cluster://127.0.0.1:{port}", "says that this Redis is a cluster, and it is none"
        for url, said in (unnamed, none):
            with pytest.raises(AccessDenied, match=said):
                async with open_redis(RedisConfig(url, deadline_s=5)):
                    pass


async def test_every_server_of_a_cluster_is_spoken_to_by_tls(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate, key = write_certificate(ca.issue_cert("127.0.0.1"), tmp_path / "server")
    tls = {"tls-ca-cert-file": str(tmp_path / "ca.pem"), "tls-cert-file": certificate, "tls-key-file": key}
    with redis_cluster(tmp_path / "cluster", servers=3, replicas=0, tls=tls) as cluster:
        # Without a word of what a server is signed by, none is let in.
        with pytest.raises(AccessDenied, match=r"redis\.ssl_cafile"):
            async with open_redis(RedisConfig(cluster.url, deadline_s=5)):
                pass
        async with open_redis(RedisConfig(cluster.url, deadline_s=5, ssl_cafile=str(tmp_path / "ca.pem"))) as redis:
            await RedisBehaviourStore(redis, 5).record(CLICKS)
            seen = await RedisBehaviourStore(redis, 5).sightings([f"p{at}" for at in range(7)], 100)
        # One server has told of the others, and all have some of it.
        assert sum(map(len, seen)) == len(CLICKS)
        assert all(int(cluster.cli(port, "DBSIZE")) for port in cluster.ports)


async def test_while_a_slot_moves_nothing_is_written_beside_what_is_elsewhere(
    redis_servers: RedisCluster, redis: Redis
) -> None:
    profiles, behaviour = RedisProfileStore(redis, 5), RedisBehaviourStore(redis, 5)
    await profiles.record(CLICKS)
    await behaviour.record(CLICKS)
    popular = await profiles.popularity(["p0", "p1"], NOW_MS)
    seen = await behaviour.sightings(["p0"], 100)
    with redis_servers.moving(PEOPLE):
        with pytest.raises(StoreUnavailable):
            await profiles.record(CLICKS)
        # What is read is where it is.
        histories = await profiles.histories([user_id for user_id, _ in CLICKS])
        assert [len(history.interactions()) for history in histories] == [1] * len(CLICKS)
    with redis_servers.moving(f"vitrine:product:{Parts(redis).tag_of('p0')}"):
        with pytest.raises(StoreUnavailable):
            await behaviour.record(CLICKS)
        assert await behaviour.sightings(["p0"], 100) == seen
    for store in (profiles, behaviour):
        await store.record(CLICKS)
    assert await profiles.popularity(["p0", "p1"], NOW_MS) == popular
    assert await behaviour.sightings(["p0"], 100) == seen


async def test_a_server_that_is_replaced_or_emptied_is_noticed(redis_servers: RedisCluster, redis: Redis) -> None:
    lease, log = RedisRestoreLease(redis, 60, 5), RedisChangeLog(redis, "g", 5)
    assert await lease.is_needed() and await lease.take() and await lease.complete() and not await lease.is_needed()
    redis_servers.replace(PEOPLE)
    assert await lease.is_needed() and await lease.take()
    tag = Parts(redis).tag_of("p0")
    redis_servers.replace(f"vitrine:product:{tag}")
    # What was written before it was replaced may be lost.
    assert not await lease.complete()
    await lease.release()
    assert await lease.take() and await lease.complete() and not await lease.is_needed()
    redis_servers.cli(redis_servers.port_of(f"vitrine:product:{tag}"), "FLUSHALL")
    assert await lease.is_needed()
    known = (await log.read(None)).position
    redis_servers.replace("{changes:g}")
    with pytest.raises(StoreUnavailable):
        await log.read(known)
    assert (await log.read(known)).changed is None
    await log.aclose()


@pytest.mark.usefixtures("users")
async def test_roles_work_with_the_rights_that_they_have_elsewhere(redis_servers: RedisCluster, redis: Redis) -> None:
    del redis
    open_as = lambda role: open_redis(RedisConfig(redis_servers.url, 5, username=role, password="secret"))  # noqa: E731
    async with open_as("vitrine-indexing") as indexing:
        profiles, behaviour = RedisProfileStore(indexing, 5), RedisBehaviourStore(indexing, 5)
        await profiles.record(CLICKS)
        await profiles.identify([("u1", Identification("u2", NOW_MS))])
        await behaviour.record(CLICKS)
        await RedisChangeLog(indexing, "g", 5).append(["a"])
        assert await RedisPersonKeys(indexing, PrivacyConfig(), 5).keys_of([("u1", NOW_MS)])
        lease = RedisRestoreLease(indexing, 60, 5)
        assert await lease.take() and await lease.complete()
    async with open_as("vitrine-query") as query:
        log = RedisChangeLog(query, "g", 5)
        assert (await log.read((await log.read(None)).position)).changed == []
        await log.aclose()
        assert await RedisBehaviourStore(query, 5).sightings(["p0"], 1) != []
        assert len(await RedisProfileStore(query, 5).popular(9)) == 7
        assert await RedisSharedCounts(query, 5).add({f"vitrine:rate:{at}": (at, 9) for at in range(9)})
        await WorkerStatusBoard(query, 5).publish(WorkerStatus("g"))
        async with open_as("vitrine-operator") as operator:
            assert await WorkerStatusBoard(operator, 5).read_all() == [WorkerStatus("g")]
            lock = operator.lock("vitrine:rebuild", timeout=5, blocking=False)
            assert await lock.acquire()
            await lock.release()


async def test_the_fullest_server_of_a_cluster_is_looked_at(redis_servers: RedisCluster, redis: Redis) -> None:
    await redis.set(f"vitrine:{people_tag(redis)}test", b"x" * 2**20)
    facts = await inspect_redis(RedisConfig(redis_servers.url, deadline_s=5))
    assert facts.memory and facts.memory.used_bytes > 2**20 and facts.ahead_s is not None
