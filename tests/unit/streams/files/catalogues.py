"""Catalogues of tests: a file's text, and what publishing it would send."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from streams.files.catalogue import Catalogue
from streams.files.conventions.survey import Conventions
from streams.files.formats.row import RejectedRow
from streams.files.local_media import LocalMedia
from streams.files.notice import FileNotice
from streams.files.prepared_events import EventClock


@dataclass
class Sent:
    """What a catalogue's events say."""

    products: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    withdrawn: set[str] = field(default_factory=set[str])
    rejected: list[RejectedRow] = field(default_factory=list[RejectedRow])
    said: list[str] = field(default_factory=list[str])
    notice: FileNotice = field(default_factory=FileNotice)


def send(path: Path, renames: Mapping[str, str] | None = None, platform: str | None = None) -> Sent:
    """What publishing a file would send."""
    sent = Sent()
    catalogue = Catalogue(path, None, renames or {}, Conventions(), sent.said.append, platform)
    sent.notice = catalogue.notice
    for outcome in catalogue.events(LocalMedia(None).resolve, EventClock()):
        if isinstance(outcome, RejectedRow):
            sent.rejected.append(outcome)
            continue
        data = msgspec.to_builtins(outcome.event.data)
        assert data["product_id"] not in sent.products
        sent.products[data["product_id"]] = data
    sent.withdrawn = catalogue.hidden_ids
    return sent


def send_all(directory: Path, text: str, notice: FileNotice | None = None) -> list[dict[str, Any]]:
    """The products of a table's events, in their order; `notice`: is told of them."""
    path = directory / "x.csv"
    path.write_text(text, encoding="utf-8")
    catalogue = Catalogue(path, None, {}, Conventions(), lambda _line: None)
    catalogue.notice = notice or catalogue.notice
    outcomes = catalogue.events(LocalMedia(None).resolve, EventClock())
    return [msgspec.to_builtins(outcome.event.data) for outcome in outcomes if not isinstance(outcome, RejectedRow)]


def send_text(directory: Path, text: str, name: str = "x.csv", platform: str | None = None) -> Sent:
    """What publishing a file of a text would send."""
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return send(path, platform=platform)


def workbook(path: Path, *rows: list[object]) -> None:
    """A workbook of one sheet."""
    cells = "".join(
        "<row>"
        + "".join(
            f"<c><v>{cell}</v></c>" if isinstance(cell, int | float) else f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
            for cell in row
        )
        + "</row>"
        for row in rows
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
            "</workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{links}/worksheet"'
            ' Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{links}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{types}"><Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{office}.sheet.main+xml"/></Types>',
        )
