from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed

from streams.config import KafkaConfig
from streams.kafka import oauth
from streams.kafka.oauth import ClientCredentialsTokens, TokenAuthenticator


class Endpoint(ThreadingHTTPServer):
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.status, self.body = 200, b'{"access_token": "one", "expires_in": "300"}'
        self.asked: list[str] = []


class _Requests(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        self.server.asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        yield endpoint
        endpoint.shutdown()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock, seconds."""
    clock = [1_000.0]
    monkeypatch.setattr(oauth.time, "monotonic", lambda: clock[0])
    return clock


@pytest.fixture
def tokens(endpoint: Endpoint) -> ClientCredentialsTokens:
    return ClientCredentialsTokens(
        KafkaConfig(
            "kafka:9093",
            security_protocol="SASL_SSL",
            sasl_mechanism="OAUTHBEARER",
            sasl_oauth_token_url=f"http://127.0.0.1:{endpoint.server_port}/token",
            sasl_oauth_client_id="shop",
            sasl_oauth_client_secret="hidden",
            sasl_oauth_scope="kafka read",
            sasl_oauth_extensions=("logicalCluster=lkc-1",),
        )
    )


async def test_one_token_serves_many_connections_at_once(endpoint: Endpoint, tokens: ClientCredentialsTokens) -> None:
    assert set(await asyncio.gather(*(tokens.token() for _ in range(20)))) == {"one"}
    assert endpoint.asked == ["grant_type=client_credentials&scope=kafka+read"]
    assert tokens.extensions() == {"logicalCluster": "lkc-1"}


async def test_a_token_is_replaced_before_it_is_over(
    endpoint: Endpoint, tokens: ClientCredentialsTokens, now: list[float]
) -> None:
    await tokens.token()
    endpoint.body = b'{"access_token": "two"}'
    now[0] += 239
    assert await tokens.token() == "one"
    now[0] += 2
    assert await tokens.token() == "two"


async def test_while_the_endpoint_is_away_a_token_is_used_to_its_end(
    endpoint: Endpoint, tokens: ClientCredentialsTokens, now: list[float]
) -> None:
    await tokens.token()
    endpoint.status = 503
    now[0] += 299
    assert await tokens.token() == "one"
    now[0] += 2
    with pytest.raises(KafkaConnectionError, match="status 503"):
        await tokens.token()


async def test_a_client_that_gets_no_token_is_told_without_its_secret(
    endpoint: Endpoint, tokens: ClientCredentialsTokens
) -> None:
    endpoint.status, endpoint.body = 401, b'{"error": "hidden"}'
    with pytest.raises(SaslAuthenticationFailed, match="gives client shop no token: status 401") as refused:
        await tokens.token()
    assert "hidden" not in str(refused.value)
    endpoint.status, endpoint.body = 200, b"<html>hidden</html>"
    with pytest.raises(SaslAuthenticationFailed, match="something that is no token") as refused:
        await tokens.token()
    assert "hidden" not in str(refused.value)


async def test_a_token_that_was_refused_is_forgotten(endpoint: Endpoint, tokens: ClientCredentialsTokens) -> None:
    await tokens.token()
    tokens.forget()
    endpoint.body = b'{"access_token": "two"}'
    assert await tokens.token() == "two"


async def test_a_broker_that_answers_a_token_with_a_message_has_refused_it(tokens: ClientCredentialsTokens) -> None:
    exchange = TokenAuthenticator(sasl_oauth_token_provider=tokens)
    first = await exchange.step(None)
    assert first and first[0].startswith(b"n,,\x01auth=Bearer one\x01logicalCluster=lkc-1")
    with pytest.raises(SaslAuthenticationFailed, match="invalid_token"):
        await exchange.step(b'{"status":"invalid_token"}')
    assert await exchange.step(b"") is None
