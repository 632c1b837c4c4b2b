"""Exports of any platform: packed, recognised, with columns that nobody knows."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from streams.files.platforms.profile import NAMES, load_profile
from tests.unit.streams.files.catalogues import send, send_text
from tests.unit.streams.files.platforms.tables import WOO, table, woo


@pytest.mark.parametrize("name", ["x.csv.gz", "x.zip", "x.csv.zip"])
def test_a_packed_export_is_read_as_its_contents(tmp_path: Path, name: str) -> None:
    path, text = tmp_path / name, table(WOO, woo("a") | {"Regular price": 5}).encode()
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("export.csv", text)
            archive.writestr("__MACOSX/export.csv", b"")
    assert send(path).products["a"]["price"] == 5


def test_who_names_the_platform_and_the_columns_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("sku,name,price,headline\n1,a,5,b\n", encoding="utf-8")
    sent = send(path, {"headline": "title"}, "magento")
    assert sent.products["1"]["title"] == "b" and not sent.said


def test_columns_that_a_profile_does_not_know_are_attributes_and_told(tmp_path: Path) -> None:
    sent = send_text(tmp_path, table([*WOO, "Ribbon"], woo("a") | {"Ribbon": "New"}))
    assert sent.products["a"]["attributes"] == {"Ribbon": "New"}
    assert list(sent.notice.unknown_columns) == ["Ribbon"]
    assert any("Ribbon (1)" in line for line in sent.notice.lines())


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_knows_the_columns_by_which_it_is_recognised(name: str) -> None:
    profile = load_profile(name)
    assert profile.title and profile.recognised_by and "product_id" in profile.fields
