"""TLS to Redis whose certificates may be replaced while we run."""

from __future__ import annotations

import ssl
from typing import Any

from redis.asyncio.connection import SSLConnection

from indexer.credential_files import WatchedFiles
from indexer.errors import AccessDenied
from indexer.redis.config import TLSFiles


class ReloadedContext:
    """The TLS context of new connections, made again when a file of it changes.

    While files are being replaced, a certificate and its key may not fit: the former ones hold until they do.
    """

    def __init__(self, files: TLSFiles) -> None:
        """Read the files. Raises `AccessDenied` when they cannot be used."""
        self._files = files
        settings = {
            "redis.ssl_cafile": files.ca,
            "redis.ssl_certfile": files.certificate,
            "redis.ssl_keyfile": files.key,
        }
        self._watched = WatchedFiles(settings)
        self._watched.changed()
        self._context = _context(files)

    def get(self) -> ssl.SSLContext:
        """The context, as redis asks for it before each connection."""
        try:
            if self._watched.changed():
                self._context = _context(self._files)
        except AccessDenied:
            self._watched.look_again()
        return self._context


class TLSConnection(SSLConnection):
    """A connection by a context that all connections of a client share."""

    def __init__(self, *, context: ReloadedContext, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType]
        # What redis would make of options of its own, once a connection object, to be asked in the same way.
        self.ssl_context = context  # pyright: ignore[reportAttributeAccessIssue]


def _context(files: TLSFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = files.checks_hostname and files.verifies
    context.verify_mode = ssl.CERT_REQUIRED if files.verifies else ssl.CERT_NONE
    try:
        # A CA that is named is the only one: a certificate that anybody else signed is a stranger's.
        context.load_verify_locations(files.ca) if files.ca else context.load_default_certs()
        if files.certificate:
            # A key that asks for a passphrase is refused, rather than a terminal asked.
            context.load_cert_chain(files.certificate, files.key or None, password="")
    except (OSError, ValueError) as error:
        raise AccessDenied(
            f"redis.ssl_cafile = {files.ca or 'the system'}, redis.ssl_certfile = {files.certificate or 'none'} and "
            f"redis.ssl_keyfile = {files.key or 'none'} cannot be used: {error}"
        ) from error
    return context
