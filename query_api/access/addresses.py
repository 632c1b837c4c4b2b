"""Whose address a request is of, and under which names the worker may be called. Pure."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Sequence

from query_api.access_config import AccessConfig, is_loopback

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
OWN_NAMES = ("localhost", "127.0.0.1", "::1")
MAX_PROXIES = 16
"""How many entries of `X-Forwarded-For` are read, from its end."""
MAX_REMEMBERED = 4_096
MAX_FORWARDED = 256
"""A longer `X-Forwarded-For` is read each time: callers write them, and they are kept."""


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks, or single addresses."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The address that a request is counted by; of IPv6 the /64, as that is what one subscriber has.

    Args:
        peer: the other end of the connection.
        forwarded: `X-Forwarded-For`; believed as far as it was written by trusted proxies, from its end.
    """
    address = peer
    if _is_within(peer, trusted):
        for hop in reversed(forwarded.split(",")[-MAX_PROXIES:]):
            hop = hop.strip()
            if not _is_address(hop):
                break
            address = hop
            if not _is_within(hop, trusted):
                break
    return _normalised(address)


class ClientAddresses:
    """Remembers the client's address of the connections that asked last: reading one costs more than a rate does."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted
        self._read = functools.lru_cache(MAX_REMEMBERED)(functools.partial(client_address, trusted=trusted))

    def find(self, peer: str, forwarded: str) -> str:
        """`client_address` of a request."""
        if not self._trusted:
            return self._read(peer, "")
        if len(forwarded) > MAX_FORWARDED:
            return client_address(peer, forwarded, self._trusted)
        return self._read(peer, forwarded)


class HostNames:
    """The names under which the worker may be called."""

    def __init__(self, config: AccessConfig, host: str) -> None:
        """Args: host: what the worker listens on."""
        names = [_host_of(name.lower()) for name in config.allowed_hosts]
        if is_loopback(host):
            # A page of another site whose name is made to point here must not read what is served here.
            names += [*OWN_NAMES, host.strip("[]").lower()]
        self.takes_all = "*" in names or not names
        self._exact = frozenset(names)
        self._endings = tuple(name[1:] for name in names if name.startswith("*."))

    def takes(self, host: str) -> bool:
        """Whether a request's `Host` is one of them, whatever the port."""
        name = _host_of(host.strip().lower())
        return self.takes_all or name in self._exact or bool(self._endings and name.endswith(self._endings))


def _host_of(text: str) -> str:
    """The name or address of `name:port`, `[::1]:port` or `::1`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text if text.count(":") > 1 else text.partition(":")[0].rstrip(".")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_within(text: str, networks: Sequence[Network]) -> bool:
    if not networks or not _is_address(text):
        return False
    address = _plain(text)
    return any(address.version == network.version and address in network for network in networks)


def _plain(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def _normalised(text: str) -> str:
    if not _is_address(text):
        return text
    address = _plain(text)
    return str(address) if address.version == 4 else str(ipaddress.ip_network((int(address), 64), strict=False))
