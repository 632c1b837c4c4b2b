"""Whatever a file holds, reading it takes bounded memory and time in proportion to its size."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import UnreadableFile
from streams.files import bounded_reading
from streams.files.bounded_reading import MAX_ROW_CHARS, MAX_VALUES
from streams.files.columns.cells import as_media_list, as_number, as_text
from streams.files.columns.fields import product_fields
from streams.files.conventions.dates import read_time
from streams.files.conventions.prices import read_price
from streams.files.rows import RejectedRow, Row, read_rows
from vitrine.commands.search.filter_expressions import parse_filter_expressions

_READ = """
import resource, sys
from pathlib import Path
from streams.errors import UnreadableFile
from streams.files.memory_bound import bounded_memory
from streams.files.rows import read_rows
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    with bounded_memory(2**28):
        for row in read_rows(Path(sys.argv[1])):
            pass
        print("read", end=" ")
except UnreadableFile as error:
    print("refused", end=" ")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def _reading(path: Path) -> tuple[str, int]:
    """What becomes of reading a file in a process of its own, and the MiB that it takes."""
    command = [sys.executable, "-c", _READ, str(path)]
    outcome, mebibytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return outcome, int(mebibytes)


def _zeros(path: Path, head: bytes, fill: bytes, length: int) -> Path:
    with gzip.open(path, "wb", compresslevel=6) as file:
        file.write(head)
        for _ in range(length // len(fill)):
            file.write(fill)
    return path


@pytest.mark.parametrize("name", ["x.csv.gz", "x.jsonl.gz"])
def test_a_compressed_line_without_end_takes_little_memory(tmp_path: Path, name: str) -> None:
    path = _zeros(tmp_path / name, b"id,title\n1,", b"a" * 2**20, 600 * 2**20)
    assert path.stat().st_size < 2**20
    outcome, mebibytes = _reading(path)
    assert outcome == "refused"
    assert mebibytes < 200


@pytest.mark.parametrize(
    ("name", "head", "fill"),
    [
        ("x.csv", b"id,title\n1,", b"," * 2**20),
        ("x.csv", b'id,title\n1,"', b"a" * (2**20 - 1) + b"\n"),
        ("x.jsonl", b'{"id":[', b"[]," * 2**18),
        ("x.jsonl", b"", b"[" * 2**20),
    ],
)
def test_rows_with_too_much_in_them_take_little_memory(tmp_path: Path, name: str, head: bytes, fill: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(head + fill * 40)
    outcome, mebibytes = _reading(path)
    assert outcome == "read"
    assert mebibytes < 300


def test_parquet_that_makes_gigabytes_of_little_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"id": ["a" * 10_000_000] * 64}), path, compression="zstd")
    assert path.stat().st_size < 2**20
    outcome, mebibytes = _reading(path)
    assert outcome == "refused"
    assert mebibytes < 400


def test_the_ratio_alone_is_no_reason(tmp_path: Path) -> None:
    path = _zeros(tmp_path / "x.csv.gz", b"id,title\n", b"1,a\n" * 2**10, 2**22)
    assert path.stat().st_size * 200 < 2**22
    assert sum(isinstance(row, Row) for row in read_rows(path)) == 2**20


def test_an_unpacked_size_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_reading, "UNSUSPECTED_BYTES", 2**20)
    path = _zeros(tmp_path / "x.csv.gz", b"id,title\n", b"1,a\n" * 2**10, 2**24)
    with pytest.raises(UnreadableFile, match=r"x\.csv\.gz unpacks to over \d+ MB, more than 200 times"):
        list(read_rows(path))


