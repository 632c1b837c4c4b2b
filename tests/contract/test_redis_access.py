"""Redis with TLS, users and rights: each role works with just its own, and what is wrong is said in one sentence."""

import asyncio
import time
from contextlib import asynccontextmanager, closing
from urllib.parse import quote

import pytest
import trustme
from msgspec import structs
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from indexer.errors import AccessDenied, StoreUnavailable
from indexer.ports.behaviour import Sightings
from indexer.ports.changes import ToldLag
from indexer.ports.impressions import Impression
from indexer.ports.profiles import Identification, Interaction, LearningChange, TraitChange
from indexer.privacy import PrivacyConfig
from indexer.redis.api_keys import RedisKeyRecords
from indexer.redis.behaviour.store import RedisBehaviourStore
from indexer.redis.bounded_map import RedisBoundedMap
from indexer.redis.change_log import RedisChangeLog, delete_change_log
from indexer.redis.client import RedisConfig, open_redis, redis_call
from indexer.redis.impressions import RedisImpressionStore
from indexer.redis.lag_board import RedisLagBoard
from indexer.redis.shared_counts import RedisSharedCounts
from indexer.redis.shoppers.person_keys import RedisPersonKeys
from indexer.redis.shoppers.profiles import RedisProfileStore
from indexer.redis.shoppers.restore_lease import RedisRestoreLease
from indexer.redis.switches import RedisVariantSwitches
from indexer.redis.turn import RedisTurn
from query_api.cache.candidate_cache import RedisCandidateCache, candidate_key
from query_api.generations.worker_status import WorkerStatus, WorkerStatusBoard
from tests.histories import recent
from tests.secure_redis import ROLES, SecureRedis, expired, passwords, secure_redis, write_certificate

__all__ = ["secure_redis"]

IMPRESSION = Impression("a1", int(time.time() * 1000), "", 0, "", b"")
NARROW = "on >narrow +@connection +get +evalsha +script|load ~vitrine:*"
DENIED = "denies our user a right.*deploy/redis/users.txt"


@asynccontextmanager
async def connected(server: SecureRedis, role: str):
    async with open_redis(server.config(role)) as redis:
        yield redis


async def denied(config: RedisConfig) -> str:
    """What is said when a client may not in."""
    with pytest.raises(AccessDenied) as refused:
        async with open_redis(config) as redis, redis_call(config.deadline_s):
            await redis.ping()
    message = str(refused.value)
    assert "\n" not in message and "password:" not in message
    return message


async def test_an_indexing_worker_works_with_its_rights_alone(secure_redis):
    async with connected(secure_redis, "vitrine-indexing") as redis:
        changes = RedisChangeLog(redis, "g1", 5)
        start = await changes.position()
        await changes.append(["a", "b"])
        assert await changes.since(start) == (start + 2, ["a", "b"])
        await delete_change_log(redis, "g1", 5)
        for name in ("embeddings:mini@1:image", "transcripts:x", "urls"):
            remembered = RedisBoundedMap(redis, name, 4, 5)
            await remembered.put({"k": b"v", "l": b"w", "m": b"x"})
            assert await remembered.get(["k", "absent"]) == {"k": b"v"}
        profiles = RedisProfileStore(redis, 5)
        await profiles.record([("ada", Interaction("e1", "clicked", "p", 1_000, "s"))])
        await profiles.set_traits([("ada", TraitChange("e2", {"age": "30s"}, 1_000, "s"))])
        assert await profiles.traits("ada") == {"age": "30s"}
        assert await profiles.latest_ms("ada") == 1_000
        await profiles.identify([("ada", Identification("cookie", 1_500))])
        await profiles.set_learning([("ada", LearningChange(True, 1_500))])
        await profiles.forget([("ada", 2_000)])
        behaviour = RedisBehaviourStore(redis, 5)
        await behaviour.record([("eve", Interaction("e1", "clicked", "p", 3_000, "s"))])
        assert len(await behaviour.sessions_of("eve", 3)) == 1
        await behaviour.forget([("eve", 3_000)])
        assert await behaviour.sightings(["p"], 3) == [Sightings()]
        person_keys = RedisPersonKeys(redis, PrivacyConfig(), 5)
        (key,) = await person_keys.keys_of([("eve", 3_001)])
        assert key and await person_keys.find([key.name]) == {key.name: key.key}
        assert await person_keys.key_of_unknown()
        lease = RedisRestoreLease(redis, 5, 5)
        assert await RedisTurn(redis, "media", 5, 5).take()
        await RedisLagBoard(redis, "group", 5).tell({("topic", 0): ToldLag(1, 2, 3)})
        assert await lease.is_needed() and await lease.take() and await lease.renew() and await lease.complete()


