"""Secrets that shopper tokens are signed with: from a setting, or a file that is read anew when it changes."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from query_api.errors import InvalidAccess

log = logging.getLogger(__name__)

MIN_SECRET_BYTES = 32
"""As many as HMAC-SHA256 has (RFC 7518, 3.2): shorter ones can be guessed from a token."""
MAX_SECRETS = 4
_ENTRY = re.compile(r"(?:(?P<id>[A-Za-z0-9_-]{1,32}):)?(?P<secret>\S+)")


@dataclass(frozen=True, slots=True)
class TokenSecret:
    """A secret."""

    id: str
    """What a token's `kid` calls it; empty: it has no name."""
    secret: bytes

    def __repr__(self) -> str:
        return f"TokenSecret({self.id!r})"


def parse_secrets(text: str, where: str) -> tuple[TokenSecret, ...]:
    """Secrets separated by commas or new lines, each `ID:SECRET` or `SECRET`.

    Args:
        where: for the message, which tells nothing of the secrets.

    Raises:
        InvalidAccess: there is none, one is too short, or there are too many.
    """
    found: list[TokenSecret] = []
    for entry in filter(None, (part.strip() for part in re.split(r"[,\n]", text))):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise InvalidAccess(f"{where}: a secret has a space in it")
        found.append(TokenSecret(match["id"] or "", match["secret"].encode()))
    if not found or len(found) > MAX_SECRETS:
        raise InvalidAccess(f"{where}: {len(found)} secrets, it takes 1 to {MAX_SECRETS}")
    if len({secret.id for secret in found}) < len(found):
        raise InvalidAccess(f"{where}: two secrets have the same id; name them, as in ID:SECRET")
    short = [secret for secret in found if len(secret.secret) < MIN_SECRET_BYTES]
    if short:
        raise InvalidAccess(
            f"{where}: a secret has {len(short[0].secret)} bytes, it takes at least {MIN_SECRET_BYTES}; "
            "make one by `openssl rand -hex 32`"
        )
    return tuple(found)


class TokenSecrets:
    """The secrets in force; the first is the one to sign with."""

    def __init__(self, text: str, path: str = "") -> None:
        """Args: text: of the setting; path: of the file. Raises `InvalidAccess`."""
        self._fixed = parse_secrets(text, "query.token_secret") if text else ()
        self._path = Path(path) if path else None
        self._version = 0, 0
        self.current: tuple[TokenSecret, ...] = self._fixed
        if self._path is not None:
            self.current = self._read(self._path)

    def refresh(self) -> bool:
        """Read the file anew if it has changed; whether it had. One that cannot be used changes nothing."""
        if self._path is None:
            return False
        try:
            if _version(self._path) == self._version:
                return False
            current = self._read(self._path)
        except InvalidAccess as error:
            log.error("token_secrets_unusable", extra={"error": str(error)})
            return False
        changed, self.current = current != self.current, current
        return changed

    def named(self, key_id: str | None) -> Sequence[TokenSecret]:
        """The secrets that a token may be signed with: the one of its `kid`, all where it has none."""
        return [secret for secret in self.current if key_id is None or secret.id == key_id]

    def _read(self, path: Path) -> tuple[TokenSecret, ...]:
        # Before the text: a change in between is seen the next time.
        self._version = _version(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidAccess(f"query.token_secret_file {path} cannot be read: {error}") from None
        return (*parse_secrets(text, str(path)), *self._fixed)


def _version(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise InvalidAccess(f"query.token_secret_file {path} cannot be read: {error.strerror}") from None
    return status.st_mtime_ns, status.st_ino
