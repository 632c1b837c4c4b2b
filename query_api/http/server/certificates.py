"""The worker's TLS certificate, read anew when its files change."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from query_api.errors import InvalidAccess

log = logging.getLogger(__name__)

POLL_S = 1.0


class Certificates:
    """A TLS context that new connections get the present certificate from; those that are open keep theirs."""

    def __init__(self, certfile: str, keyfile: str = "") -> None:
        """Args: keyfile: empty: the key is in `certfile`. Raises `InvalidAccess` when they cannot be used."""
        self._certfile, self._keyfile = Path(certfile), Path(keyfile or certfile)
        self._version = self._present()
        self.context = _context(self._certfile, self._keyfile)

    def context_of(self, *_: object) -> ssl.SSLContext:
        """The context, as uvicorn asks for it."""
        return self.context

    async def run(self) -> None:
        """Watch the files until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> bool:
        """Read the files anew if they have changed; whether there is another certificate now.

        Files that do not fit together, as while they are being replaced, change nothing, and are tried again.
        """
        try:
            present = self._present()
            if present == self._version:
                return False
            # Into another context first: loading half of a pair would leave this one with neither.
            _context(self._certfile, self._keyfile)
            self.context.load_cert_chain(self._certfile, self._keyfile, password="")
        except (InvalidAccess, OSError, ssl.SSLError) as error:
            log.warning("certificate_unusable", extra={"error": str(error)[:300]})
            return False
        self._version = present
        log.info("certificate_changed", extra={"file": str(self._certfile)})
        return True

    def _present(self) -> tuple[tuple[int, int], ...]:
        try:
            statuses = [path.stat() for path in (self._certfile, self._keyfile)]
        except OSError as error:
            raise InvalidAccess(f"query.ssl_certfile or ssl_keyfile: {error.filename}: {error.strerror}") from error
        return tuple((status.st_mtime_ns, status.st_ino) for status in statuses)


def _context(certfile: Path, keyfile: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key with a password asks the terminal for it: an empty one fails instead.
        context.load_cert_chain(certfile, keyfile, password="")
    except (OSError, ssl.SSLError) as error:
        raise InvalidAccess(f"the certificate {certfile} and the key {keyfile} cannot be used: {error}") from error
    return context
