"""Names, origins, rates, the operators' port, and who is served without a key."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from query_api.config import QueryConfig
from query_api.errors import InvalidAccess
from query_api.http.server.serving import OpsApp
from tests.access import SECRET, Doorkeeper, bearer
from tests.shop import MakeShop, Shop


def client_of(shop: Shop, app: Any = None, peer: str = "203.0.113.9", url: str = "http://shop") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app or shop.app, raise_app_exceptions=False, client=(peer, 1))
    return httpx.AsyncClient(transport=transport, base_url=url)


def shop_of(make_shop: MakeShop, door: Doorkeeper) -> Shop:
    return make_shop(config=door.config, gate=door.gate)


async def test_a_page_of_another_site_cannot_call_a_worker_by_its_own_name(make_shop: MakeShop) -> None:
    shop = shop_of(make_shop, Doorkeeper(open=True, allowed_hosts=()))
    for host, status in (
        ("localhost:8080", 200),
        ("127.0.0.1", 200),
        ("evil.example", 400),
        ("localhost.evil.com", 400),
    ):
        async with client_of(shop, url=f"http://{host}") as client:
            for path in ("/v1/search", "/", "/metrics", "/healthz"):
                assert (await client.get(path)).status_code == status, (host, path)
    async with client_of(shop, url="http://10.42.0.7:8080") as probe:
        assert (await probe.get("/healthz")).status_code == 200
        assert (await probe.get("/v1/search")).status_code == 400


async def test_only_named_origins_may_read_answers(make_shop: MakeShop) -> None:
    door = Doorkeeper(cors_origins=("https://shop.example",))
    key = await door.key(["search"])
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    async with client_of(shop_of(make_shop, door)) as client:
        good, evil = {"origin": "https://shop.example"}, {"origin": "https://evil.example"}
        asked = await client.options("/v1/search", headers=good | preflight)
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == "https://shop.example"
        assert "authorization" in asked.headers["access-control-allow-headers"].lower()
        assert (await client.options("/v1/search", headers=evil | preflight)).status_code == 400
        for headers, allowed in ((good, "https://shop.example"), (evil, None)):
            for credentials in (bearer(key), {}):
                response = await client.get("/v1/search", headers=headers | credentials)
                assert response.status_code == (200 if credentials else 401)
                assert response.headers.get("access-control-allow-origin") == allowed
                assert "access-control-allow-credentials" not in response.headers


async def test_without_named_origins_there_are_none(make_shop: MakeShop) -> None:
    async with client_of(shop_of(make_shop, Doorkeeper(open=True))) as client:
        response = await client.get("/v1/search", headers={"origin": "https://shop.example"})
        assert response.status_code == 200 and "access-control-allow-origin" not in response.headers


async def test_a_key_is_used_as_often_as_its_rate_says(make_shop: MakeShop) -> None:
    door = Doorkeeper(rate_limit_key="3/minute")
    one, other = await door.key(["search"]), await door.key(["search"])
    async with client_of(shop_of(make_shop, door)) as client:
        for key in (one, other):
            statuses = [(await client.get("/v1/search", headers=bearer(key))).status_code for _ in range(5)]
            assert statuses == [200, 200, 200, 429, 429]
        refused = await client.get("/v1/search", headers=bearer(one))
        assert refused.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refused.headers["retry-after"]) <= 120
        assert (await client.get("/healthz")).status_code == 200


async def test_an_address_calls_as_often_as_its_rate_says_with_good_keys_bad_ones_and_none(
    make_shop: MakeShop,
) -> None:
    door = Doorkeeper(rate_limit_address="3/minute")
    key = await door.key(["search"])
    shop = shop_of(make_shop, door)
    for peer, headers, path, expected in (
        ("203.0.113.1", bearer(key), "/v1/search", 200),
        ("203.0.113.2", bearer("x"), "/v1/search", 401),
        ("203.0.113.3", {}, "/v1/search", 401),
        ("203.0.113.4", {}, "/media/unknown", 404),
        ("203.0.113.5", {}, "/", 200),
    ):
        async with client_of(shop, peer=peer) as client:
            statuses = [(await client.get(path, headers=headers)).status_code for _ in range(4)]
            assert statuses == [expected] * 3 + [429], path


async def test_an_address_cannot_be_made_up(make_shop: MakeShop) -> None:
    for trusted, passing in (((), 3), (("203.0.113.9",), 6)):
        door = Doorkeeper(open=True, rate_limit_address="3/minute", trusted_proxies=trusted)
        await door.keys.refresh()
        async with client_of(shop_of(make_shop, door)) as client:
            statuses = [
                (await client.get("/v1/search", headers={"x-forwarded-for": f"6.6.6.{at % 2}"})).status_code
                for at in range(8)
            ]
            assert statuses.count(200) == passing


async def test_by_default_only_strangers_from_elsewhere_are_counted(make_shop: MakeShop) -> None:
    door = Doorkeeper(token_secret=SECRET)
    key = await door.key(["search"])
    shop = shop_of(make_shop, door)
    limiter = door.gate._addresses
    assert limiter is not None
    for peer, headers, counted in (
        ("127.0.0.1", {}, False),
        ("203.0.113.1", bearer(key), False),
        ("203.0.113.2", {}, True),
        ("203.0.113.3", bearer(await door.key(["search"], public=True)), True),
    ):
        async with client_of(shop, peer=peer) as client:
            await client.get("/v1/search", headers=headers)
            assert any(caller == peer for caller, _ in limiter._windows) == counted, peer


async def test_the_operators_port_has_health_and_metrics_without_keys_and_the_other_has_none(
    make_shop: MakeShop,
) -> None:
    door = Doorkeeper(ops_port=9_100, require_keys=True)
    admin = await door.key(["admin", "search"])
    shop = shop_of(make_shop, door)
    async with client_of(shop) as client, client_of(shop, OpsApp(shop.app), url="http://10.1.2.3") as ops:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await ops.get(path)).status_code == 200
            assert (await client.get(path, headers=bearer(admin))).status_code == 404
        for path in ("/", "/v1/search", "/docs", "/media/x", "/metrics/"):
            response = await ops.get(path, headers=bearer(admin))
            assert response.status_code == 404 and response.headers["content-type"] == "application/problem+json"


async def test_without_keys_everything_is_open_and_the_first_key_locks_it(make_shop: MakeShop) -> None:
    door = Doorkeeper()
    await door.keys.refresh()
    async with client_of(shop_of(make_shop, door)) as client:
        assert (await client.get("/v1/search")).status_code == 200
        key = await door.key(["search"])
        assert (await client.get("/v1/search")).status_code == 401
        assert (await client.get("/v1/search", headers=bearer(key))).status_code == 200
        for stored in await door.store.all():
            await door.store.revoke(stored.id)
        await door.keys.refresh()
        assert (await client.get("/v1/search")).status_code == 401


async def test_whoever_does_not_know_whether_there_are_keys_answers_nobody(make_shop: MakeShop) -> None:
    for settings, status in (({}, 503), ({"open": True}, 200), ({"require_keys": True}, 401)):
        door = Doorkeeper(**settings)
        door.records.is_away = True
        await door.keys.refresh()
        async with client_of(shop_of(make_shop, door)) as client:
            response = await client.get("/v1/search")
            assert response.status_code == status, settings
            assert ("retry-after" in response.headers) == (status == 503)
            assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "shop.internal"])
async def test_others_are_not_let_in_without_keys_unless_told(host: str) -> None:
    door = Doorkeeper(host=host)
    await door.keys.refresh()
    with pytest.raises(InvalidAccess, match=r"vitrine apikey create .*query\.open = true"):
        door.gate.check_bind()
    for settings in ({"open": True}, {"require_keys": True}, {"token_secret": SECRET}, {"api_keys_file": "keys"}):
        told = Doorkeeper(host=host, **settings)
        await told.keys.refresh()
        told.gate.check_bind()
    await door.key(["search"])
    door.gate.check_bind()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.5.5.5", "localhost", "::1"])
async def test_this_machine_alone_is_served_without_keys(host: str) -> None:
    door = Doorkeeper(host=host)
    await door.keys.refresh()
    door.gate.check_bind()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"page_key": "vitrine_sk_abc"}, "page_key"),
        ({"ops_port": 8080}, "ops_port"),
        ({"ops_port": 70_000}, "ops_port"),
        ({"ssl_keyfile": "k"}, "ssl_certfile"),
        ({"jwt_algorithms": ("HS256",)}, "HS256"),
        ({"jwt_algorithms": ("none",)}, "none"),
        ({"jwt_algorithms": ()}, "nothing"),
        ({"jwks_url": "https://id.example/"}, "jwt_issuer"),
        ({"jwks_url": "http://id.example/", "jwt_issuer": "a", "jwt_audience": "b"}, "https"),
        ({"trusted_proxies": ("10.0.0.0/99",)}, "10.0.0.0/99"),
        ({"cors_origins": ("shop.example",)}, "shop.example"),
        ({"cors_origins": ("https://shop.example/",)}, "https://shop.example"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_name(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        QueryConfig(**settings)
