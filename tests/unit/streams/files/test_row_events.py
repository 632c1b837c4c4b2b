"""Rows as events."""

import base64
import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events.cloudevents import decode_event, encode_event
from streams.events.schema import MAX_MESSAGE_BYTES, PRODUCT_EVENTS, USER_EVENTS, UserIdentified, UserProfiled
from streams.files.columns.names import parse_column_map
from streams.files.local_media import LocalMedia
from streams.files.prepared_events import EventClock, PreparedEvent
from streams.files.product_rows import product_events
from streams.files.rows import RejectedRow, Row, read_rows
from streams.files.shopper_rows import shopper_events
from tests.paths import SHARED_DATA

DATA = SHARED_DATA
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is absent")


def products(*cells, renames=(), directory=None, now=lambda: 1_000):
    rows = [Row(number, row, 1.0) for number, row in enumerate(cells, start=1)]
    return list(product_events(rows, parse_column_map(renames), LocalMedia(directory).resolve, EventClock(now)))


def product(cells, **options):
    (outcome,) = products(cells, **options)
    assert isinstance(outcome, PreparedEvent), outcome
    return msgspec.to_builtins(outcome.event.data)


def reason(cells, **options):
    (outcome,) = products(cells, **options)
    assert isinstance(outcome, RejectedRow), outcome
    return outcome.reason


def shopper(cells, now=lambda: 1_000):
    (outcome,) = shopper_events([Row(1, cells, 1.0)], {}, EventClock(now))
    return outcome


@pytest.mark.parametrize(
    "columns",
    [
        ("Artikelnummer", "Bezeichnung", "Preis", "Währung", "Kategorie", "Marke", "Verfügbar"),
        ("Référence", "Désignation", "Prix", "Devise", "Cate\u0301gorie", "Marque", "Disponible"),
        ("Código", "Nombre", "Precio", "Moneda", "Categoría", "Marca", "Disponible"),
        ("Codice", "Titolo", "Prezzo", "Valuta", "Categoria", "Marca", "Disponibile?"),
        ("商品编号", "商品名称", "价格", "货币", "类目", "品牌", "库存状态"),
    ],
)
def test_usual_columns_are_known_in_languages_of_shops(columns):
    cells = ("a1", "Hoodie", "49.90", "EUR", "Men > Tops", "Luma", "1")
    fields = product(dict(zip(columns, cells, strict=True)))
    expected = {"product_id": "a1", "title": "Hoodie", "price": 49.9, "currency": "EUR", "category": "Men/Tops"}
    assert fields.items() >= (expected | {"brand": "Luma", "in_stock": True}).items()


def test_usual_columns_become_fields_and_others_attributes():
    row = {
        "SKU": "a1",
        "Product Name": " Hoodie ",
        "description": "Warm.",
        "bullet_points": "Soft\nBlue",
        "features": '["Hood", "Zip"]',
        "categories": "Men > Tops > Hoodies",
        "brand": "Luma",
        "price": "$1,049.00",
        "availability": "in stock",
        "Average Rating": "4.5 out of 5",
        "rating_number": "1,204",
        "keywords": "warm, soft",
        "colors": "red, blue",
        "sizes": ["S", "M"],
        "weight": 4.0,
        "washable": True,
        "care": float("nan"),
        "origin": "NULL",
        "specs": {"cut": "wide", "inner": {"lining": "none"}},
    }
    assert product(row) == {
        "product_id": "a1",
        "title": "Hoodie",
        "description": "Warm.\nSoft\nBlue\nHood\nZip",
        "category": "Men/Tops/Hoodies",
        "brand": "Luma",
        "price": 1049.0,
        "currency": "USD",
        "in_stock": True,
        "rating": 4.5,
        "rating_count": 1204,
        "tags": ["warm", "soft"],
        "attributes": {
            "colors": ["red", "blue"],
            "sizes": ["S", "M"],
            "weight": "4",
            "washable": "true",
            "specs.cut": "wide",
            "specs.inner.lining": "none",
        },
    }


def test_the_foremost_of_several_aliases_wins_and_the_other_is_an_attribute():
    assert product({"sku": "s", "id": "i"}) == {"product_id": "i", "attributes": {"sku": "s"}}
    assert product({"sku": "s", "id": ""}) == {"product_id": "s"}


