"""An identity provider for a locked Kafka: gives tokens to clients who show their secret."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from streams.config import KafkaConfig
from tests.secure_kafka import SecureKafka


class TokenEndpoint(ThreadingHTTPServer):
    """An identity provider: gives tokens to a client who shows its secret."""

    def __init__(self, broker: SecureKafka) -> None:
        super().__init__(("127.0.0.1", 0), _TokenRequests)
        self.broker = broker
        self.secret = "client-secret"
        self.life_s = self.told_life_s = 300.0
        self.spoiled = False
        self.given = 0
        self.scopes: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}/token"


class _TokenRequests(BaseHTTPRequestHandler):
    server: TokenEndpoint

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        shown = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        known = shown == f"shop:{self.server.secret}" and form["grant_type"] == ["client_credentials"]
        self.server.scopes += form.get("scope", [])
        self.send_response(200 if known else 401)
        self.end_headers()
        if known:
            self.server.given += 1
            token = self.server.broker.token("token-user", self.server.life_s)
            token = "no.tok.en" if self.server.spoiled else token
            self.wfile.write(f'{{"access_token": "{token}", "expires_in": {self.server.told_life_s}}}'.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def tokens(secure_kafka: SecureKafka) -> Iterator[TokenEndpoint]:
    with TokenEndpoint(secure_kafka) as endpoint:
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        yield endpoint
        endpoint.shutdown()


def by_token(broker: SecureKafka, endpoint: TokenEndpoint, **changes: Any) -> KafkaConfig:
    settings: dict[str, Any] = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauth_token_url": endpoint.url,
        "sasl_oauth_client_id": "shop",
        "sasl_oauth_client_secret": endpoint.secret,
        "sasl_oauth_scope": "kafka",
        "ssl_cafile": str(broker.authority),
    }
    return KafkaConfig(broker.servers["sasl_ssl"], **settings | changes)
