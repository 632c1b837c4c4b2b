"""Pictures, clips and sounds within JSON: base64 as browsers, command lines and libraries write it. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from urllib.parse import unquote_to_bytes

_DATA_URI: Final = re.compile(r"\s*(?:data:|(?=[\w.+-]+/[\w.+-]+;base64,))([^,]{0,1000}),", re.IGNORECASE)
"""Up to its content; the `data:` is forgotten now and then."""
_URL_SAFE: Final = str.maketrans("-_", "+/")


def decode_base64(text: str) -> bytes | None:
    """The bytes of a base64 text: RFC 4648 with either alphabet, padded or not, in lines or not, or as a data: URI.

    Returns:
        None for a text that is none of these.
    """
    if prefix := _DATA_URI.match(text):
        content = text[prefix.end() :]
        if not prefix[1].lower().rstrip().endswith(";base64"):
            return unquote_to_bytes(content)
        # Where `+` and `=` are escaped, as in any other URL.
        text = unquote_to_bytes(content).decode(errors="replace") if "%" in content else content
    packed = "".join(text.split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def plain_base64(text: str) -> str | None:
    """What `decode_base64` reads, as the strict base64 that every decoder takes; None where it reads nothing."""
    data = decode_base64(text)
    return None if data is None else base64.b64encode(data).decode()


def is_data_uri(url: str) -> bool:
    """Whether an address is its content itself."""
    return url[:5].lower() == "data:"
