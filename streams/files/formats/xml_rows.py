"""Rows of an XML feed: RSS items, Atom entries, products. A child element is a cell, by its name without namespace."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from streams.errors import UnreadableFile
from streams.files.bounded_reading import MAX_ROW_CHARS, MAX_VALUES, Unpacked
from streams.files.formats.row import Row, RowStream

ROW_ELEMENTS: Final = frozenset({"item", "entry", "product", "offer", "row", "record"})
MAX_DEPTH: Final = 100
"""How deep elements may lie in each other: each takes memory until it ends."""
_READ_BYTES: Final = 1 << 16


def read_xml(path: Path, unpacked: Unpacked) -> RowStream:
    """The rows of a feed, never the whole of it at once. Entities of the file's own are refused: they may be bombs.

    Raises:
        UnreadableFile: it is no XML, declares entities, or an item of it is too large or too deep.
    """
    stream, done = unpacked
    parser = cast("Any", XMLPullParser)(["start", "end"])
    number, since, opened, depth = 0, 0, 0, 0
    with stream:
        while chunk := stream.read(_READ_BYTES):
            since += len(chunk)
            if b"<!ENTITY" in chunk or since > MAX_ROW_CHARS:
                why = "declares entities" if b"<!ENTITY" in chunk else f"has an item of over {MAX_ROW_CHARS:,} bytes"
                raise UnreadableFile(f"{path} {why}, as no feed does")
            try:
                parser.feed(chunk)
                events: list[tuple[str, Element]] = list(parser.read_events())
            except (ParseError, ValueError, RecursionError) as error:
                raise UnreadableFile(f"{path} is no XML that can be read: {error}") from error
            for event, element in events:
                is_row = _local(element.tag) in ROW_ELEMENTS
                opened += (1 if event == "start" else -1) * is_row
                depth += 1 if event == "start" else -1
                if depth > MAX_DEPTH:
                    raise UnreadableFile(f"{path} has elements over {MAX_DEPTH} deep in each other, as no feed does")
                if event == "start":
                    continue
                if is_row and not opened:
                    number, since = number + 1, 0
                    yield Row(number, _cells(element), done())
                if not opened:
                    element.clear()
    if not number:
        raise UnreadableFile(f"{path} has none of the elements {', '.join(sorted(ROW_ELEMENTS))}")


def _cells(element: Element) -> dict[str, Any]:
    """An item's children by name; of one that comes again, a list; of one with children, its own cells."""
    cells: dict[str, Any] = dict(element.attrib)
    for count, child in enumerate(element):
        if count > MAX_VALUES:
            break
        name, value = (
            _local(child.tag),
            _cells(child) if len(child) else (child.text or child.get("href") or "").strip(),
        )
        before = cells.get(name)
        cells[name] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    return cells


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]
