"""Paths as they were sent: a slash within an id (`%2F`) is none between ids."""

from __future__ import annotations

from urllib.parse import unquote, unquote_to_bytes

from starlette.convertors import Convertor, register_url_convertor


def routed_path(raw_path: bytes) -> str:
    """A decoded path in which `/` and `%` within a segment stay encoded; what is no UTF-8 becomes `U+FFFD`.

    The slashes that callers encode are so out of the way of the router; `{id:segment}` in a route has them again.
    """
    segments = (unquote_to_bytes(segment).decode(errors="replace") for segment in raw_path.split(b"/"))
    return "/".join(segment.replace("%", "%25").replace("/", "%2F") for segment in segments)


class _Segment(Convertor[str]):
    """One segment of a path, decoded."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return value.replace("%", "%25").replace("/", "%2F")


register_url_convertor("segment", _Segment())
