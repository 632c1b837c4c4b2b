"""Base64 as browsers, command lines and libraries write it."""

import base64
import textwrap
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.media.inline import decode_base64, plain_base64

JPEG = bytes.fromhex("ffd8ffe000104a464946fb")


def wrapped(data: bytes, width: int = 76, end: str = "\n") -> str:
    return end.join(textwrap.wrap(base64.b64encode(data).decode(), width))


@given(st.binary(min_size=1, max_size=200))
def test_every_way_to_write_it_reads_the_same(data: bytes) -> None:
    plain = base64.b64encode(data).decode()
    safe = base64.urlsafe_b64encode(data).decode()
    ways = [
        *(plain, safe, plain.rstrip("="), safe.rstrip("=")),
        *(wrapped(data), wrapped(data, 64, "\r\n"), f" {plain}\n"),
        *(
            f"data:image/jpeg;base64,{plain}",
            f"DATA:image/svg+xml;charset=utf-8;BASE64,{safe}",
            f"data:;base64,{plain}",
        ),
        *(f"data:image/png;base64,{quote(plain, safe='')}", f"data:image/png;base64,{wrapped(data)}"),
        f"image/png;base64,{plain}",
        f"data:application/octet-stream,{quote(data)}",
    ]
    assert [decode_base64(way) for way in ways] == [data] * len(ways)
    assert plain_base64(safe) == plain


@pytest.mark.parametrize(
    "text", ["not base64!", "https://shop.example/a.jpg", "AAAAA", "AA=A", "图片", "data:image/png;base64,?"]
)
def test_what_is_none_is_none(text: str) -> None:
    assert decode_base64(text) is None
