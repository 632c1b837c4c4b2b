"""How sessions are named: all of a shopper's can live on one shard of Redis, and none names its shopper."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from indexer.ports.profiles import Interaction

OWNER_LENGTH, SESSION_LENGTH = 16, 8
"""Characters of a ref: its shopper's part, 96 bits of their keyed hash, and the session's own, 48 bits."""
DAY_MS = 86_400_000
DAY_SIGN = "."
"""Before the number of a day, which names what was done on it outside of sessions; no hash has it."""
KEPT = 16_384
"""Of so many names it is remembered how they are written: about those of the shoppers of a minute."""


@lru_cache(maxsize=KEPT)
def owner_of(user_hash: str) -> str:
    """A shopper's part of the names of their sessions. Args: user_hash: as `PrivacyConfig.hash_of` makes it."""
    return _text(bytes.fromhex(user_hash[: OWNER_LENGTH * 3 // 2]))


def session_ref(owner: str, session_id: str) -> str:
    """The name of a session that has an id."""
    return owner + _session(f"s{session_id}")


def ref_of(owner: str, interaction: Interaction) -> str:
    """The name of the session that an interaction belongs to: by its session id, else by its day."""
    if interaction.session_id:
        return session_ref(owner, interaction.session_id)
    return f"{owner}{DAY_SIGN}{interaction.time_ms // DAY_MS}"


def is_day(ref: str) -> bool:
    """Whether it names a day, on which there may have been several visits."""
    return ref.startswith(DAY_SIGN, OWNER_LENGTH)


@lru_cache(maxsize=KEPT)
def _session(name: str) -> str:
    return _text(hashlib.blake2b(name.encode(errors="replace"), digest_size=SESSION_LENGTH * 3 // 4).digest())


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode()
