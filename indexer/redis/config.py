"""Where Redis is, who we are to it, and how it is told from a stranger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from redis.asyncio.connection import SSLConnection, parse_url

_TLS_PARAMETERS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname", "ssl_cert_reqs")
"""What the URLs of redis may say of TLS, too."""
_CLUSTER = "+cluster"
"""After the scheme of a URL: `redis+cluster://`, `rediss+cluster://`."""
_FILE = {"file": True}
"""Of settings that name a file, which is made absolute for the workers that `vitrine up` starts."""


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """How Redis is known, and we to it."""

    ca: str
    """PEM; empty: whom the system trusts."""
    certificate: str
    """PEM; empty: none is shown."""
    key: str
    checks_hostname: bool = True
    verifies: bool = True
    """False, on the word of a URL alone: anybody is taken for Redis."""


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """Where Redis is and how long to wait for it."""

    url: str = field(default="", repr=False)
    """`redis://…`, `rediss://…` for TLS, `unix://…`, with `user:password@` where it wants them; empty: the embedded
    server. `redis+cluster://host:port,host:port` or `rediss+cluster://…` is a Redis Cluster, by one or more of its
    servers."""
    deadline_s: float = 0.5
    """The longest that one call may take, connecting included."""
    connections: int = 32
    username: str = ""
    """Of an ACL user, in place of the URL's."""
    password: str = field(default="", repr=False, metadata={"secret": True})
    """In place of the URL's."""
    password_file: str = field(default="", metadata=_FILE)
    """A file with the password, read anew for each connection."""
    ssl_cafile: str = field(default="", metadata=_FILE)
    """Who Redis' certificate must be signed by, PEM; empty: anybody that the system trusts."""
    ssl_certfile: str = field(default="", metadata=_FILE)
    """The certificate that we show, PEM, where Redis asks for one; read anew when it changes."""
    ssl_keyfile: str = field(default="", metadata=_FILE)
    """Its key, where that is not in the same file."""
    ssl_check_hostname: bool = True
    """Whether the certificate must be for the host that the URL names."""

    def __post_init__(self) -> None:
        if self.deadline_s <= 0 or self.connections < 1:
            raise ValueError("redis.deadline_s and redis.connections must be positive")
        if self.password and self.password_file:
            raise ValueError("redis.password and redis.password_file are two passwords: give one")
        if not self.is_encrypted and (self.ssl_cafile or self.ssl_certfile or self.ssl_keyfile):
            raise ValueError("redis.ssl_… needs a redis.url that begins with rediss://")
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError("redis.ssl_keyfile is of no use without redis.ssl_certfile")
        if self.is_cluster and self.url_parts().get("db"):
            raise ValueError("redis.url: a cluster has no numbered databases, so end it after the last port")

    @property
    def is_encrypted(self) -> bool:
        """Whether the URL asks for TLS. Raises `ValueError` when it is none."""
        return self.tls_files({**self.url_parts()}) is not None

    @property
    def is_cluster(self) -> bool:
        """Whether it is a Redis Cluster, as the URL says."""
        return self.url.partition("://")[0].endswith(_CLUSTER)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """The servers of a cluster that the URL names. Raises `ValueError` when it is none."""
        parts = map(_parsed, self._server_urls())
        return [(part.get("host", "localhost"), part.get("port", 6379)) for part in parts]

    def url_parts(self) -> dict[str, Any]:
        """What the URL says, as redis' connections take it; of a cluster, the first server stands for all.

        Raises `ValueError`, without the URL, which has secrets.
        """
        parts = _parsed(self._server_urls()[0]) if self.url else {}
        unknown = [name for name in parts if name.startswith("ssl_") and name not in _TLS_PARAMETERS]
        if unknown:
            raise ValueError(
                f"redis.url has {', '.join(unknown)}, which is not known: redis.ssl_… is what TLS is set by"
            )
        return parts

    def _server_urls(self) -> list[str]:
        """The URL of each server that is named."""
        if not self.is_cluster:
            return [self.url]
        scheme, _, rest = self.url.partition("://")
        ends_at = next((at for at, sign in enumerate(rest) if sign in "/?"), len(rest))
        user, at, hosts = rest[:ends_at].rpartition("@")
        return [f"{scheme.removesuffix(_CLUSTER)}://{user}{at}{host}{rest[ends_at:]}" for host in hosts.split(",")]

    def tls_files(self, parts: dict[str, Any]) -> TLSFiles | None:
        """How Redis is known: by our settings, else by what the URL says, which is taken out of its parts.

        Returns:
            None: without TLS.
        """
        ca, certificate, key, checks_hostname, verifies = (parts.pop(name, None) for name in _TLS_PARAMETERS)
        if parts.get("connection_class") is not SSLConnection:
            return None
        return TLSFiles(
            self.ssl_cafile or ca or "",
            self.ssl_certfile or certificate or "",
            self.ssl_keyfile or key or "",
            self.ssl_check_hostname and checks_hostname is not False,
            verifies != "none",
        )


def _parsed(url: str) -> dict[str, Any]:
    try:
        return dict(parse_url(url))
    except ValueError as error:
        raise ValueError(
            "redis.url is none of redis://, rediss://, unix:// and, for a cluster, redis+cluster:// and "
            "rediss+cluster://, with user:password@host:port; special characters of a password must be percent-encoded"
        ) from error