def test_a_mapped_column_beats_the_usual_names():
    row = {"id": "1", "code": "c", "title": "t", "headline": "h", "farbe": "rot"}
    mapped = product(row, renames=["product_id=code", "title=headline", "attributes.colour=farbe"])
    assert mapped == {"product_id": "c", "title": "h", "attributes": {"id": "1", "title": "t", "colour": "rot"}}


@pytest.mark.parametrize("pair", ["title", "=x", "title=", "titel=x"])
def test_a_mapping_that_names_nothing_of_ours_is_refused(pair):
    with pytest.raises(ValueError, match=pair.removesuffix("=x") or pair):
        parse_column_map([pair])


def test_long_values_and_surplus_attributes_join_the_description():
    row = {"id": "1", "story": "x" * 300} | {f"a{number}": "v" for number in range(66)}
    stored = product(row)
    assert len(stored["attributes"]) == 64
    assert stored["description"] == "x" * 300 + "\na64: v\na65: v"


def test_over_long_texts_are_cut_rather_than_the_row_rejected():
    stored = product({"id": "1", "title": "t" * 2_000, "description": "d" * 30_000, "brand": "b" * 300})
    assert [len(stored[name]) for name in ("title", "description", "brand")] == [1_000, 20_000, 256]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"title": "x"}, "no product_id"),
        ({"id": "a b"}, "'a b'"),
        ({"id": "1", "price": "cheap"}, "price: 'cheap'"),
        ({"id": "1", "price": -1}, "price"),
        ({"id": "1", "rating": 7}, "rating"),
        ({"id": "1", "images": "x.jpg"}, "--images"),
        ({"id": "1", "version": "two"}, "version"),
        ({"id": "1", "created": "yesterday"}, "created"),
    ],
)
def test_a_row_that_cannot_be_published_says_why(cells, told):
    assert told in reason(cells)


