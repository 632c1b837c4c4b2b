"""Which encoding a CSV is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import UnreadableFile
from streams.files.formats.row import RejectedRow, Row
from streams.files.rows import Table, read_rows

TITLES = {
    "gbk": ["手机壳", "不锈钢保温杯 大容量"],
    "gb18030": ["電鍋 家用", "女裝 連衣裙"],
    "big5": ["女裝長袖襯衫", "運動鞋"],
    "cp932": ["ステンレス鍋", "レディース長袖シャツ"],
    "euc_jp": ["赤いワンピース", "電気ケトル"],
    "cp949": ["남성용 운동화", "빨간 원피스"],
    "cp1250": ["Červené šaty", "Příborový nůž"],
    "cp1251": ["Жіночі чоботи", "Красное платье"],
    "koi8_r": ["Красное платье", "Самовар"],
    "cp1252": ["Röd klänning", "Grüne Mütze für Jungen"],
    "cp1253": ["Κόκκινο φόρεμα", "Παπούτσια"],
    "cp1254": ["Kırmızı elbise", "Şık çanta ve ayakkabı"],
    "cp1255": ["שמלה אדומה", "נעליים"],
    "cp1256": ["فستان أحمر", "حذاء رياضي"],
    "cp1257": ["Sarkanā kleita", "Ķērpju krāsas žakete"],
    "cp874": ["ชุดเดรสสีแดง", "รองเท้า"],
    "utf-16-le": ["Größe", "短袖"],
    "utf-16-be": ["Größe", "短袖"],
    "utf-32": ["Größe", "短袖"],
}


@pytest.mark.parametrize("encoding", TITLES)
def test_a_files_letters_tell_its_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.csv"
    lines = ["sku,title,price", *(f"{number},{title},19.90" for number, title in enumerate(TITLES[encoding]))]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    rows = [row for row in read_rows(path) if isinstance(row, Row)]
    assert [row.cells["title"] for row in rows] == TITLES[encoding]


def test_a_choice_that_is_not_sure_is_refused_with_the_candidates(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("id,name\n1,Női csizma\n".encode("cp1250"))
    with pytest.raises(UnreadableFile, match=r"may be .* or .*sure to .*--encoding"):
        list(read_rows(path))
    assert [row.cells["name"] for row in read_rows(path, "cp1250") if isinstance(row, Row)] == ["Női csizma"]


def test_a_broken_line_of_utf8_is_rejected_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    good = [f"{number},Größe {number}\n".encode() for number in range(9)]
    path.write_bytes(b"id,name\n" + b"".join(good) + b"9,Gr\xf6\xdfe\n")
    *read, last = read_rows(path)
    assert len(read) == 9
    assert last == RejectedRow(11, "not UTF-8")


def test_the_choice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("id,name\n1,Calça de algodão\n".encode("cp1252"))
    found = Table(path).encoding
    assert found is not None and found.name == "cp1252" and found.confidence > 0.95
    path.write_text("id,name\n1,Calça\n", encoding="utf-8")
    assert Table(path).encoding is None
