"""Reading rows of real-life files."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import UnreadableFile
from streams.files.rows import RejectedRow, Row, read_rows

TEXT = 'id;name;note\n1;Größe;"a;b\n""c"""\n\n2;短袖;\n'
ROWS = [{"id": "1", "name": "Größe", "note": 'a;b\n"c"'}, {"id": "2", "name": "短袖", "note": ""}]


def rows(path, **options):
    return list(read_rows(path, **options))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_is_read_whatever_its_mark_delimiter_and_quotes(tmp_path, encoding):
    path = tmp_path / "x.csv"
    path.write_bytes(TEXT.encode(encoding))
    assert [row.cells for row in rows(path)] == ROWS
    assert [row.line for row in rows(path)] == [3, 5]


def test_a_csv_that_is_not_utf8_is_windows_text_or_what_it_is_said_to_be(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("id,name\r\n1,Café ’n’ Crème\r\n".encode("cp1252"))
    assert rows(path)[0].cells["name"] == "Café ’n’ Crème"
    path.write_bytes("id,name\n1,短袖\n".encode("gb18030"))
    assert rows(path, encoding="gb18030")[0].cells["name"] == "短袖"
    with pytest.raises(UnreadableFile, match="--encoding"):
        rows(path, encoding="utf-8")
    with pytest.raises(UnreadableFile, match="--encoding"):
        rows(path, encoding="klingon")


def test_a_compressed_file_is_read_as_its_contents(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    assert [row.cells for row in rows(path)] == ROWS
    path.write_bytes(gzip.compress(TEXT.encode())[:-9])
    with pytest.raises(UnreadableFile, match=r"x\.csv\.gz"):
        rows(path)


def test_a_row_with_too_many_cells_is_rejected_and_the_next_is_read(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2,3\n4\n5,6,\n", encoding="utf-8")
    first, *others = rows(path)
    assert first == RejectedRow(2, "3 cells, but the header names 2 columns")
    assert [row.cells for row in others] == [{"a": "4"}, {"a": "5", "b": "6"}]


@pytest.mark.parametrize(("text", "fault"), [("", "no header"), ("a,b,a\n1,2,3\n", "more than once: a")])
def test_a_header_that_names_nothing_or_twice_is_refused(tmp_path, text, fault):
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFile, match=fault):
        rows(path)


def test_bad_lines_of_json_are_rejected_by_number_and_the_rest_read(tmp_path):
    path = tmp_path / "x.jsonl"
    lines = [b'\xef\xbb\xbf{"id": 1, "price": NaN}', b"", b"{", b"[1]", b'{"id": "\xff"}', b"[" * 100_000, b'{"id": 2}']
    path.write_bytes(b"\n".join(lines))
    read = rows(path)
    assert [row.line for row in read] == [1, 3, 4, 5, 6, 7]
    assert [isinstance(row, Row) for row in read] == [True, False, False, False, False, True]
    assert [row.reason[:8] for row in read[1:5]] == ["not JSON", "not a JS", "not UTF-", "not JSON"]


def test_parquet_rows_are_numbered_from_one(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"id": [f"p{i}" for i in range(200)], "sizes": [["S", "M"]] * 200}), path)
    read = rows(path)
    assert len(read) == 200
    assert read[-1] == Row(200, {"id": "p199", "sizes": ["S", "M"]}, 1.0)


@pytest.mark.parametrize("name", ["x.parquet", "x.csv.gz", "missing.jsonl"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, name):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / "x.csv.gz").write_bytes(b"plain")
    with pytest.raises(UnreadableFile, match=name):
        rows(tmp_path / name)


WRITTEN = st.text(st.characters(codec="utf-8"), min_size=1)


@given(st.lists(st.fixed_dictionaries({"id": WRITTEN, "note": WRITTEN}), max_size=20))
def test_what_a_csv_or_json_writer_wrote_is_read_back(tmp_path_factory, written):
    written = [
        {name: cell.replace("\x00", "").replace("\r", "") or "x" for name, cell in row.items()} for row in written
    ]
    directory = tmp_path_factory.mktemp("rows")
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "note"], quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(written)
    (directory / "x.csv").write_bytes(text.getvalue().encode())
    (directory / "x.jsonl").write_text("\n".join(map(json.dumps, written)), encoding="utf-8")
    assert [row.cells for row in rows(directory / "x.jsonl")] == written
    assert [row.cells for row in rows(directory / "x.csv")] == written
