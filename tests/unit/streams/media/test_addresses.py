"""Which addresses may be fetched from, however they are written."""

import socket

import pytest

from streams.media import addresses
from streams.media.addresses import PublicResolver, is_private, is_web_port


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "127.0.0.1", "0.0.0.0", "169.254.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255"),
        *("0x7f.1", "017700000001", "2130706433", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
        # Where clouds serve credentials: AWS, Oracle, Azure, Alibaba.
        *("169.254.169.254", "192.0.0.192", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"),
        *("::ffff:168.63.129.16", "64:ff9b::c000:c0", "2002:a83f:8110::", "64:ff9b:1::808:808", "100::1", "5f00::1"),
        *("2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:10.0.0.1", "3fff::1", "2001:db8::1", "2620:4f:8000::1"),
        *("192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "240.0.0.1", "0xc00000c0"),
        *("::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1", "2001:0:7f00:1::", "fec0::1"),
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_private_however_it_is_written(address):
    assert is_private(address)


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "example.com", "1.example.com"]
)
def test_public_addresses_and_names_are_not_private(host):
    assert not is_private(host)


@pytest.mark.parametrize("network", [*addresses._SPECIAL_V4, *addresses._SPECIAL_V6], ids=str)
def test_special_networks_are_private_from_their_first_to_their_last_address(network):
    assert is_private(str(network[0]))
    assert is_private(str(network[-1]))


def test_ports_are_those_of_web_servers():
    assert all(map(is_web_port, (80, 443, 8080, 8443, 49_152)))
    assert not any(map(is_web_port, (None, 0, 22, 25, 81, 445, 2049, 5060, 6667, 10_080)))


async def test_just_the_addresses_that_were_checked_are_connected_to(monkeypatch):
    mixed = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("10.0.0.1", "93.184.216.34")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: mixed)
    resolver = PublicResolver((), threads=1)
    assert [result["host"] for result in await resolver.resolve("example.com", 80)] == ["93.184.216.34"]
    await resolver.close()