def test_elements_that_lie_too_deep_in_each_other_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_bytes(b"<rss><item><id>a</id>" + b"<b>" * 90 + b"c" + b"</b>" * 90 + b"</item></rss>")
    assert len(list(read_rows(path))) == 1
    path.write_bytes(b"<rss><item>" + b"<b>" * 1_000_000)
    with pytest.raises(UnreadableFile, match="over 100 deep"):
        list(read_rows(path))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_is_refused_that_cannot_be_unpacked_little_by_little(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", method) as archive:
        archive.writestr("x.csv", "sku,title\na,b\n")
    with pytest.raises(UnreadableFile, match="not packed by deflate"):
        list(read_rows(tmp_path / "x.zip"))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.csv")
    with pytest.raises(UnreadableFile, match="no regular file"):
        list(read_rows(tmp_path / "x.csv"))


def test_a_row_that_is_too_long_is_rejected_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,title\n1," + "a" * (MAX_ROW_CHARS + 10) + "\n2,b\n3," + "," * MAX_VALUES + "\n4,c\n")
    long, second, wide, fourth = read_rows(path)
    assert isinstance(long, RejectedRow) and "longer than" in long.reason
    assert isinstance(wide, RejectedRow) and "cells" in wide.reason
    assert isinstance(second, Row) and second.cells == {"id": "2", "title": "b"} and second.line == 3
    assert isinstance(fourth, Row) and fourth.cells == {"id": "4", "title": "c"} and fourth.line == 5


def test_absurd_numbers_of_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(",".join(f"c{number}" for number in range(20_000)) + "\n1\n")
    pq.write_table(pa.table({f"c{number}": [1] for number in range(10_001)}), tmp_path / "x.parquet")
    for name in ("x.csv", "x.parquet"):
        with pytest.raises(UnreadableFile, match="columns"):
            list(read_rows(tmp_path / name))


_BLANKS = " " * 200_000


@pytest.mark.timeout(20)
def test_cells_are_read_in_time_in_proportion_to_their_size() -> None:
    assert as_media_list("http://a" + _BLANKS + "b") == ["http://a" + _BLANKS + "b"]
    assert as_media_list("http://a" + _BLANKS + "http://b") == ["http://a", "http://b"]
    for read in (as_number, read_price, read_time):
        with pytest.raises(ValueError, match="is no"):
            read("1" + _BLANKS + "x" + "9" * 200_000)
    fields = product_fields({"id": "1", "category": "Men" + _BLANKS + "Tops"}, {}, lambda cell: {"url": cell})
    assert fields["category"].startswith("Men")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", [f"a{_BLANKS}", f"a{_BLANKS}!b={_BLANKS}", f"{_BLANKS}=1", f"a={_BLANKS}"])
def test_filters_are_read_in_time_in_proportion_to_their_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no filter"):
        parse_filter_expressions([text])


@pytest.mark.parametrize(
    ("cell", "urls"),
    [
        ("http://a/1,2.jpg, http://b", ["http://a/1,2.jpg", "http://b"]),
        (" https://a|file:b.png;data:x ", ["https://a", "file:b.png", "data:x"]),
        ("http://a/?to=http://b", ["http://a/?to=http://b"]),
        ("http://a\nhttp://b", ["http://a", "http://b"]),
    ],
)
def test_urls_are_parted_where_another_one_begins(cell: str, urls: list[str]) -> None:
    assert as_media_list(cell) == urls


@pytest.mark.parametrize("mark", ["<", "<div>", "<b a=1>", "&amp;", "<!--", "&lt;b&gt;"])
def test_a_category_of_nothing_but_markup_is_read_no_further_than_a_path_goes(mark: str) -> None:
    for cell in ("Men>" + mark * 500_000, ["Men/Tops", *(f"{number}{mark * 2_000}" for number in range(500))]):
        fields = product_fields({"id": "1", "category": cell}, {}, lambda media: {"url": media})
        assert fields["category"].startswith("Men") and len(fields.get("categories", [])) <= 64


def test_levels_of_a_category_may_have_blanks_around_their_marks() -> None:
    for text in ("Men > Tops >Hoodies", "Men»Tops»  Hoodies", "Men | Tops|Hoodies"):
        fields = product_fields({"id": "1", "category": text}, {}, lambda cell: {"url": cell})
        assert fields["category"] == "Men/Tops/Hoodies"


def test_null_characters_are_blanks() -> None:
    assert as_text("a\0b\0") == "a b"


@pytest.mark.timeout(20)
def test_a_python_list_is_read_up_to_a_size_and_else_stays_text() -> None:
    long = "['" + "', '".join(["x"] * 50_000) + "']"
    fields = product_fields({"id": "1", "tags": long, "title": "t"}, {}, lambda cell: {"url": cell})
    assert len(json.dumps(fields)) < 100_000
