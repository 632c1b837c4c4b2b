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
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


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
        return address.is_global and not address.is_multicast
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return _is_public(inner) if inner else address.is_global and address in _GLOBAL_UNICAST
