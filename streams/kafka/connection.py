"""How every client connects to Kafka: its options, made in one place from the settings."""

from __future__ import annotations

import ssl
from functools import lru_cache, wraps
from typing import Any, TypedDict

import aiokafka.client
import aiokafka.conn
from aiokafka.errors import SaslAuthenticationFailed

from streams.config import KafkaConfig
from streams.kafka.lost_brokers import give_up_lost_brokers
from streams.kafka.oauth import ClientCredentialsTokens, TokenAuthenticator
from streams.kafka.secrets import SecretFileName
from streams.kafka.tls import ReloadingContext


class SecurityOptions(TypedDict, total=False):
    """What a client of aiokafka has to know of security."""

    security_protocol: str
    ssl_context: ssl.SSLContext
    sasl_mechanism: str
    sasl_plain_username: str
    sasl_plain_password: str
    sasl_oauth_token_provider: ClientCredentialsTokens


class ClientOptions(SecurityOptions):
    """What it has to know to connect: the options that consumers, producers and admin clients share."""

    bootstrap_servers: str


def client_options(kafka: KafkaConfig) -> ClientOptions:
    """The options of a client. Raises `KafkaRefused` when a file with certificates cannot be used."""
    return {"bootstrap_servers": kafka.bootstrap_servers, **security_options(kafka)}


def security_options(kafka: KafkaConfig) -> SecurityOptions:
    """Who this is to Kafka, and whom it trusts. Raises `KafkaRefused` when a file with certificates cannot be used."""
    give_up_lost_brokers()
    options: SecurityOptions = {"security_protocol": kafka.security_protocol}
    if kafka.uses_tls:
        options["ssl_context"] = ReloadingContext(kafka)
    if kafka.sasl_mechanism == "OAUTHBEARER":
        _follow_secrets()
        options |= {"sasl_mechanism": kafka.sasl_mechanism, "sasl_oauth_token_provider": _tokens(kafka)}
    elif kafka.uses_sasl:
        _follow_secrets()
        file = kafka.sasl_password_file
        options |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": SecretFileName(file) if file else kafka.sasl_password,
        }
    return options


@lru_cache(maxsize=8)
def _tokens(kafka: KafkaConfig) -> ClientCredentialsTokens:
    """One for all clients of a process, so that connecting again and again does not burden the token endpoint."""
    return ClientCredentialsTokens(kafka)


@lru_cache(maxsize=1)
def _follow_secrets() -> None:
    """Let every new connection of aiokafka's clients, Faust's too, log in with the secret as it is at that moment.

    Clients keep the password that they were made with and offer no way to change it, so the function is wrapped by
    which they connect. Tokens need none of it, but one that was refused has to be noticed, and not offered again.
    """
    connect = aiokafka.client.create_conn

    @wraps(connect)
    async def create_conn(*args: Any, **options: Any) -> Any:
        password, tokens = options.get("sasl_plain_password"), options.get("sasl_oauth_token_provider")
        if isinstance(password, SecretFileName):
            options["sasl_plain_password"] = password.read()
        try:
            return await connect(*args, **options)
        except SaslAuthenticationFailed:
            if isinstance(tokens, ClientCredentialsTokens):
                tokens.forget()
            raise
        except ValueError as error:
            if isinstance(error, OSError):
                # Of TLS: a certificate that cannot be verified is both.
                raise
            # Of SCRAM: what the broker answers shows that it does not know the password itself.
            raise SaslAuthenticationFailed(f"the broker failed to log in to this client: {error}") from error

    def authenticator_oauth(connection: Any) -> TokenAuthenticator:
        return TokenAuthenticator(sasl_oauth_token_provider=connection._sasl_oauth_token_provider)

    aiokafka.client.create_conn = create_conn
    aiokafka.conn.AIOKafkaConnection.authenticator_oauth = authenticator_oauth