def test_pictures_are_inlined_from_the_directory_and_nowhere_else(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a, b.jpg").write_bytes(b"jpeg")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (inside / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    row = {"id": "1", "images": ["a, b.jpg", "https://shop/x.jpg", {"bytes": b"raw", "path": "y"}], "image": "a, b.jpg"}
    images = [{"data": base64.b64encode(b"jpeg").decode()}, {"url": "https://shop/x.jpg"}, {"data": "cmF3"}]
    row["image"] = f"file://{inside}/a%2C%20b.jpg"
    assert product(row, directory=inside)["images"] == images
    for name in ("../secret.jpg", "link.jpg", str(tmp_path / "secret.jpg"), f"file://{tmp_path}/secret.jpg"):
        assert "leads out of" in reason({"id": "1", "image": name}, directory=inside)
    for name in ("none.jpg", ".", "x\0y"):
        assert reason({"id": "1", "image": name}, directory=inside)


def test_base64_of_rows_is_taken_as_people_write_it_and_never_costs_the_row():
    plain = base64.b64encode(b"jpeg??>").decode()
    ways = (plain, plain.rstrip("="), base64.urlsafe_b64encode(b"jpeg??>").decode(), f"data:image/jpeg;base64,{plain}")
    for way in ways:
        assert product({"id": "1", "images": [{"data": way}]})["images"] == [{"data": plain}]
    assert product({"id": "1", "image": ways[3]})["images"] == [{"data": plain}]
    unreadable = base64.b64encode(b"no base64!").decode()
    assert product({"id": "1", "images": [{"data": "no base64!"}]})["images"] == [{"data": unreadable}]


def test_pictures_over_the_message_bound_are_a_row_error(tmp_path):
    (tmp_path / "big.jpg").write_bytes(b"x" * MAX_MESSAGE_BYTES)
    (tmp_path / "half.jpg").write_bytes(b"x" * (MAX_MESSAGE_BYTES // 2))
    (tmp_path / "other.jpg").write_bytes(b"y" * (MAX_MESSAGE_BYTES // 2))
    assert "big.jpg" in reason({"id": "1", "image": "big.jpg"}, directory=tmp_path)
    assert "with its pictures" in reason({"id": "1", "image": "half.jpg,other.jpg"}, directory=tmp_path)


def test_later_rows_of_a_product_are_later_even_within_a_millisecond():
    outcomes = products({"id": "1"}, {"id": "2"}, {"id": "1"}, {"id": "2"})
    times = [outcome.event.time_ms for outcome in outcomes]
    assert times == [1_000, 1_000, 1_001, 1_001]


def test_a_versioned_row_is_the_same_event_whenever_it_is_published():
    now = itertools.count(1_000)
    first, again = products({"id": "1", "version": 3}, {"id": "1", "version": 3}, now=lambda: next(now))
    assert first.event.id == again.event.id
    first, again = products({"id": "1"}, {"id": "1"}, now=lambda: next(now))
    assert first.event.id != again.event.id


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=50))
def test_the_clock_never_gives_a_key_the_same_time_twice_nor_goes_back(ticks):
    now = itertools.accumulate(step for _, step in ticks)
    clock = EventClock(lambda: next(now))
    times = [(key, clock.next_time_ms(key)) for key, _ in ticks]
    assert len(set(times)) == len(times)
    assert [time for _, time in times] == sorted(time for _, time in times)


CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300) | st.lists(st.text(max_size=5))
COLUMNS = (
    st.sampled_from(["title", "price", "images", "categories", "reviews", "attributes", "rating", "tags"]) | st.text()
)


@given(st.dictionaries(COLUMNS, CELLS | st.dictionaries(st.text(), CELLS)))
def test_any_row_is_a_valid_event_or_a_rejection(cells):
    (outcome,) = products({"id": "p"} | cells)
    if isinstance(outcome, PreparedEvent):
        assert decode_event(PRODUCT_EVENTS, encode_event(outcome.event), {}, 0) == outcome.event


def test_a_click_log_becomes_shoppers_events():
    outcome = shopper({"event": "add_to_cart", "customer_id": 17.0, "sku": "p1", "timestamp": "1795168800", "qty": "2"})
    assert (outcome.topic, outcome.event.type, outcome.event.time_ms) == (USER_EVENTS, "user.carted", 1795168800000)
    assert msgspec.to_builtins(outcome.event.data) == {"user_id": "17", "product_id": "p1"}
    assert shopper({"type": "search", "user_id": "u", "query": "hoodie"}).event.data.query == "hoodie"
    assert shopper({"type": "user.profiled", "user_id": "u", "age": 30}).event.data.traits == {"age": "30"}
    opted_out = shopper({"type": "profile", "user_id": "u", "learning": "no"}).event.data
    assert opted_out == UserProfiled("u", {}, learning=False)
    login = shopper({"event": "login", "customer_id": 7, "anonymous_id": 8}).event
    assert (login.type, login.data) == ("user.identified", UserIdentified("7", "8"))


def test_a_shoppers_row_that_says_its_time_is_the_same_event_each_time():
    row = {"type": "view", "user": "u", "item": "p", "time": "2026-11-20"}
    assert shopper(row, now=lambda: 1).event == shopper(row, now=lambda: 2).event


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"user_id": "u"}, "no type"),
        ({"type": "teleported", "user_id": "u"}, "'teleported'"),
        ({"type": "viewed", "product_id": "p"}, "user_id"),
        ({"type": "viewed", "user_id": "u", "product_id": "p", "time": "soon"}, "soon"),
        ({"type": "product.deleted", "product_id": "p"}, "CloudEvents"),
        ({"specversion": "1.0", "type": "nothing"}, "'nothing'"),
        ({"specversion": "1.0", "type": "user.viewed", "id": "1", "source": "s", "data": {}}, "user_id"),
    ],
)
def test_a_row_that_is_no_event_says_why(cells, told):
    outcome = shopper(cells)
    assert isinstance(outcome, RejectedRow)
    assert told in outcome.reason


def test_cloud_events_are_published_as_they_are():
    data = {"product_id": "p", "version": 7, "title": None}
    line = {"specversion": "1.0", "id": "9", "source": "pim", "type": "product.updated", "time": "2026-11-20T10:00:00Z"}
    outcome = shopper(line | {"data": data})
    assert (outcome.topic, outcome.event.id, outcome.event.source) == (PRODUCT_EVENTS, "9", "pim")
    assert msgspec.to_builtins(outcome.event.data) == data


@needs_data
@pytest.mark.parametrize(("name", "count"), [("products.jsonl", 188), ("esci_products.parquet", 1_255)])
def test_real_catalogues_are_published_without_a_rejection(name, count):
    outcomes = list(product_events(read_rows(DATA / name), {}, LocalMedia(DATA).resolve, EventClock()))
    assert [outcome for outcome in outcomes if isinstance(outcome, RejectedRow)] == []
    assert len(outcomes) == count
    assert all(outcome.event.data.title for outcome in outcomes)
    assert all(outcome.event.data.images for outcome in outcomes)
