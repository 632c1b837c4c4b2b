"""Who we are to Milvus and how it is known: tokens and certificates, and what is wrong with them."""

from __future__ import annotations

import ssl
from typing import Any

import grpc

from indexer.credential_files import SecretFile, WatchedFiles
from indexer.errors import AccessDenied, causes
from indexer.milvus.config import MilvusConfig

_KEEPALIVE = {"grpc.keepalive_time_ms": 300_000, "grpc.keepalive_permit_without_calls": False}
"""A server takes more pings than one in five minutes for an attack, and hangs up; the client's own are every 10 s."""
_OTHER_NAME = "its certificate is for another name; milvus.ssl_server_name says for which it may be"
_TLS_SIGNS = {
    "certificate has expired": "its certificate has expired",
    "Hostname Verification Check failed": _OTHER_NAME,
    "is not in peer certificate": _OTHER_NAME,
    "CERTIFICATE_VERIFY_FAILED": "its certificate is refused; milvus.ssl_cafile says who may sign it",
    "CERTIFICATE_REQUIRED": "it wants a certificate of ours; milvus.ssl_certfile is what we show",
    "ALERT_UNKNOWN_CA": "it refuses our certificate; milvus.ssl_certfile is what we show",
    "ALERT_BAD_CERTIFICATE": "it refuses our certificate; milvus.ssl_certfile is what we show",
    "ALERT_CERTIFICATE_EXPIRED": "it refuses our certificate, which has expired; milvus.ssl_certfile is what we show",
    "WRONG_VERSION_NUMBER": "there is no TLS at that address: is milvus.uri to begin with http://?",
}
"""What gRPC says of TLS, the more exact before the less, and what it means."""


class MilvusAccess:
    """How a client reaches Milvus, and whether that has changed since it was made."""

    def __init__(self, config: MilvusConfig) -> None:
        """Read what is in files. Raises `AccessDenied` when that cannot be used."""
        self.deadline_s = config.deadline_s
        self._config = config
        self._token_file = SecretFile("milvus.token_file", config.token_file) if config.token_file else None
        self._tls = WatchedFiles(
            {
                "milvus.ssl_cafile": config.ssl_cafile,
                "milvus.ssl_certfile": config.ssl_certfile,
                "milvus.ssl_keyfile": config.ssl_keyfile,
            }
        )
        self._tls.changed()
        _check_usable(config)
        self._token = self._current_token()

    def options(self) -> dict[str, Any]:
        """What a client of pymilvus is made with."""
        config = self._config
        self._token = self._current_token()
        options: dict[str, Any] = {
            "uri": config.uri,
            "token": self._token,
            "timeout": config.deadline_s,
            "dedicated": True,
            "grpc_options": _KEEPALIVE,
        }
        if config.ssl_server_name:
            options["server_name"] = config.ssl_server_name
        if config.ssl_certfile:
            options |= {
                "ca_pem_path": config.ssl_cafile,
                "client_pem_path": config.ssl_certfile,
                "client_key_path": config.ssl_keyfile,
            }
        elif config.ssl_cafile:
            options["server_pem_path"] = config.ssl_cafile
        return options

    def changed(self) -> bool:
        """Whether a client is to be made again: with another token, or other certificates that can be used."""
        return self._current_token() != self._token or self._has_other_certificates()

    def _current_token(self) -> str:
        return self._token_file.value() if self._token_file else self._config.token

    def _has_other_certificates(self) -> bool:
        try:
            if not self._tls.changed():
                return False
            _check_usable(self._config)
        except AccessDenied:
            # They are being replaced, one after another.
            self._tls.look_again()
            return False
        return True


def access_fault(error: BaseException) -> str | None:
    """What is wrong with our credentials or Milvus' when an error comes of that, as a sentence; None: it does not."""
    said = ""
    for at in causes(error):
        if isinstance(at, grpc.RpcError):
            code, details = _code_and_details(at)
            if code is grpc.StatusCode.UNAUTHENTICATED:
                return f"Milvus does not know us ({details}): put right milvus.token or milvus.token_file"
            if code is grpc.StatusCode.PERMISSION_DENIED:
                return f"Milvus denies our user a right ({details})"
            said += details
        said += str(at)
    return next((f"Milvus is not trusted: {meaning}" for sign, meaning in _TLS_SIGNS.items() if sign in said), None)


def connection_fault(error: BaseException) -> str:
    """Why no connection came about, as gRPC has it; the client says just that there is none."""
    details = next((_code_and_details(at)[1] for at in causes(error) if isinstance(at, grpc.RpcError)), "")
    hint = "; where it asks for certificates, milvus.ssl_certfile is what we show" if "closed" in details else ""
    return f"Milvus cannot be reached: {details or error}{hint}"


def _code_and_details(error: Any) -> tuple[grpc.StatusCode | None, str]:
    # An RpcError that is raised is a call, too; the library's types do not say so.
    return (error.code(), str(error.details())[:200]) if hasattr(error, "code") else (None, "")


def _check_usable(config: MilvusConfig) -> None:
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if config.ssl_cafile:
            context.load_verify_locations(config.ssl_cafile)
        if config.ssl_certfile:
            context.load_cert_chain(config.ssl_certfile, config.ssl_keyfile, password="")
    except (OSError, ValueError) as error:
        raise AccessDenied(
            f"milvus.ssl_cafile = {config.ssl_cafile}, milvus.ssl_certfile = {config.ssl_certfile or 'none'} and "
            f"milvus.ssl_keyfile = {config.ssl_keyfile or 'none'} cannot be used: {error}"
        ) from error
