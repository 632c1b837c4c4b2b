"""TLS towards Kafka: certificates and authorities from files that may change while a worker runs."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from threading import Lock
from typing import Any

from streams.config import KafkaConfig
from streams.errors import KafkaRefused
from streams.kafka.secrets import current_secret

log = logging.getLogger(__name__)

FileStamp = tuple[str, int, int, int]
"""A file's name, inode, size and time of change, ns."""


class ReloadingContext(ssl.SSLContext):
    """A context whose files are looked at before each handshake, and read again when one has changed.

    Clients keep the context that they were made with, and event loops ask it for each connection's TLS; that is
    answered by a plain context of the files as they are now, so that an authority that was taken out of its file is no
    longer trusted. Files that cannot be used, such as a key that is replaced a moment after its certificate, leave the
    last ones in force. Threads may share it.
    """

    _kafka: KafkaConfig
    _stamp: tuple[FileStamp, ...]
    _current: ssl.SSLContext
    _reading: Lock

    def __new__(cls, kafka: KafkaConfig) -> ReloadingContext:
        """Read the files. Raises `KafkaRefused` when they cannot be used."""
        self = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        self._kafka = kafka
        self._reading = Lock()
        self._stamp = _stamp(kafka)
        self._current = tls_context(kafka)
        return self

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """TLS of one connection, by the files as they are now."""
        return self._newest().wrap_bio(*args, **options)

    def _newest(self) -> ssl.SSLContext:
        with self._reading:
            stamp = _stamp(self._kafka)
            if stamp != self._stamp:
                try:
                    self._current, self._stamp = tls_context(self._kafka), stamp
                    log.info("kafka_certificates_read_again")
                except KafkaRefused as error:
                    log.warning("kafka_certificates_not_read", extra={"error": str(error)})
            return self._current


def tls_context(kafka: KafkaConfig) -> ssl.SSLContext:
    """A context of the files as they are now. Raises `KafkaRefused` when they cannot be used."""
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_cafile or None)
    except (OSError, ValueError) as error:
        raise KafkaRefused(
            f"kafka.ssl_cafile = {kafka.ssl_cafile} is no file of certificates (PEM): {error}"
        ) from error
    context.check_hostname = kafka.ssl_check_hostname
    if kafka.ssl_certfile:
        _load_certificate(context, kafka)
    return context


def _load_certificate(context: ssl.SSLContext, kafka: KafkaConfig) -> None:
    try:
        password = current_secret(kafka.ssl_password, kafka.ssl_password_file)
        # Always given: OpenSSL would ask the terminal for the password of an encrypted key.
        context.load_cert_chain(kafka.ssl_certfile, kafka.ssl_keyfile or None, password=lambda: password)
    except (OSError, ValueError) as error:
        raise KafkaRefused(
            f"kafka.ssl_certfile = {kafka.ssl_certfile} and kafka.ssl_keyfile = {kafka.ssl_keyfile or 'the same'} are "
            f"no certificate with its key (PEM): {_why(error)}"
        ) from error


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and "MISMATCH" in (error.reason or ""):
        return "the key belongs to another certificate"
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        return "they cannot be read, or kafka.ssl_password does not open the key"
    return str(error)


def _stamp(kafka: KafkaConfig) -> tuple[FileStamp, ...]:
    names = (kafka.ssl_cafile, kafka.ssl_certfile, kafka.ssl_keyfile, kafka.ssl_password_file)
    return tuple(_file_stamp(name) for name in names if name)


def _file_stamp(name: str) -> FileStamp:
    try:
        found = Path(name).stat()
    except OSError:
        return name, 0, 0, 0
    return name, found.st_ino, found.st_size, found.st_mtime_ns