async def test_a_query_worker_works_with_its_rights_alone(secure_redis):
    async with connected(secure_redis, "vitrine-query") as redis:
        cache = RedisCandidateCache(redis, 5)
        key = candidate_key("g1", "q")
        await cache.set(key, b"entry", 60)
        assert await cache.get(key) == b"entry"
        changes = RedisChangeLog(redis, "g2", 5)
        start = await changes.position()
        assert await changes.since(start) == (start, [])
        known = (await changes.read(None)).position
        run_id = next(at for at in secure_redis.admin("INFO", "server").split() if at.startswith("run_id:"))[7:]
        assert known == (run_id, start) and not (await changes.read(known)).changed
        await changes.aclose()
        profiles = RedisProfileStore(redis, 5)
        assert await recent(profiles, "ben") == [] and await profiles.traits("ben") == {}
        assert await profiles.popular(3) is not None
        # Their letters' key goes with it, which a query worker can destroy and not read.
        await profiles.forget([("ben", 2_000), ("eve", 4_000)])
        behaviour = RedisBehaviourStore(redis, 5)
        await behaviour.forget([("ben", 2_000)])
        assert await behaviour.sessions_of("ben", 3) == [] and await behaviour.sightings(["p"], 3) == [Sightings()]
        assert await behaviour.usual(["p"], 0, 2_000) == [0]
        assert secure_redis.admin("HGETALL", "vitrine:user:eve:letters") == ""
        await RedisImpressionStore(redis, 5).remember([IMPRESSION, structs.replace(IMPRESSION, user_id="ben")])
        assert await RedisVariantSwitches(redis, 5).off("trial") == frozenset()
        board = WorkerStatusBoard(redis, 5)
        await board.publish(WorkerStatus("g1"))
        await board.remove()
        assert await RedisLagBoard(redis, "other", 5).read([("topic", 0)]) == [None]
        assert await RedisKeyRecords(redis, 5).version() == 0 and await RedisKeyRecords(redis, 5).all() == []
        assert await RedisSharedCounts(redis, 5).add({"vitrine:rate:key:x": (1, 5)}) == {"vitrine:rate:key:x": 1}


async def test_the_operators_commands_work_with_their_rights_alone(secure_redis):
    async with connected(secure_redis, "vitrine-query") as redis:
        await WorkerStatusBoard(redis, 5).publish(WorkerStatus("g1"))
    async with connected(secure_redis, "vitrine-operator") as redis:
        assert WorkerStatus("g1") in await WorkerStatusBoard(redis, 5).read_all()
        lock = redis.lock("vitrine:rebuild", timeout=5, blocking=False)
        assert await lock.acquire()
        await lock.reacquire()
        await lock.release()
        await RedisChangeLog(redis, "g3", 5).append(["a"])
        await delete_change_log(redis, "g3", 5)
        await RedisImpressionStore(redis, 5).remember([IMPRESSION])
        assert IMPRESSION in [impression async for impression in RedisImpressionStore(redis, 5).all()]
        await RedisVariantSwitches(redis, 5).switch_off("trial-of-operators", "b")
        keys = RedisKeyRecords(redis, 5)
        await keys.put("digest", b"record")
        assert await keys.get("digest") == b"record" and await keys.version() == 1
        await keys.remove("digest")


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_can_do_what_it_has_no_need_of(secure_redis, role):
    beyond = ["FLUSHALL", "CONFIG GET dir", "KEYS *", "ACL LIST", "GET someone-elses", "MODULE LIST"]
    if role == "vitrine-indexing":
        beyond += ["GET vitrine:candidates:x", "HVALS vitrine:{api-keys}:records", "SCAN 0", "SET vitrine:rebuild x"]
    if role == "vitrine-query":
        beyond += [
            "DEL vitrine:profiles:restored:2",
            "HSET vitrine:{api-keys}:records digest admin",
            "SCAN 0",
            "SET vitrine:rebuild x",
            "SET vitrine:lag:x x",
            "LRANGE vitrine:impressions:1:a 0 -1",
            "SADD vitrine:experiments:trial a",
        ]
    async with connected(secure_redis, role) as redis:
        for command in beyond:
            with pytest.raises(NoPermissionError):
                await redis.execute_command(*command.split())


