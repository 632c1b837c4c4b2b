"""API keys: how they are made, recognised and stored. Pure.

A key is `vitrine_sk_` (secret) or `vitrine_pk_` (public), 43 random characters (256 bits), and 6 that are their CRC-32,
so that scanners of source code find keys with no false alarm, and mistyped ones are refused without asking a server.
Stored is its SHA-256: a slow hash protects passwords that people choose, of 2^256 random keys none can be guessed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from query_api.access.callers import SCOPES, Caller, Scope
from query_api.errors import InvalidAccess, NotAuthenticated

SECRET_PREFIX, PUBLIC_PREFIX = "vitrine_sk_", "vitrine_pk_"
PUBLIC_SCOPES: frozenset[Scope] = frozenset(("search",))
"""All that a key may do that browsers are given."""
MAX_NAME = 100
_ALPHABET = string.digits + string.ascii_letters
_RANDOM_CHARACTERS = 43
_CHECKSUM_CHARACTERS = 6
_KEY = re.compile(r"vitrine_[sp]k_[0-9A-Za-z]{49}")


class ApiKey(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A key as it is stored: all but the key itself."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the key, in hex."""
    scopes: Annotated[list[Scope], Meta(min_length=1)]
    created_s: float
    """Unix seconds."""
    name: Annotated[str, Meta(max_length=MAX_NAME)] = ""
    """What its owner calls it."""
    expires_s: float | None = None
    """Unix seconds; None: never."""
    public: bool = False
    """Whether browsers are given it."""

    def caller(self, now_s: float) -> Caller:
        """Who asks with it. Raises `NotAuthenticated` once it has expired."""
        if self.expires_s is not None and now_s >= self.expires_s:
            raise NotAuthenticated("the key has expired")
        scopes = frozenset(self.scopes)
        return Caller(self.id, "public" if self.public else "key", scopes & PUBLIC_SCOPES if self.public else scopes)


def make_key(
    scopes: Iterable[Scope], now_s: float, name: str = "", expires_s: float | None = None, public: bool = False
) -> tuple[str, ApiKey]:
    """A new key, which is shown once, and what is stored of it.

    Raises:
        InvalidAccess: a public key with more than the scope `search`, or none, or a name that is too long.
    """
    asked = set(scopes)
    wanted: list[Scope] = [scope for scope in SCOPES if scope in asked]
    if not wanted:
        raise InvalidAccess(f"a key needs a scope: {', '.join(SCOPES)}")
    if public and not PUBLIC_SCOPES.issuperset(wanted):
        raise InvalidAccess("a public key may only have the scope `search`: anybody can read it in the page")
    if len(name) > MAX_NAME:
        raise InvalidAccess(f"the name has {len(name)} characters, at most {MAX_NAME}")
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    body = (PUBLIC_PREFIX if public else SECRET_PREFIX) + random
    key = body + _checksum(body)
    digest = digest_of(key)
    return key, ApiKey(digest[:12], digest, wanted, now_s, name, expires_s, public)


def digest_of(key: str) -> str:
    """What of a key is stored, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def is_key(text: str) -> bool:
    """Whether a text has a key's form and its checksum."""
    if not _KEY.fullmatch(text):
        return False
    return secrets.compare_digest(_checksum(text[:-_CHECKSUM_CHARACTERS]), text[-_CHECKSUM_CHARACTERS:])


def encode_record(key: ApiKey) -> bytes:
    """The bytes that `decode_record` reads."""
    return msgspec.json.encode(key)


def decode_record(data: bytes | str) -> ApiKey:
    """A stored key. Raises `InvalidAccess` saying what is wrong with it."""
    try:
        return _records.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidAccess(f"this is no API key's record: {error}") from None


def _checksum(body: str) -> str:
    number, characters = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        characters = _ALPHABET[digit] + characters
    return characters


_records = msgspec.json.Decoder(ApiKey)
