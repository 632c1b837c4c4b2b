"""Certificates that change while a worker serves."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from query_api.errors import InvalidAccess
from query_api.http.server.certificates import Certificates

CA = trustme.CA()


def write(directory: Path, name: str) -> tuple[str, str]:
    """A certificate and its key, in one step each, as secrets are mounted."""
    issued = CA.issue_cert(name)
    files = directory / "cert.pem", directory / "key.pem"
    for file, content in zip(files, (issued.cert_chain_pems[0], issued.private_key_pem), strict=True):
        new = file.with_suffix(".new")
        new.write_bytes(content.bytes())
        new.replace(file)
    return str(files[0]), str(files[1])


def spoil(file: str, gone: bool = False) -> None:
    Path(file).unlink() if gone else Path(file).write_text("half a file")


async def name_of(port: int) -> str:
    """The name in the certificate that a new connection gets."""
    context = ssl.create_default_context()
    context.check_hostname = False
    CA.configure_trust(context)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    return certificate["subjectAltName"][0][1]


async def test_new_connections_get_the_new_certificate(tmp_path: Path) -> None:
    certificates = Certificates(*write(tmp_path, "one.example"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificates.context) as server:
        port = server.sockets[0].getsockname()[1]
        assert await name_of(port) == "one.example"
        assert not certificates.refresh()
        _, key = write(tmp_path, "two.example")
        assert certificates.refresh()
        assert await name_of(port) == "two.example"
        spoil(key)
        assert not certificates.refresh()
        assert await name_of(port) == "two.example"
        spoil(key, gone=True)
        assert not certificates.refresh()
        write(tmp_path, "three.example")
        assert certificates.refresh()
        assert await name_of(port) == "three.example"


def test_a_pair_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidAccess, match="No such file"):
        Certificates(str(tmp_path / "none"))
    cert, key = write(tmp_path, "one.example")
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(InvalidAccess, match="cannot be used"):
        Certificates(cert, write(other, "two.example")[1])
    Path(key).write_text("no key")
    with pytest.raises(InvalidAccess, match="cannot be used"):
        Certificates(cert, key)


def test_old_protocols_are_not_spoken(tmp_path: Path) -> None:
    assert Certificates(*write(tmp_path, "one.example")).context.minimum_version >= ssl.TLSVersion.TLSv1_2