async def test_a_missing_right_is_named_in_a_call_and_in_a_script(secure_redis):
    secure_redis.admin("ACL", "SETUSER", "narrow", *NARROW.split())
    async with open_redis(secure_redis.config("narrow", password="narrow")) as redis:
        with pytest.raises(AccessDenied, match=DENIED):
            await RedisCandidateCache(redis, 5).set("vitrine:candidates:x", b"", 60)
        with pytest.raises(AccessDenied, match=DENIED):
            await RedisChangeLog(redis, "g1", 5).append(["a"])


async def test_the_user_and_the_password_may_stand_in_the_url_in_settings_or_in_a_file(secure_redis, tmp_path):
    role, file = "vitrine-query", tmp_path / "password"
    file.write_text(f"{passwords(role)}\n")
    place = f"localhost:{secure_redis.port}/0"
    in_url = f"rediss://{role}:{quote(passwords(role), safe='')}@{place}"
    ca = {"ssl_cafile": secure_redis.ca_file, "deadline_s": 5.0}
    for config in (
        RedisConfig(in_url, **ca),
        RedisConfig(f"{in_url}?ssl_ca_certs={quote(secure_redis.ca_file)}", deadline_s=5.0),
        RedisConfig(f"rediss://{role}@{place}", password=passwords(role), **ca),
        RedisConfig(f"rediss://{role}:other@{place}", password_file=str(file), **ca),
    ):
        async with open_redis(config) as redis:
            assert await redis.ping()


async def test_a_wrong_password_and_an_unknown_user_are_told(secure_redis):
    said = await denied(secure_redis.config("vitrine-query", password="no"))
    assert "does not know us" in said and "redis.password" in said
    assert "does not know us" in await denied(secure_redis.config("nobody"))
    assert "does not know us" in await denied(secure_redis.config("", password=""))


