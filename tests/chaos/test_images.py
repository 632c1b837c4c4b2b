"""Pictures that cannot be had, and pictures that should not be."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from indexer.records import StoredProduct, unpack_product
from tests.chaos.comparing import rows
from tests.chaos.image_sites import ImageSites
from tests.chaos.load import Outgoing, event, outgoing
from tests.chaos.shop import Scenario
from tests.oracle import Picture
from tests.stack import shared_data

BOMB = "serves a bomb"
COMPLETE_S = 240.0
"""The third delay is a minute."""


@pytest.fixture
def sites() -> Iterator[ImageSites]:
    """Image hosts, all of them bad."""
    with ImageSites() as sites:
        yield sites


def created(product_id: str, version: int | None = 1, **data: object) -> Outgoing:
    stated = {} if version is None else {"version": version}
    return outgoing(event(product_id, "product.created", {"product_id": product_id, **stated, **data}))


def updated(product_id: str, **data: object) -> Outgoing:
    return outgoing(event(f"{product_id}-updated", "product.updated", {"product_id": product_id, **data}))


def stored(run: Scenario) -> dict[str, StoredProduct]:
    return {row["product_id"]: unpack_product(row["state"]) for row in rows(run.shop.servers.milvus, run.prefix)}


def test_hosts_that_hang_fail_flood_redirect_and_bomb(shop, scenario, sites):
    run = scenario("image hosts that hang, answer 500, send endless bytes, redirect inside, serve a bomb")
    named = {f"{run.prefix}-{n}-{kind}": way for n, way in enumerate(sites.ways) for kind in ("titled", "bare")}
    shop.publish(
        [
            created(name, images=[{"url": sites.url(way, name)}], **({"title": way} if "titled" in name else {}))
            for name, way in named.items()
        ]
    )
    untimed = f"{run.prefix}-untimed"
    shop.publish([created(untimed, version=None, title="untimed", images=[{"url": sites.url("answers 500", untimed)}])])
    shop.wait("all are indexed without their pictures", lambda: stored(run).keys() == {*named, untimed}, 30)
    healed = {untimed, *(name for name, way in named.items() if way != BOMB)}
    assert {name for name, product in stored(run).items() if product.incomplete} == healed
    for row in rows(shop.servers.milvus, run.prefix):
        assert row["searchable"] == ("bare" not in row["product_id"]), row["product_id"]
    # Changes meanwhile: what is tried again later must not undo them, nor where Kafka's time is the only version.
    shop.publish(
        [
            updated(f"{run.prefix}-0-titled", version=2, title="changed meanwhile"),
            updated(untimed, price=2.0),
        ]
    )
    shop.wait("every host was asked", lambda: all(sites.asked(way) for way in sites.ways))
    sites.heal()
    shop.wait(
        "the pictures come",
        lambda: all(product.image_keys for id, product in stored(run).items() if id in healed),
        COMPLETE_S,
    )
    assert not sites.is_inside_seen
    run.check(is_good=lambda one: not _is_at(one, sites, BOMB), pictures={"invalid_image": 2})


def test_every_hostile_file_as_an_inline_picture(shop, scenario):
    run = scenario("every file of the hostile collection as an inline picture")
    directory = shared_data()
    manifest = [json.loads(line) for line in (directory / "hostile" / "manifest.jsonl").read_text().splitlines()]
    names = {f"{run.prefix}-{n}": one for n, one in enumerate(manifest)}
    shop.publish(
        [
            created(name, title="Hostile", images=[{"data": _base64((directory / one["file"]).read_bytes())}])
            for name, one in names.items()
        ]
    )
    shop.wait_until_indexed()
    found = stored(run)
    # A picture is either part of its product, or in a dead letter.
    broken = [name for name in names if not found[name].image_keys]
    assert {name for name, one in names.items() if one["pillow"].startswith("ERR")} <= set(broken)
    run.check(pictures={"invalid_image": len(broken)})


def _is_at(picture: Picture, sites: ImageSites, way: str) -> bool:
    return str(picture.get("url", "")).startswith(sites.url(way, "").removesuffix(".jpg"))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
