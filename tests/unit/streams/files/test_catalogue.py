"""Catalogues as wholes: two readings of a file, and no row lost in silence."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import TooManyWithdrawals, UnreadableFile
from streams.files import bounded_reading
from streams.files.notice import FileNotice
from streams.files.platforms.profile import NAMES, load_profile
from streams.files.withdrawals import check_withdrawals
from tests.unit.streams.files.catalogues import send, send_all, send_text, workbook


def test_a_later_row_tells_how_an_earlier_one_is_written(tmp_path: Path) -> None:
    text = "id;title;price;created_at\n1;a;1.299;3/4/2026\n2;b;12,50;18/4/2026\n"
    sent = send_text(tmp_path, text)
    assert [product["price"] for product in sent.products.values()] == [1299, 12.5]
    assert sent.products["1"]["created_at"] == "2026-04-03T00:00:00Z"


def test_what_no_row_tells_is_refused_by_line_and_column(tmp_path: Path) -> None:
    sent = send_text(tmp_path, "id,title,price\n1,a,1.299\n2,b,5\n")
    assert list(sent.products) == ["2"]
    assert [(row.line, row.reason[:15]) for row in sent.rejected] == [(2, "price: '1.299' ")]


def test_the_lowest_valid_price_of_any_table_counts(tmp_path: Path) -> None:
    head = "id,price,sale_price,sale_price_effective_date\n"
    sent = send_text(tmp_path, head + "1,20,15,\n2,20,15,2020-01-01/2020-02-01\n3,20,,\n4,20,25,\n")
    assert [product["price"] for product in sent.products.values()] == [15, 20, 20, 20]


def test_an_unknown_word_costs_its_field_and_is_told(tmp_path: Path) -> None:
    sent = send_text(tmp_path, "id,title,availability\n1,a,perhaps\n2,b,lagernd\n3,c,perhaps\n")
    assert [product.get("in_stock") for product in sent.products.values()] == [None, True, None]
    assert any("availability 'perhaps' (2)" in line for line in sent.notice.lines())


def test_a_merchant_is_told_what_products_lack(tmp_path: Path) -> None:
    sent = send_text(tmp_path, "id,title,price,image,category\n1,a,5,https://s/1.jpg,Home\n2,b,,,\n3,c,4,,Home\n")
    assert "of 3 products 1 without price, 2 without picture, 1 without category" in list(sent.notice.lines())


def test_products_without_titles_and_rows_that_replace_others_are_told(tmp_path: Path) -> None:
    notice = FileNotice()
    assert len(send_all(tmp_path, "sku,price\na,1\nb,2\na,3\n", notice)) == 3
    lines = list(notice.lines())
    assert "3 without title" in lines[0] and "1 rows replace earlier ones" in lines[1]
    assert notice.faults == 1


def test_rows_of_a_product_that_follow_each_other_are_one(tmp_path: Path) -> None:
    rows = "a,Tee,9,https://s/1.jpg,S,Men > Tees\na,,8,https://s/2.jpg,M,Sale > Men\nb,Mug,5,,,\na,Tee,7,,L,\n"
    sent = [*send_all(tmp_path, "sku,name,price,image,size,category\n" + rows)]
    assert [event["product_id"] for event in sent] == ["a", "b", "a"]
    assert sent[0]["title"] == "Tee" and sent[0]["price"] == 8 and len(sent[0]["images"]) == 2
    assert sent[0]["attributes"] == {"size": ["S", "M"]} and sent[0]["categories"] == ["Men/Tees", "Sale/Men"]


def test_a_bad_row_of_a_product_costs_itself_alone(tmp_path: Path) -> None:
    sent = send_text(tmp_path, "sku,name,rating\na,Tee,4\na,,99\na b,x,1\na b,y,1\n")
    assert sent.products == {"a": {"product_id": "a", "title": "Tee", "rating": 4.0}}
    assert [row.line for row in sent.rejected] == [3, 4, 5]


def test_several_categories_of_a_table_are_kept(tmp_path: Path) -> None:
    sent = send_text(tmp_path, "id,categories\n1,Men > Tops; Sale > Men\n2,Men > Tops\n")
    assert sent.products["1"]["categories"] == ["Men/Tops", "Sale/Men"]
    assert sent.products["2"] == {"product_id": "2", "category": "Men/Tops"}


def test_parquet_of_spark_and_pandas(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pairs = pa.struct([("name", pa.string()), ("value", pa.string())])
    columns = {
        "id": pa.array(["1"]),
        "title": pa.array(["a"], pa.dictionary(pa.int8(), pa.string())),
        "price": pa.array([129.9], pa.float32()),
        "created_at": pa.array([1_767_323_951_123_456_789], pa.timestamp("ns", "UTC")),
        "attributes": pa.array([[("fit", "slim")]], pa.map_(pa.string(), pa.string())),
        "specs": pa.array([[{"name": "Zip", "value": "yes"}]], pa.list_(pairs)),
        "images": pa.array([[{"url": "https://s/1.jpg"}]], pa.list_(pa.struct([("url", pa.string())]))),
        "span": pa.array([5], pa.duration("ns")),
        "__index_level_0__": pa.array([0]),
    }
    pq.write_table(pa.table(columns), path)
    product = send(path).products["1"]
    assert product["price"] == 129.9 and product["created_at"].startswith("2026-01-02T03:19:11")
    assert product["attributes"] == {"fit": "slim", "Zip": "yes", "span": "5"}
    assert product["images"] == [{"url": "https://s/1.jpg"}]


@pytest.mark.parametrize(
    ("column", "kind", "cell", "said"),
    [
        ("price", pa.decimal128(12, 4), Decimal("79.9000"), {"price": 79.9}),
        ("price", pa.int64(), 79, {"price": 79}),
        ("created_at", pa.date32(), date(2026, 1, 2), {"created_at": "2026-01-02T00:00:00Z"}),
        ("created_at", pa.timestamp("ms"), datetime(2026, 1, 2, 3), {"created_at": "2026-01-02T03:00:00Z"}),
        ("tags", pa.list_(pa.string()), ["soft", "warm"], {"tags": ["soft", "warm"]}),
        ("in_stock", pa.bool_(), False, {"in_stock": False}),
        ("colour", pa.dictionary(pa.int32(), pa.large_string()), "Navy", {"attributes": {"colour": "Navy"}}),
        ("attributes", pa.map_(pa.string(), pa.float32()), [("weight", 1.1)], {"attributes": {"weight": "1.1"}}),
        (
            "attributes",
            pa.struct([("fit", pa.string()), ("zip", pa.string())]),
            {"fit": "slim"},
            {"attributes": {"fit": "slim"}},
        ),
    ],
)
def test_a_cell_of_parquet_says_what_it_says_in_its_type(
    tmp_path: Path, column: str, kind: pa.DataType, cell: Any, said: dict[str, Any]
) -> None:
    pq.write_table(pa.table({"id": ["1"], column: pa.array([cell], kind)}), tmp_path / "x.parquet")
    assert said.items() <= send(tmp_path / "x.parquet").products["1"].items()


def test_a_workbook_is_read_below_its_title(tmp_path: Path) -> None:
    workbook(tmp_path / "x.xlsx", ["Our range"], ["sku", "name", "price"], [1001, "Mug", 12.5], [1002, "Jug", 20])
    sent = send(tmp_path / "x.xlsx")
    assert sent.products["1001"] == {"product_id": "1001", "title": "Mug", "price": 12.5}
    assert sent.products["1002"]["price"] == 20


def test_a_workbooks_rows_are_numbered_as_people_see_them(tmp_path: Path) -> None:
    workbook(tmp_path / "x.xlsx", [], [], ["sku", "price"], ["a", 5], [], ["b", "much"])
    sent = send(tmp_path / "x.xlsx")
    assert list(sent.products) == ["a"] and [row.line for row in sent.rejected] == [6]
    workbook(tmp_path / "y.xlsx", [])
    with pytest.raises(UnreadableFile, match=r"y\.xlsx has no sheet with a header"):
        send(tmp_path / "y.xlsx")


def test_what_unpacks_to_far_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_reading, "UNSUSPECTED_BYTES", 2**20)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", b"id,title\n" + b"1,a\n" * 2**22)
    with pytest.raises(UnreadableFile, match="unpacks to"):
        send(tmp_path / "x.zip")


def test_an_archive_of_several_tables_is_refused_by_their_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.csv", "id\n1\n")
        archive.writestr("b.csv", "id\n2\n")
    with pytest.raises(UnreadableFile, match=r"a\.csv, b\.csv"):
        send(tmp_path / "x.zip")


def test_more_withdrawals_than_a_slip_should_make_are_refused() -> None:
    check_withdrawals(20, 20, None)
    check_withdrawals(200, 1_000, None)
    check_withdrawals(1_000, 1_000, 1_000)
    with pytest.raises(TooManyWithdrawals, match="--withdraw-at-most 201"):
        check_withdrawals(201, 1_000, None)
    with pytest.raises(TooManyWithdrawals):
        check_withdrawals(1, 1_000, 0)


WORDS = ['27" wide', "https://s/1.jpg", "sku=p1,x=y", "id:3", "A > B, C", "p1", "p2", "\\N", "nan", "variation"]
WORDS += [
    "",
    "1",
    "0",
    "-1",
    "12,50",
    "1.299",
    "$5",
    "3/4/2026",
    "2020-01-01",
    "hidden",
    "draft",
    "Red, Blue",
    "a=b,c=d|e",
]
CELLS = st.sampled_from(WORDS) | st.text(max_size=12)


def _columns(platform: str) -> list[str]:
    """Columns of a platform's export, and one of nobody's."""
    profile = load_profile(platform)
    columns = [column.split("|")[0] for column in profile.recognised_by]
    columns += [column for field in profile.fields.values() for column in field if "." not in column]
    columns += [name.format(n=1) for pair in profile.attributes.pairs for name in pair if "." not in name]
    columns += [*profile.unpublished, *profile.variants.parent, *profile.variants.children, *profile.attributes.maps]
    columns += [*profile.variants.marks, *profile.variants.block, profile.variants.impact, *profile.reductions]
    return list(dict.fromkeys([*filter(None, columns), "whatever"]))


def _cells(platform: str, column: str) -> st.SearchStrategy[str]:
    """Cells of a column: anything, and what means something there."""
    profile = load_profile(platform)
    told = (profile.rules, profile.unpublished, profile.variants.heads, profile.variants.kinds)
    words = [word for words in told for word in words.get(column, ())]
    words += ["[S]Size=M"] if column in profile.attributes.patterns else []
    return st.sampled_from(words) | CELLS if words else CELLS


@pytest.mark.parametrize("platform", [name for name in NAMES if name != "schema.org"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_row_is_published_merged_hidden_or_rejected_by_name(
    tmp_path: Path, platform: str, data: st.DataObject
) -> None:
    columns = _columns(platform)
    ids = load_profile(platform).fields["product_id"][0]
    rows = data.draw(st.lists(st.tuples(*(_cells(platform, column) for column in columns)).map(list), max_size=6))
    rows = [
        [f"p{number % 4}" if column == ids else cell for column, cell in zip(columns, row, strict=True)]
        for number, row in enumerate(rows)
    ]
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    path = tmp_path / "x.csv"
    path.write_bytes(text.getvalue().encode("utf-8", "replace"))
    sent = send(path, platform=platform)
    notice = sent.notice
    done = len(sent.products) + len(sent.rejected) + notice.hidden + notice.merged + notice.unused_rules
    assert done == sum(any(row) for row in rows)
    assert all(row.line > 0 and row.reason for row in sent.rejected)