async def test_a_foreign_an_expired_and_a_wrongly_named_certificate_are_told_apart(secure_redis, tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    foreign = await denied(secure_redis.config("vitrine-query", ssl_cafile=str(tmp_path / "other.pem")))
    assert "certificate that is refused" in foreign and "redis.ssl_cafile" in foreign
    assert "certificate that is refused" in await denied(secure_redis.config("vitrine-query", ssl_cafile=""))
    try:
        secure_redis.show(expired(secure_redis.ca, "localhost"))
        assert "expired" in await denied(secure_redis.config("vitrine-query"))
        secure_redis.show(secure_redis.ca.issue_cert("elsewhere.example"))
        assert "mismatch" in await denied(secure_redis.config("vitrine-query"))
        async with open_redis(secure_redis.config("vitrine-query", ssl_check_hostname=False)) as redis:
            assert await redis.ping()
    finally:
        secure_redis.show(secure_redis.ca.issue_cert("localhost"))


async def test_a_server_that_asks_for_our_certificate_gets_it_or_says_that_it_did_not(secure_redis, tmp_path):
    good = write_certificate(secure_redis.ca.issue_cert("worker"), tmp_path / "worker")
    foreign = write_certificate(trustme.CA().issue_cert("worker"), tmp_path / "foreign")
    secure_redis.admin("CONFIG", "SET", "tls-auth-clients", "yes")
    try:
        files = dict(zip(("ssl_certfile", "ssl_keyfile"), good, strict=True))
        async with open_redis(secure_redis.config("vitrine-query", **files)) as redis:
            assert await redis.ping()
        files = dict(zip(("ssl_certfile", "ssl_keyfile"), foreign, strict=True))
        assert "redis.ssl_certfile" in await denied(secure_redis.config("vitrine-query", **files))
        assert "redis.ssl_certfile" in await denied(secure_redis.config("vitrine-query"))
    finally:
        assert secure_redis.admin("CONFIG", "SET", "tls-auth-clients", "optional") == "OK"


async def test_tls_to_a_server_that_has_none_is_told():
    server = await asyncio.start_server(lambda _, writer: writer.write(b"-ERR what\r\n"), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with closing(server):
        assert "no TLS" in await denied(RedisConfig(f"rediss://127.0.0.1:{port}", deadline_s=5))


async def test_a_password_that_is_replaced_is_used_by_the_next_connection(secure_redis, tmp_path):
    role, file = "rotating", tmp_path / "password"
    secure_redis.admin("ACL", "SETUSER", role, "on", ">first", "+@connection")
    file.write_text("first\n")
    async with open_redis(secure_redis.config(role, password="", password_file=str(file))) as redis:
        await redis.ping()
        secure_redis.admin("ACL", "SETUSER", role, "resetpass", ">second")
        file.unlink()
        secure_redis.admin("CLIENT", "KILL", "USER", role)
        # While the file is away the former password holds, which Redis refuses by now.
        with pytest.raises(AccessDenied):
            await _until_new_connection(redis)
        file.write_text("second\n")
        assert await _ping(redis)


async def test_certificates_that_are_replaced_are_used_by_the_next_connection(secure_redis, tmp_path):
    new_ca, trusted = trustme.CA(), tmp_path / "trusted.pem"
    secure_redis.ca.cert_pem.write_to_path(str(trusted))
    async with open_redis(secure_redis.config("vitrine-query", ssl_cafile=str(trusted))) as redis:
        await redis.ping()
        secure_redis.show(new_ca.issue_cert("localhost"))
        new_ca.cert_pem.write_to_path(str(trusted))
        await redis.connection_pool.disconnect()
        assert await _ping(redis)
        secure_redis.show(secure_redis.ca.issue_cert("localhost"))
        secure_redis.ca.cert_pem.write_to_path(str(trusted))
    async with open_redis(secure_redis.config("vitrine-query", ssl_cafile=str(trusted))) as redis:
        trusted.write_text("half of a certif")
        await redis.connection_pool.disconnect()
        # What cannot be read is being replaced: what was there before holds.
        assert await _ping(redis)


def test_files_that_cannot_be_used_are_named(secure_redis, tmp_path):
    from indexer.redis.client import connect_redis

    for setting in ("ssl_cafile", "password_file"):
        changed = {"password": "", setting: str(tmp_path / "absent")}
        with pytest.raises(AccessDenied, match=f"redis.{setting} = {tmp_path}/absent cannot be read: No such file"):
            connect_redis(secure_redis.config("vitrine-query", **changed))
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(AccessDenied, match="has nothing in it"):
        connect_redis(secure_redis.config("vitrine-query", password="", password_file=str(tmp_path / "empty")))
    with pytest.raises(AccessDenied, match="cannot be used"):
        connect_redis(secure_redis.config("vitrine-query", ssl_cafile=str(tmp_path / "empty")))


async def _ping(redis: Redis) -> bool:
    async with redis_call(5):
        return bool(await redis.ping())


async def _until_new_connection(redis: Redis) -> None:
    """Call until the connection that was closed at the other end is noticed."""
    for _ in range(3):
        try:
            await _ping(redis)
        except AccessDenied:
            raise
        except StoreUnavailable:
            continue
