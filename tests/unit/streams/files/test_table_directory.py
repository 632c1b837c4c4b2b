"""Directories as tables: of Spark, of several files of one kind, of a platform's products and their variants."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import UnreadableFile
from streams.files.rows import RejectedRow, Row
from streams.files.table_directory import open_table
from tests.unit.streams.files.catalogues import Sent, send

CSV = "sku,title,price\n"


def write(directory: Path, files: dict[str, str | bytes]) -> Path:
    """A directory of files."""
    for name, content in files.items():
        path = directory / "all" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return directory / "all"


def send_files(directory: Path, files: dict[str, str | bytes]) -> Sent:
    return send(write(directory, files))


def test_what_spark_writes_is_one_catalogue_with_the_partitions_of_its_paths(tmp_path: Path) -> None:
    directory = write(tmp_path, {"_SUCCESS": b"", ".part-0.parquet.crc": b"crc", "_temporary/0/part-9.parquet": b"no"})
    for number, partition in enumerate(
        ["brand=Luma/month=1", "brand=H%26M/month=1", "brand=__HIVE_DEFAULT_PARTITION__"]
    ):
        (directory / partition).mkdir(parents=True)
        table = pa.table({"sku": [f"a{number}", f"b{number}"], "price": [1.5, 2.5]})
        pq.write_table(table, directory / partition / f"part-0000{number}-c000.snappy.parquet")
    sent = send(directory)
    assert {name: product.get("brand") for name, product in sent.products.items()} == {
        "a0": "Luma",
        "b0": "Luma",
        "a1": "H&M",
        "b1": "H&M",
        "a2": None,
        "b2": None,
    }
    assert sent.products["a0"]["attributes"] == {"month": "1"} and not sent.rejected


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".csv.gz", ".json.gz"])
def test_part_files_of_every_kind_are_read_in_the_order_of_their_names(tmp_path: Path, suffix: str) -> None:
    files: dict[str, str | bytes] = {"_SUCCESS": ""}
    for number in (2, 0, 1):
        row = {"sku": f"s{number}", "title": "Tee", "price": str(number)}
        text = f"{CSV}{','.join(row.values())}\n" if ".csv" in suffix else json.dumps(row) + "\n"
        files[f"part-{number}{suffix}"] = gzip.compress(text.encode()) if suffix.endswith(".gz") else text
    sent = send_files(tmp_path, files)
    assert list(sent.products) == ["s0", "s1", "s2"] and sent.products["s2"]["price"] == 2


def test_how_prices_are_written_is_seen_from_all_files(tmp_path: Path) -> None:
    sent = send_files(tmp_path, {"a.csv": f"{CSV}a,Tee,1.299\n", "b.csv": f'{CSV}b,Mug,"9,50"\n'})
    assert [product["price"] for product in sent.products.values()] == [1299, 9.5]


def test_each_file_has_an_encoding_and_a_delimiter_of_its_own(tmp_path: Path) -> None:
    titles = ["Größe für Türen, schön", "Käse aus Österreich", "Müsli mit Nüssen", "Bücher über Vögel"]
    legacy = "".join(f"b{at};{title};5\n" for at, title in enumerate(titles * 5))
    files: dict[str, str | bytes] = {
        "a.csv": f"{CSV}a,Grün,5\n",
        "b.csv": ("sku;title;price\n" + legacy).encode("cp1252"),
    }
    sent = send_files(tmp_path, files)
    assert sent.products["a"]["title"] == "Grün" and sent.products["b0"]["title"] == titles[0]
    assert sent.said[0].startswith("b.csv is read as")


def test_a_rejected_row_is_named_by_its_file_and_line(tmp_path: Path) -> None:
    directory = write(tmp_path, {"a.csv": f"{CSV}a,Tee,5\n", "b/c.csv": f"{CSV}b,Mug,5\nc,Mug,much\n"})
    table = open_table(directory)
    lines = [row.line for row in table.rows()]
    assert [table.place(line) for line in lines] == ["a.csv, line 2", "b/c.csv, line 2", "b/c.csv, line 3"]
    assert lines == sorted(set(lines))
    rejected = send(directory).rejected
    assert [table.place(row.line) for row in rejected] == ["b/c.csv, line 3"]


def test_what_is_read_advances_from_none_to_all(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"{name}.csv": f"{CSV}a,Tee,5\nb,Mug,5\n" for name in "ab"}
    rows = list(open_table(write(tmp_path, files)).rows())
    fractions = [row.fraction_read for row in rows if isinstance(row, Row)]
    assert (
        fractions == sorted(fractions) and fractions[-1] == 1 and not any(isinstance(row, RejectedRow) for row in rows)
    )


def test_tables_of_different_kinds_and_directories_without_one_are_refused(tmp_path: Path) -> None:
    reviews = "user,stars,text\nu,5,Good\n"
    with pytest.raises(UnreadableFile, match=r"reviews\.csv has other columns \(stars, text, user\) than"):
        send_files(tmp_path, {"products.csv": f"{CSV}a,Tee,5\n", "reviews.csv": reviews})
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.jpg").write_bytes(b"")
    with pytest.raises(UnreadableFile, match="holds no file of a table"):
        send(tmp_path / "empty")


def test_a_link_out_of_the_directory_is_refused_and_one_within_it_is_read(tmp_path: Path) -> None:
    directory = write(tmp_path, {"..data/part-0.csv": CSV + "a,b,1\n"})
    (directory / "part-0.csv").symlink_to(directory / "..data" / "part-0.csv")
    assert set(send(directory).products) == {"a"}
    (tmp_path / "other.csv").write_text(CSV + "secret,b,1\n")
    (directory / "part-1.csv").symlink_to(tmp_path / "other.csv")
    with pytest.raises(UnreadableFile, match=r"part-1\.csv leads out of"):
        send(directory)


def test_prestashops_products_and_combinations_are_published_together(tmp_path: Path) -> None:
    products = "Product ID;Active (0/1);Name *;Price tax excluded;Reference #\n1;1;Mug;10.00;m\n2;1;Lamp;5.00;l\n"
    columns = "Product ID*;Attribute (Name:Type:Position)*;Value (Value:Position)*;Reference;Impact on price\n"
    combinations = columns + "1;Size:select:0;L:0;m-l;2.50\n1;Size:select:0;S:1;m-s;\n"
    sent = send_files(tmp_path, {"combinations.csv": combinations, "products.csv": products})
    assert {name: product["price"] for name, product in sent.products.items()} == {"m-l": 12.5, "m-s": 10, "l": 5}
    assert sent.products["m-l"]["title"] == "Mug" and sent.products["m-s"]["group_id"] == "1"
