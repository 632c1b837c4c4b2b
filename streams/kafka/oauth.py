"""Tokens for OAUTHBEARER, by the grant of client credentials."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from threading import Lock
from urllib.parse import quote_plus

import httpx
import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import OAuthAuthenticator
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed

from streams.config import KafkaConfig
from streams.kafka.secrets import current_secret

DEADLINE_S = 10.0
"""For the token endpoint to answer."""
REFRESH_AT = 0.8
"""A token is replaced when so much of its life is over."""
ASSUMED_LIFE_S = 300.0
"""Of a token that comes without one."""


class _TokenResponse(msgspec.Struct):
    access_token: str
    expires_in: float = ASSUMED_LIFE_S


class ClientCredentialsTokens(AbstractTokenProvider):
    """A token for each connection: one serves all until most of its life is over.

    While the endpoint is away, a token is used to the end of its life. May be asked from several event loops.
    Source: RFC 6749, section 4.4; RFC 7628.
    """

    def __init__(self, kafka: KafkaConfig) -> None:
        self._kafka = kafka
        self._lock = Lock()
        self._token = ""
        self._renew_at_s = self._expires_at_s = 0.0

    async def token(self) -> str:
        """A token that is valid now.

        Raises:
            KafkaConnectionError: the token endpoint does not answer.
            SaslAuthenticationFailed: it gives this client no token.
        """
        return await asyncio.to_thread(self._valid_token)

    def extensions(self) -> dict[str, str]:
        """What is sent beside the token."""
        return dict(extension.split("=", 1) for extension in self._kafka.sasl_oauth_extensions)

    def forget(self) -> None:
        """Drop the token, which was refused: the next connection gets a new one."""
        with self._lock:
            self._renew_at_s = self._expires_at_s = 0.0

    def _valid_token(self) -> str:
        with self._lock:
            if time.monotonic() < self._renew_at_s:
                return self._token
            asked_at_s = time.monotonic()
            try:
                answer = self._ask()
            except KafkaConnectionError:
                if time.monotonic() < self._expires_at_s:
                    return self._token
                raise
            self._token = answer.access_token
            self._renew_at_s = asked_at_s + REFRESH_AT * answer.expires_in
            self._expires_at_s = asked_at_s + answer.expires_in
            return self._token

    def _ask(self) -> _TokenResponse:
        url = self._kafka.sasl_oauth_token_url
        form = {"grant_type": "client_credentials"}
        if self._kafka.sasl_oauth_scope:
            form["scope"] = self._kafka.sasl_oauth_scope
        try:
            verify = ssl.create_default_context(cafile=self._kafka.sasl_oauth_cafile or None)
            headers = {"Authorization": _basic(self._kafka)}
            response = httpx.post(url, data=form, headers=headers, verify=verify, timeout=DEADLINE_S)
        except (httpx.HTTPError, OSError) as error:
            raise KafkaConnectionError(f"no token from kafka.sasl_oauth_token_url = {url}: {error}") from error
        return _read(response, self._kafka)


class TokenAuthenticator(OAuthAuthenticator):
    """The exchange of a token, which notices that the broker refuses it.

    A broker says so by a message where there should be none, and waits for an answer; the client of aiokafka takes it
    for a welcome, and finds the connection closed later. Source: RFC 7628, section 3.2.3.
    """

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        """The next message to the broker; None: the exchange is over. Raises `SaslAuthenticationFailed`."""
        if payload:
            raise SaslAuthenticationFailed(f"it says {payload[:200].decode(errors='replace')}")
        return await super().step(payload)


def _basic(kafka: KafkaConfig) -> str:
    """The client's name and secret as RFC 6749, section 2.3.1 has them."""
    secret = current_secret(kafka.sasl_oauth_client_secret, kafka.sasl_oauth_client_secret_file)
    pair = f"{quote_plus(kafka.sasl_oauth_client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _read(response: httpx.Response, kafka: KafkaConfig) -> _TokenResponse:
    """The token of an answer; what else the answer says is not repeated, as it may hold a secret."""
    url = kafka.sasl_oauth_token_url
    if response.status_code >= 500 or response.status_code == 429:
        raise KafkaConnectionError(f"no token from kafka.sasl_oauth_token_url = {url}: status {response.status_code}")
    if response.status_code != 200:
        raise SaslAuthenticationFailed(
            f"{url} gives client {kafka.sasl_oauth_client_id} no token: status {response.status_code}"
        )
    try:
        return msgspec.json.decode(response.content, type=_TokenResponse, strict=False)
    except msgspec.MsgspecError as error:
        raise SaslAuthenticationFailed(f"{url} answers with something that is no token") from error
