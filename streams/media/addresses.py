"""Which addresses may be fetched from: public ones, and those of hosts that are allowed by name."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

from streams.errors import UnreachableMedia

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_SPECIAL_V4 = [
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Azure's host, which answers every machine there: in no registry.
        "168.63.129.16/32",
    )
]
"""Source: IANA's registry of special-purpose IPv4 addresses; `ipaddress` knows as much as its release of Python. Clouds
serve credentials at 169.254.169.254, 192.0.0.192 (Oracle) and 100.100.100.200 (Alibaba)."""
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL_V6 = [
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20", "3ffe::/16")
]
"""Within global unicast. Source: IANA's registry of special-purpose IPv6 addresses; 3ffe::/16 was a test network's."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The third quarter of an address that stands for the IPv4 address in its fourth (RFC 5214)."""
_BAD_PORTS = frozenset({1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}) | {
    *range(6665, 6670)
}
"""Source: the Fetch standard, "bad ports": of services that would take a request for something else."""
_WEB_PORTS = frozenset({80, 443})


class PublicResolver(AbstractResolver):
    """Resolves names and drops private addresses, so that connections go to addresses that were checked.

    In threads of its own: names whose servers hang must not keep the rest of the process from its threads.
    """

    def __init__(self, allowed: tuple[str, ...], threads: int) -> None:
        """Args: allowed: host names that may have private addresses; threads: names looked up at once."""
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host that may be connected to. Raises `UnreachableMedia` when it has none but private."""
        look_up = partial(socket.getaddrinfo, host, port, family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        addresses = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        results = [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, proto, _, address in addresses
        ]
        if host in self._allowed:
            return results
        public = [result for result in results if not is_private(result["host"])]
        if not public:
            raise UnreachableMedia(f"{host} has a private address; allow it by name in media.private_hosts")
        return public

    async def close(self) -> None:
        """Stop looking names up; does not wait for those that hang."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def is_web_port(port: int | None) -> bool:
    """Whether web servers listen at a port: 80, 443, or one that any user may open and no other service is known by."""
    return port in _WEB_PORTS or (port is not None and port >= 1_024 and port not in _BAD_PORTS)


def is_private(host: str) -> bool:
    """Whether a host is an address, in any of the ways of writing one, that is not of the public internet."""
    address = _address(host)
    return address is not None and not _is_public(address)


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # 127.1, 0x7f000001, 2130706433: the system takes these for addresses, so they are judged as such.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64 or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner:
        return _is_public(inner)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _SPECIAL_V6)
