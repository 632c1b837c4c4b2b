"""Workbooks that are small, and whose cells are not."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from streams.errors import UnreadableFile
from streams.files.formats.workbook_size import MAX_WORKBOOK_BYTES, check_size
from tests.unit.streams.files.catalogues import send, workbook


def write_shared(path: Path, text: str, rows: int) -> None:
    """A workbook whose rows' titles are all one shared text."""
    workbook(path, ["sku", "title"])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    cells = "".join(f'<row><c><v>{at}</v></c><c t="s"><v>1</v></c></row>' for at in range(rows))
    sheet, types, links = "xl/worksheets/sheet1.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"
    parts[sheet] = parts[sheet].replace("</sheetData>", f"{cells}</sheetData>")
    shared = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    parts[types] = parts[types].replace(
        "</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{shared}"/></Types>'
    )
    parts[links] = parts[links].replace(
        "</Relationships>", f'<Relationship Id="r9" Type="{kind}" Target="sharedStrings.xml"/></Relationships>'
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{main}"><si><t>x</t></si><si><t>{text}</t></si></sst>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def test_a_text_that_many_cells_share_counts_for_each(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    write_shared(path, "Tee" * 400, 10)
    assert len(send(path).products) == 10 and len(send(path).products["9"]["title"]) == 1_000
    write_shared(path, "x" * 100_000, 5_000)
    with pytest.raises(UnreadableFile, match=r"unpacks to 500 MB, more than the 400 MB"):
        send(path)
    write_shared(path, "x" * 1_200, 500)
    with path.open("rb") as raw, pytest.raises(UnreadableFile, match="save it as CSV"):
        # Pieces end in the middle of cells.
        check_size(path, raw, max_bytes=500 * 1_222 - 1, piece_bytes=700)
    with path.open("rb") as raw:
        check_size(path, raw, max_bytes=500 * 1_222, piece_bytes=700)


@pytest.mark.parametrize("reference", ["XFD1048576", "A100000"])
def test_a_far_cell_is_refused_only_where_the_rectangle_around_all_cells_is_too_large(
    tmp_path: Path, reference: str
) -> None:
    path = tmp_path / "x.xlsx"
    workbook(path, ["sku", "title"], ["a", "b"])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet, far = "xl/worksheets/sheet1.xml", f'<row><c r="{reference}"><v>1</v></c></row></sheetData>'
    parts[sheet] = parts[sheet].replace(b"</sheetData>", far.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    if reference.startswith("XFD"):
        with pytest.raises(UnreadableFile, match="a cell far below"):
            send(path)
    else:
        assert set(send(path).products) == {"a", "1"}


def test_a_workbook_that_unpacks_to_far_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    piece = bytes(2**20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("x", "w") as member:
        for _ in range(MAX_WORKBOOK_BYTES // len(piece) + 1):
            member.write(piece)
    with pytest.raises(UnreadableFile, match="unpacks to"):
        send(path)
