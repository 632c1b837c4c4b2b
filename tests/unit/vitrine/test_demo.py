"""The demo's pure parts: shoppers, rates, progress, and the published catalogue."""

from pathlib import Path

from streams.events.cloudevents import decode_event, encode_event
from streams.events.schema import Product, UserInteraction
from vitrine.demo import catalogue
from vitrine.demo.live import DemoProgress, GrowthRate
from vitrine.demo.shoppers import SimulatedShopper, interactions, random_shoppers
from vitrine.samples.catalogue import sample_products

PRODUCTS = sample_products(400, seed=3)


def test_shoppers_mostly_click_on_what_they_like():
    shopper = SimulatedShopper("ada", ("dress", "sneaker"), ())
    kinds = {product.product_id: product.kind for product in PRODUCTS}
    clicked = [event.data.product_id for event in interactions([shopper], PRODUCTS, 300) if is_click(event.data)]
    liked = sum(kinds[product_id] in shopper.kinds for product_id in clicked)
    assert liked / len(clicked) > 0.8


def is_click(data: object) -> bool:
    return isinstance(data, UserInteraction)


def test_the_same_stream_of_clicks_has_the_same_ids_and_is_valid():
    shoppers = random_shoppers(PRODUCTS, 10)
    first, again = (list(interactions(shoppers, PRODUCTS, 50, seed=1)) for _ in range(2))
    assert [(event.id, event.data) for event in first] == [(event.id, event.data) for event in again]
    assert len({event.id for event in first}) == 50
    for event in first:
        decode_event("shop.user-events", encode_event(event), {}, 0)


def test_pictures_are_drawn_once_and_events_carry_them(tmp_path: Path):
    few = PRODUCTS[:3]
    assert sum(catalogue.render_pictures(few, tmp_path, workers=1)) == 3
    drawn = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert list(catalogue.render_pictures(few, tmp_path, workers=1)) == [3]
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == drawn
    event = catalogue.product_event(few[0], tmp_path)
    assert isinstance(event.data, Product) and event.data.images and event.data.images[0].data
    assert decode_event("catalog.product-events", encode_event(event), {}, 0).data == event.data


def test_a_rate_is_the_growth_over_the_last_seconds():
    rate = GrowthRate()
    assert rate.update(0, now=0) == 0
    assert rate.update(100, now=2) == 50
    assert rate.update(100, now=6) == 0
    assert rate.update(160, now=8) == 30


def test_progress_reads_well_as_a_line():
    line = DemoProgress(10, 2_400, 3, 7, 5, 1_500, 12.4, 9.9).line()
    assert "published 10 of 2,400" in line and "lag 5 events" in line and "index age 1.5 s" in line
