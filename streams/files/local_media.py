"""Pictures, clips and sounds that rows name, inlined when they are files of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from indexer.media.inline import is_data_uri
from streams.events.schema import MAX_MESSAGE_BYTES, inline_file

EventMedia = dict[str, str | bytes]
"""`{"url": …}` or `{"data": bytes}`."""


class LocalMedia:
    """Resolves what a cell says of a picture; files are read from one directory and from nowhere else."""

    def __init__(self, directory: Path | None) -> None:
        """Args: directory: where relative paths start; None: files are refused."""
        self._directory = None if directory is None else directory.resolve()

    def resolve(self, cell: Any) -> EventMedia:
        """The reference that an event carries for a URL, a path under the directory, bytes or a dict of these.

        Raises:
            ValueError: a missing or unreadable file, one outside the directory or over the message bound.
        """
        if isinstance(cell, bytes):
            return {"data": cell}
        if isinstance(cell, dict):
            return self._from_dict(cast("dict[str, Any]", cell))
        if not isinstance(cell, str):
            raise ValueError(f"{cell!r:.60} is neither a path nor a URL")
        if is_data_uri(cell):
            return {"data": inline_file(cell)}
        scheme = urlsplit(cell).scheme.lower()
        if scheme in ("http", "https"):
            return {"url": cell}
        return {"data": self._read(unquote(urlsplit(cell).path) if scheme == "file" else cell)}

    def _from_dict(self, cell: dict[str, Any]) -> EventMedia:
        if isinstance(cell.get("data"), str):
            return {"data": inline_file(cell["data"])}
        for name in ("bytes", "url", "path"):
            if cell.get(name):
                return self.resolve(cell[name])
        raise ValueError(f"a picture needs one of url, data, bytes and path, but has {', '.join(cell) or 'none'}")

    def _read(self, name: str) -> bytes:
        if self._directory is None:
            raise ValueError(f"{name[:200]!r} is a path: name its directory with --images")
        try:
            path = (self._directory / name).resolve()
            if not path.is_relative_to(self._directory):
                raise ValueError(f"{name[:200]!r} leads out of {self._directory}")
            if not path.is_file():
                raise ValueError(f"{name[:200]!r} is no file in {self._directory}")
            if path.stat().st_size > MAX_MESSAGE_BYTES * 3 // 4:  # base64 takes four bytes for three
                raise ValueError(f"{name[:200]!r} is over the {MAX_MESSAGE_BYTES:,} bytes of a message")
            return path.read_bytes()
        except OSError as error:
            raise ValueError(f"{name[:200]!r} cannot be read: {error.strerror}") from error
