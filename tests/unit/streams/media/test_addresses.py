"""Which addresses may be fetched from, however they are written."""

import socket

import pytest

from streams.media.addresses import PublicResolver, is_private


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "127.0.0.1", "0.0.0.0", "169.254.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255"),
        *("0x7f.1", "017700000001", "2130706433", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
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


async def test_just_the_addresses_that_were_checked_are_connected_to(monkeypatch):
    mixed = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("10.0.0.1", "93.184.216.34")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: mixed)
    resolver = PublicResolver((), threads=1)
    assert [result["host"] for result in await resolver.resolve("example.com", 80)] == ["93.184.216.34"]
    await resolver.close()
