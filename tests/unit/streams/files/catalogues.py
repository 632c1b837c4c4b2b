"""Catalogues of tests: a file's text, and what publishing it would send."""

from __future__ import annotations

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
from streams.files.row_events import EventClock


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


def send_text(directory: Path, text: str, name: str = "x.csv", platform: str | None = None) -> Sent:
    """What publishing a file of a text would send."""
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return send(path, platform=platform)
