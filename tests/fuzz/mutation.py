"""Mutations of bytes and of JSON-like values, the same for the same seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from typing import Any

HOSTILE_TEXTS: tuple[str, ...] = (
    "",
    " ",
    "\x00",
    "\n",
    "\x1b[2J\x1b]0;title\x07",
    "\u202eevil\u2066",
    "ﷺ" * 200,
    "é́́́" * 50,
    "👩‍👩‍👧‍👦" * 20,
    "İıſK",
    "a" * 999,
    "x" * 20_001,
    "' OR 1=1 --",
    '"] or ["',
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "%s%s%n",
    "../../../etc/passwd",
    "<script>alert(1)</script>",
    "<b a=1>" * 200,
    "&amp;" * 300,
    "[red]x[/red]",
    "-" * 400 + "a",
    "under $" * 60,
    "NaN",
    "1e999",
    "٣٤",
    "-0",
    "0x10",
    "不含糖 没有",
    "ß" * 300,
    "a\ufeffb",
    "\ud7ff\ue000",
    "user.forgotten",
    "product.created",
    "attributes.",
    "attributes.a\n",
    "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00+14:00",
)
HOSTILE_NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    1,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    2**64,
    -(2**63),
    10**30,
    1e308,
    -1e308,
    5e-324,
    0.1,
)
HOSTILE_VALUES: tuple[Any, ...] = (
    *HOSTILE_TEXTS,
    *HOSTILE_NUMBERS,
    None,
    True,
    False,
    [],
    {},
    [[]],
    {"": {}},
    [None] * 200,
)
HOSTILE_BYTES: tuple[bytes, ...] = (
    b"\x00",
    b"\xff",
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"[" * 300,
    b'{"a":' * 300,
    b'"',
    b"\\",
    b"\r\n",
    b"\n\n",
    b"1e999",
    b"NaN",
    b"%00",
    b"%ff%fe",
    b"%",
    b"&&&&",
    b"\x1f\x8b\x08",
    b"\x7f" * 64,
    b"A" * 5_000,
)
MOST_EDITS = 4


def mutate_bytes(data: bytes, rng: random.Random, corpus: Sequence[bytes] = ()) -> bytes:
    """A file or message with 1 to `MOST_EDITS` edits: flips, cuts, repeats, hostile bytes, pieces of others."""
    edited = bytearray(data)
    for _ in range(rng.randint(1, MOST_EDITS)):
        start = rng.randrange(len(edited) + 1)
        end = min(len(edited), start + rng.choice((1, 2, 4, 16, 256)))
        match rng.randrange(7):
            case 0 if edited:
                at = rng.randrange(len(edited))
                edited[at] ^= 1 << rng.randrange(8)
            case 1 if edited:
                edited[rng.randrange(len(edited))] = rng.choice((0, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            case 2:
                del edited[start:end]
            case 3:
                edited[start:start] = edited[start:end] * rng.choice((1, 2, 50))
            case 4:
                edited[start:start] = rng.choice(HOSTILE_BYTES)
            case 5 if corpus:
                other = rng.choice(corpus)
                piece = rng.randrange(len(other) + 1)
                edited[start:end] = other[piece : piece + rng.choice((4, 64, 1_024))]
            case _:
                del edited[start:]
    return bytes(edited)


def mutate_value(value: Any, rng: random.Random) -> Any:
    """A JSON-like value with 1 to `MOST_EDITS` places replaced, removed, doubled, renamed or nested."""
    edited = copy.deepcopy(value)
    for _ in range(rng.randint(1, MOST_EDITS)):
        edited = _edited(edited, rng)
    return edited


def _edited(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.8:
        name = rng.choice(list(value))
        match rng.randrange(6):
            case 0:
                del value[name]
            case 1:
                value[rng.choice(HOSTILE_TEXTS)[:400]] = value.pop(name)
            case 2:
                value[rng.choice(HOSTILE_TEXTS)[:400]] = _hostile(rng)
            case _:
                value[name] = _edited(value[name], rng)
        return value
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        if rng.random() < 0.2:
            return value * rng.choice((0, 2, 40))
        value[at] = _edited(value[at], rng)
        return value
    return _replaced(value, rng)


def _replaced(value: Any, rng: random.Random) -> Any:
    match rng.randrange(5):
        case 0:
            return [value]
        case 1:
            return {rng.choice(HOSTILE_TEXTS)[:100]: value}
        case 2 if isinstance(value, str):
            at = rng.randrange(len(value) + 1)
            return value[:at] + rng.choice(HOSTILE_TEXTS) + value[at:]
        case _:
            return _hostile(rng)


def _hostile(rng: random.Random) -> Any:
    # A copy: lists and mappings among them are edited later on.
    return copy.deepcopy(rng.choice(HOSTILE_VALUES))
