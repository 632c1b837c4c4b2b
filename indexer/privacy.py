"""What is kept of people who asked to be forgotten, and encryption of what names people."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from functools import cache, lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from indexer.errors import Undecryptable

KEY_BYTES, NONCE_BYTES = 32, 12
CLOCK_SKEW_S = 3_600
"""The time of forgetting may be ahead of the clock."""


@dataclass(frozen=True, slots=True)
class PrivacyConfig:
    """How people are forgotten."""

    secret: str = field(default="", metadata={"secret": True})
    """Keys the hash by which the forgotten are known, and encrypts the keys of dead letters in Redis; the same for all
    workers, and never changed. Empty: a plain hash, which somebody who guesses an id can check, and plain keys."""
    forgotten_days: float = 365.0
    """How long the hash of a forgotten person is kept, so that what they did before then is not taken again."""

    kept_days: float = 180.0
    """How long what a person did, is like and was told of in dead letters is kept after the last of it."""

    def __post_init__(self) -> None:
        if self.forgotten_days <= 0 or self.kept_days <= 0:
            raise ValueError("privacy.forgotten_days and privacy.kept_days must be above 0")

    @property
    def kept_s(self) -> int:
        """`kept_days` in whole seconds, at least one."""
        return max(1, int(self.kept_days * 86_400))

    def remembered_s(self, horizon_s: float) -> int:
        """How long it is remembered that somebody was forgotten, seconds. Args: horizon_s: how old events may come."""
        return int(max(horizon_s, self.forgotten_days * 86_400)) + CLOCK_SKEW_S

    def hash_of(self, user_id: str) -> str:
        """What stands for a person who is forgotten: their id's keyed hash, 128 bits in hex."""
        return _hash(self.secret, user_id)

    @property
    def secret_name(self) -> str:
        """By what it is known which secret a key was encrypted with; empty: with none."""
        return hmac.digest(self.secret.encode(), b"name", "sha256").hex()[:8] if self.secret else ""

    def wrap(self, key: bytes) -> str:
        """A key as it is kept: encrypted with the secret if there is one, after the secret's name."""
        kept = encrypt(_wrapping_key(self.secret), key, b"person key") if self.secret else key
        return f"{self.secret_name}:{kept.hex()}"

    def unwrap(self, kept: str) -> bytes:
        """The key that `wrap` made this of. Raises `Undecryptable` when it was made with another secret."""
        name, _, text = kept.partition(":")
        if name != self.secret_name:
            raise Undecryptable("the keys of dead letters were encrypted with another privacy.secret: set that one")
        return (
            decrypt(_wrapping_key(self.secret), bytes.fromhex(text), b"person key")
            if self.secret
            else bytes.fromhex(text)
        )


def encrypt(key: bytes, data: bytes, context: bytes) -> bytes:
    """Encrypt and authenticate data by AES-256-GCM, with a random nonce before it.

    Args:
        key: of `KEY_BYTES`.
        data: anything.
        context: what the data belongs to; it is needed to decrypt them.
    """
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, context)


def decrypt(key: bytes, encrypted: bytes, context: bytes) -> bytes:
    """What `encrypt` encrypted. Raises `Undecryptable` when it was changed, or is of another key or context."""
    try:
        return AESGCM(key).decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise Undecryptable("it was changed, or encrypted with another key") from error


@cache
def _wrapping_key(secret: str) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=b"vitrine person keys", n=2**14, r=8, p=1, dklen=KEY_BYTES)


@lru_cache(maxsize=16_384)
def _hash(secret: str, user_id: str) -> str:
    """Kept of those who are about: each of their searches looks up what is known of them."""
    return hmac.digest(secret.encode() or _PUBLIC, user_id.encode(errors="replace"), "sha256").hex()[:32]


_PUBLIC = b"vitrine"
