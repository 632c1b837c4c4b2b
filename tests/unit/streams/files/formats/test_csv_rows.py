"""CSVs as shops' programs write them; no cell ever comes into another's column."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.files.formats.row import RejectedRow, Row
from streams.files.rows import read_rows


def titles(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    return [row.cells.get("title", "") if isinstance(row, Row) else f"line {row.line}" for row in read_rows(path)]


@pytest.mark.parametrize(
    "head",
    [
        "sep=;\n",
        '"sep=;"\r\n',
        "Product export\n\n",
        "Shop;X\nDate;today\n",
        "Export;;;\n",
        "# by x\n# at y; z\n",
        "\ufeff",
    ],
)
def test_what_stands_above_the_header_is_passed_over(tmp_path: Path, head: str) -> None:
    assert titles(tmp_path, head + "id;title;price;stock\n1;Größe, lang;1,50;3\n2;b;2,50;4\n") == ["Größe, lang", "b"]


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_the_delimiter_is_found_where_others_are_in_the_cells(tmp_path: Path, delimiter: str) -> None:
    row = delimiter.join(["1", '"a, b; c | d"', "2"])
    assert titles(tmp_path, delimiter.join(["id", "title", "price"]) + f"\n{row}\n") == ["a, b; c | d"]


@pytest.mark.parametrize(
    ("cell", "title"),
    [
        ('"27"" screen"', '27" screen'),
        ('"Monitor 27" wide"', 'Monitor 27" wide'),
        ('"27" wide, black"', '27" wide, black'),
        ('"TV 27""', 'TV 27"'),
        ('27" TV', '27" TV'),
        ('"27in', '"27in'),
        ('"12\\" screen, black"', '12" screen, black'),
        ("red\\, blue", "red, blue"),
        ('"a\nb, c"', "a\nb, c"),
        ("\\N", "\\N"),
    ],
)
def test_quotes_and_escapes_of_any_program_stay_within_their_cell(tmp_path: Path, cell: str, title: str) -> None:
    assert titles(tmp_path, f"id,title,price\n1,{cell},9\n2,ok,3\n3,fine,4\n") == [title, "ok", "fine"]


def test_a_row_whose_quotes_make_no_sense_is_rejected_and_the_next_is_read(tmp_path: Path) -> None:
    assert titles(tmp_path, 'id,title,price\n1,"27", wide", x,9\n2,"b",3\n') == ["line 2", "b"]
    assert titles(tmp_path, 'id,title,price\n1,"27in,9\n2,"foo",3\n') == ['"27in', "foo"]


def test_many_open_quotes_do_not_read_a_file_over_and_over(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,title\n" + '1,"a"b"c,d,e\n' * 20_000, encoding="utf-8")
    assert all(isinstance(row, RejectedRow) for row in read_rows(path))
