"""An identity provider's keys: fetched, kept, and not asked for again and again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from query_api.access.signing_key_sources import fetch_signing_keys
from query_api.access.signing_keys import MAX_BYTES, UNKNOWN_S, SigningKeys, read_keys
from query_api.errors import AccessUnavailable


def jwks(*names: str) -> bytes:
    made = [ec.generate_private_key(ec.SECP256R1()).public_key() for _ in names]
    keys = [json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key)) for key in made]
    return json.dumps({"keys": [key | {"kid": name} for key, name in zip(keys, names, strict=True)]}).encode()


class Host:
    """A provider that publishes keys, and can go away."""

    def __init__(self, *names: str) -> None:
        self.document: bytes | None = jwks(*names)
        self.asked = 0
        self.now = 1_000.0

    async def fetch(self) -> bytes:
        self.asked += 1
        if self.document is None:
            raise AccessUnavailable("away")
        return self.document


async def test_an_unknown_key_is_looked_for_once_in_a_while() -> None:
    host = Host("a")
    keys = SigningKeys(host.fetch, lambda: host.now)
    await keys.refresh()
    for _ in range(100):
        assert await keys.find("b") is None
    assert host.asked == 1
    host.document = jwks("a", "b")
    host.now += UNKNOWN_S
    assert await keys.find("b") is not None
    assert host.asked == 2


async def test_keys_stay_while_their_host_is_away() -> None:
    host = Host("a")
    keys = SigningKeys(host.fetch, lambda: host.now)
    await keys.refresh()
    for broken in (None, b"", b"{", b"[]", b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', b'{"keys": 7}'):
        host.document = broken
        host.now += 10_000
        await keys.refresh()
        assert await keys.find("a") is not None and await keys.find("b") is None


async def test_before_the_first_answer_nobody_can_be_told() -> None:
    host = Host("a")
    document, host.document = host.document, None
    keys = SigningKeys(host.fetch, lambda: host.now)
    for _ in range(100):
        with pytest.raises(AccessUnavailable):
            await keys.find("a")
    assert host.asked == 1
    host.document = document
    host.now += 1
    assert await keys.find("a") is not None


async def test_a_token_with_no_key_id_goes_with_the_only_key() -> None:
    for names, found in ((("a",), True), (("a", "b"), False)):
        keys = SigningKeys(Host(*names).fetch)
        await keys.refresh()
        assert (await keys.find(None) is not None) == found


def test_secrets_and_keys_for_encryption_are_passed_over() -> None:
    document = json.loads(jwks("a", "b"))
    document["keys"][1]["use"] = "enc"
    document["keys"].append({"kty": "oct", "kid": "c", "k": "c2VjcmV0"})
    document["keys"].append({"kty": "RSA", "kid": "d", "n": "?", "e": "?"})
    assert list(read_keys(json.dumps(document).encode())) == ["a"]


async def test_a_file_is_a_source_too(tmp_path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(jwks("a"))
    assert read_keys(await fetch_signing_keys(str(path)))
    with pytest.raises(AccessUnavailable, match="cannot be read"):
        await fetch_signing_keys(str(tmp_path / "none"))


@pytest.fixture
async def answer() -> AsyncIterator[Callable[[bytes], Awaitable[str]]]:
    """Serves one raw HTTP answer; gives the URL."""
    servers: list[asyncio.Server] = []

    async def start(response: bytes) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(response)
            writer.close()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}/keys"

    yield start
    for server in servers:
        server.close()


async def test_keys_are_fetched_over_http(answer: Callable[[bytes], Awaitable[str]]) -> None:
    document = jwks("a")
    url = await answer(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(document), document))
    assert list(read_keys(await fetch_signing_keys(url))) == ["a"]


@pytest.mark.parametrize(
    ("response", "told"),
    [
        (b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", "answered 500"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n", "answered 302"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (MAX_BYTES + 1), "is over"),
        (b"nonsense\r\n\r\n", "does not answer"),
    ],
)
async def test_an_answer_that_is_none_is_no_answer(
    answer: Callable[[bytes], Awaitable[str]], response: bytes, told: str
) -> None:
    with pytest.raises(AccessUnavailable, match=told):
        await fetch_signing_keys(await answer(response))
