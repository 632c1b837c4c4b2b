"""Settings of who may ask the query worker what, and how often."""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ASYMMETRIC_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""What JWTs of an identity provider may be signed with: never with a secret that both sides hold."""
_LOOPBACK_NAMES = ("localhost", "")


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """Keys, tokens, addresses and rates; part of the section `query`."""

    open: bool = False
    """Whether others may be served without a key: an address that is not loopback is refused otherwise."""
    require_keys: bool = False
    """Whether a key is asked for before the first one has been made; afterwards it always is."""
    api_keys_file: str = ""
    """A file of hashed API keys, in the place of those in Redis; read anew when it changes."""
    page_key: str = ""
    """A public key that the search page is given, and with it everybody who opens the page."""
    token_secret: str = field(default="", metadata={"secret": True})
    """What shopper tokens are signed with, as `ID:SECRET`; while it is replaced two, separated by a comma, the new one
    first."""
    token_secret_file: str = ""
    """A file of such secrets, one a line; read anew when it changes."""
    token_max_s: float = 7 * 86_400.0
    """The longest that a shopper token may be good for."""
    jwks_url: str = ""
    """Where an identity provider publishes its keys, `https://…` or a file: its JWTs are taken then."""
    jwt_issuer: str = ""
    """What their `iss` must be."""
    jwt_audience: str = ""
    """What their `aud` must name."""
    jwt_scope_claim: str = "scope"
    """Which claim has the scopes, a list or separated by spaces; others than ours are passed over."""
    jwt_user_claim: str = ""
    """Which claim names the shopper that a JWT may ask for; empty: JWTs are of services, which may ask for all."""
    jwt_algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    cors_origins: tuple[str, ...] = ()
    """Sites whose pages may call the worker from a browser, such as `https://shop.example`; `*`: all."""
    allowed_hosts: tuple[str, ...] = ()
    """Names under which the worker may be called, `*.shop.example` and `*` included; empty: only this machine's own on
    a loopback address, else all."""
    rate_limit_key: str = ""
    """How often a key may be used, such as `100/second;5000/minute`, over all workers; empty: as often as it likes."""
    rate_limit_address: str = "auto"
    """How often an address may call. `off`: as often as it likes; `auto`: 1,000 a second of what comes from another
    machine without a secret key."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies whose `X-Forwarded-For` is believed."""
    ops_host: str = ""
    """Where `ops_port` listens; empty: where the worker does."""
    ops_port: int = 0
    """Where health, readiness and metrics are served instead, without keys; 0: beside everything else."""
    ssl_certfile: str = ""
    """A certificate, with its chain, as PEM: the worker speaks HTTPS then. Read anew when it changes."""
    ssl_keyfile: str = ""
    """Its private key, unless that is in the same file."""

    def check_access(self, port: int) -> None:
        """Refuse what cannot be meant. Raises `ValueError` naming the setting. Args: port: the worker's own."""
        if self.page_key and not self.page_key.startswith("vitrine_pk_"):
            raise ValueError("query.page_key must be a public key (vitrine_pk_…): everybody who opens the page gets it")
        if not 0 <= self.ops_port <= 65_535 or (self.ops_port and self.ops_port == port):
            raise ValueError("query.ops_port must be from 0 to 65535 and another than query.port")
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError("query.ssl_keyfile needs query.ssl_certfile")
        self._check_jwt()
        for network in self.trusted_proxies:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError:
                raise ValueError(f"query.trusted_proxies: {network} is no address and no network") from None
        for origin in self.cors_origins:
            parts = urlsplit(origin)
            if origin != "*" and (not parts.scheme or not parts.netloc or parts.path):
                raise ValueError(f"query.cors_origins: {origin} is no origin, such as https://shop.example")

    def _check_jwt(self) -> None:
        symmetric = [name for name in self.jwt_algorithms if name not in ASYMMETRIC_ALGORITHMS]
        if symmetric or not self.jwt_algorithms:
            wrong = symmetric[0] if symmetric else "nothing"
            raise ValueError(f"query.jwt_algorithms takes {', '.join(ASYMMETRIC_ALGORITHMS)}, not {wrong}")
        if not self.jwks_url:
            return
        if not (self.jwt_issuer and self.jwt_audience):
            raise ValueError("query.jwks_url needs query.jwt_issuer and query.jwt_audience")
        parts = urlsplit(self.jwks_url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("query.jwks_url must be https:// or a file: over http:// anybody on the way sets the keys")

    @property
    def locks_by_setting(self) -> bool:
        """Whether keys are asked for whatever Redis has."""
        return bool(
            self.require_keys or self.api_keys_file or self.token_secret or self.token_secret_file or self.jwks_url
        )


@functools.lru_cache(1_024)
def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address or name."""
    if host in _LOOPBACK_NAMES:
        return host != ""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
