"""Suggestions and duplicates found out as products are indexed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from encoders.spec import split_parts
from indexer.errors import StoreUnavailable
from indexer.hit_payload import decode_hit_payload
from indexer.in_memory_store import InMemoryProductStore
from indexer.records import StoredProduct
from streams.config import LabellingConfig
from streams.delivery.retry_headers import RELABEL_HEADER
from streams.labels.calibration import LabelCalibrator
from streams.labels.labelling import Labeller
from streams.labels.neighbours import NeighbourSearch
from tests.unit.streams.pipeline import Bench, picture

KINDS = {"kettle": ("Kitchen/Kettles", "red"), "lamp": ("Living/Lamps", "blue"), "tent": ("Outdoor/Tents", "green")}
CONFIG = LabellingConfig(fields=("category", "attributes"), accept_above=0.8, duplicates=True)


class Flaky(InMemoryProductStore):
    """Looks nothing up while it is down."""

    down = False

    async def search_dense_all(self, *args: Any) -> Any:
        if self.down:
            raise StoreUnavailable("no answer", 1.0)
        return await super().search_dense_all(*args)


class Shop(Bench):
    """A pipeline that labels, over a small catalogue."""

    def __init__(self, config: LabellingConfig = CONFIG) -> None:
        store = Flaky(Bench().encoder.spec)
        super().__init__(store)
        self.flaky = store
        self.neighbourhood = NeighbourSearch(self.store, self.encoder.spec)
        self.labeller = Labeller(self.neighbourhood, self.encoder.spec, config)
        self.use(labeller=self.labeller)
        self.calibrator = LabelCalibrator(self.store, self.models.encoder, self.neighbourhood, self.labeller, config)

    async def fill(self, each: int = 20) -> None:
        """Index products of each kind, and measure."""
        for kind, (category, colour) in KINDS.items():
            await self.index(
                *(
                    self.kafka.message(
                        {
                            "product_id": f"{kind}-{at}",
                            "title": f"{kind} model{at} {colour}",
                            "category": category,
                            "attributes": {"colour": colour},
                            "images": [{"data": picture(colour)}],
                        }
                    )
                    for at in range(each)
                )
            )
        await self.calibrator.measure()

    async def add(self, product_id: str, type: str = "product.created", **fields: Any) -> dict[str, Any]:
        """Index one event; the change that is announced."""
        await self.index(self.kafka.message({"product_id": product_id} | fields, type))
        return self.kafka.changes[-1]

    async def stored(self, product_id: str) -> StoredProduct:
        return (await self.store.read([product_id]))[product_id][0]


def failures() -> float:
    return REGISTRY.get_sample_value("vitrine_labelling_failures_total") or 0.0


@pytest.fixture
async def shop() -> Shop:
    made = Shop()
    await made.fill()
    return made


def told(change: dict[str, Any]) -> dict[str, str]:
    return {suggestion["field"]: suggestion["value"] for suggestion in change.get("suggestions", ())}


async def test_a_product_that_leaves_fields_open_gets_those_of_its_like(shop: Shop):
    change = await shop.add("new", title="kettle modelx", images=[{"data": picture("red")}])
    assert told(change) == {"category": "Kitchen/Kettles", "attributes.colour": "red"}
    assert all(0.5 <= suggestion["confidence"] < 1 for suggestion in change["suggestions"])


async def test_what_the_merchant_states_is_not_suggested_and_ends_a_suggestion(shop: Shop):
    fields = {"title": "kettle modelx", "images": [{"data": picture("red")}]}
    assert told(await shop.add("new", attributes={"colour": "dark red"}, **fields)) == {"category": "Kitchen/Kettles"}
    assert told(await shop.add("new", "product.updated", category="Kitchen/Jugs")) == {}
    assert (await shop.stored("new")).suggestions == ()


async def test_a_change_of_price_keeps_suggestions_and_looks_nothing_up(shop: Shop):
    before = told(await shop.add("new", title="kettle modelx"))
    shop.flaky.down = True
    change = await shop.add("new", "product.updated", price=3)
    assert told(change) == before != {}
    assert change["change"] == "updated"


async def test_a_repeated_event_announces_the_same_suggestions_again(shop: Shop):
    message = shop.kafka.message({"product_id": "new", "title": "kettle modelx"})
    await shop.index(message)
    first = shop.kafka.changes[-1]
    await shop.index(message)
    assert shop.kafka.changes[-1]["change"] == "unchanged"
    assert shop.kafka.changes[-1]["suggestions"] == first["suggestions"] != []


async def test_a_search_that_fails_leaves_the_product_without_and_is_counted(shop: Shop):
    shop.flaky.down = True
    before = failures()
    change = await shop.add("new", title="kettle modelx")
    assert change["change"] == "created" and change["searchable"] and told(change) == {}
    assert failures() == before + 1
    assert len(shop.kafka.acked) == 61


async def test_nothing_is_suggested_before_there_is_enough_to_measure():
    small = Shop()
    await small.fill(each=5)
    assert not small.labeller.calibrations
    assert told(await small.add("new", title="kettle modelx")) == {}


async def test_another_listing_of_the_same_goods_is_flagged(shop: Shop):
    change = await shop.add("copy", title="NEW lamp model7 blue", images=[{"data": picture("blue", "BMP")}])
    assert "lamp-7" in change["duplicates"]
    assert change["duplicates"] == list((await shop.stored("copy")).duplicates)


async def test_variants_are_not_flagged(shop: Shop):
    fields = {"title": "chair oak", "group_id": "g", "images": [{"data": picture("brown")}]}
    await shop.add("chair-1", **fields)
    assert "duplicates" not in await shop.add("chair-2", **fields)


async def test_listings_that_come_in_one_batch_are_compared_with_each_other(shop: Shop):
    fields = {"title": "chair oak", "images": [{"data": picture("brown")}]}
    await shop.index(
        *(shop.kafka.message({"product_id": product_id} | fields) for product_id in ("chair-1", "chair-2"))
    )
    assert [change["duplicates"] for change in shop.kafka.changes[-2:]] == [["chair-2"], ["chair-1"]]


async def test_a_product_that_is_deleted_has_neither(shop: Shop):
    await shop.add("copy", title="lamp model7 blue", images=[{"data": picture("blue")}])
    change = await shop.add("copy", "product.deleted")
    assert "suggestions" not in change and "duplicates" not in change


async def test_what_was_indexed_before_there_were_suggestions_gets_them_when_it_is_asked_for():
    shop = Shop()
    await shop.add("early", title="kettle modelx", images=[{"data": picture("red")}])
    await shop.fill()
    assert (await shop.stored("early")).suggestions == ()
    message = shop.kafka.message({"product_id": "early"}, "product.updated")
    await shop.index(replace(message, headers={RELABEL_HEADER: b"1"}))
    assert told(shop.kafka.changes[-1])["category"] == "Kitchen/Kettles"
    assert (await shop.stored("early")).state.fields["title"] == "kettle modelx"


async def test_what_was_suggested_never_votes(shop: Shop):
    for at in range(20):
        await shop.add(f"orphan-{at}", title=f"kettle spare{at}")
    found = await shop.neighbourhood.nearest([])
    assert found == []
    cards = [
        decode_hit_payload(payload)
        for product_id, payload in (await shop.store.scan_payloads((), 1_000)).items()
        if product_id.startswith("orphan")
    ]
    assert any(card.suggested for card in cards) and all(card.category is None for card in cards)


async def test_a_product_without_a_text_borrows_those_of_what_looks_like_it():
    shop = Shop(LabellingConfig(borrow_texts=True))
    await shop.fill()
    for product_id in ("bare-1", "bare-2"):
        await shop.add(product_id, images=[{"data": picture("red")}])
    found = await shop.store.read(["bare-1", "bare-2", "kettle-1"])
    texts = {product_id: split_parts(shop.encoder.spec, vector)[0] for product_id, (_, vector) in found.items()}
    bare, other, kettle = texts["bare-1"], texts["bare-2"], texts["kettle-1"]
    assert bare @ kettle > 0.8
    # What is borrowed is not lent.
    assert np.allclose(bare, other, atol=1e-5)
    assert not found["bare-1"][0].text_hash


async def test_a_text_of_its_own_takes_the_place_of_a_borrowed_one():
    shop = Shop(LabellingConfig(borrow_texts=True))
    await shop.fill()
    await shop.add("bare", images=[{"data": picture("red")}])
    await shop.add("bare", "product.updated", title="garden gnome")
    own = split_parts(shop.encoder.spec, (await shop.store.read(["bare"]))["bare"][1])[0]
    assert np.allclose(own, shop.encoder.encode_texts(["garden gnome"])[0], atol=1e-5)


async def test_labelling_that_is_off_asks_for_nothing():
    assert not LabellingConfig().is_on


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"fields": ("colour",)}, "colour"),
        ({"suggest_above": 0.9, "accept_above": 0.5}, "suggest_above"),
        ({"picture_similarity": 0}, "picture_similarity"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(settings: dict[str, Any], named: str):
    with pytest.raises(ValueError, match=named):
        LabellingConfig(**settings)
