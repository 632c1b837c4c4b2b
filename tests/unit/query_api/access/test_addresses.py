"""Addresses behind proxies, and the names that a worker is called by."""

from __future__ import annotations

import pytest

from query_api.access.addresses import HostNames, client_address, read_networks
from query_api.access.gate import is_address
from query_api.config import QueryConfig

PROXIES = read_networks(["10.0.0.0/8", "::1", "192.0.2.7"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.1.1.1", "198.51.100.1", "198.51.100.1"),
        ("10.1.1.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.1.1.1", "6.6.6.6, 198.51.100.1, 10.2.2.2", "198.51.100.1"),
        ("10.1.1.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("10.1.1.1", "", "10.1.1.1"),
        ("10.1.1.1", "nonsense", "10.1.1.1"),
        ("10.1.1.1", "6.6.6.6, nonsense, 10.2.2.2", "10.2.2.2"),
        ("::ffff:10.1.1.1", "198.51.100.1", "198.51.100.1"),
        ("::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::99", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", "203.0.113.9"),
        ("", "1.1.1.1", ""),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert client_address("127.0.0.1", "6.6.6.6", ()) == "127.0.0.1"


def test_a_long_list_is_read_from_its_end_alone() -> None:
    assert client_address("10.1.1.1", "10.0.0.9," * 100_000 + "10.0.0.2", PROXIES) == "10.0.0.9"


def names(host: str, *allowed: str) -> HostNames:
    return HostNames(QueryConfig(host=host, allowed_hosts=allowed), host)


def test_a_loopback_worker_is_called_by_its_own_names_and_those_it_is_given() -> None:
    hosts = names("127.0.0.1", "Shop.Example:8080", "*.shop.example")
    for host in ("localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:80", "[::1]:8080", "[::1]", "shop.example"):
        assert hosts.takes(host), host
    for host in ("a.shop.example", "shop.example.", " localhost "):
        assert hosts.takes(host), host
    for host in (
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "xshop.example",
        "::2",
        "[::2]",
    ):
        assert not hosts.takes(host), host


def test_an_open_worker_is_called_by_any_name_unless_told() -> None:
    assert names("0.0.0.0").takes("anything.example")
    hosts = names("0.0.0.0", "shop.example")
    assert hosts.takes("shop.example") and not hosts.takes("localhost")
    assert names("127.0.0.1", "*").takes("anything.example")


def test_addresses_are_told_from_names() -> None:
    for host in ("10.1.2.3", "10.1.2.3:8080", "[::1]", "[2001:db8::1]:8080"):
        assert is_address(host)
    for host in ("", "localhost", "10.1.2.3.evil.example", "[evil]", "1"):
        assert not is_address(host)
