"""Why Kafka turns a client away, in one sentence: the one place where that is told from Kafka's not being there.

Clients of aiokafka keep the reason to themselves: what they raise says that no broker could be reached. So when one
fails, a single connection is tried, and what becomes of it is worded here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

import aiokafka.client
from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.admin import SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

from streams.config import KafkaConfig
from streams.errors import KafkaRefused, StreamError
from streams.kafka.connection import security_options

CLIENT_ERRORS = (KafkaError, OSError, TimeoutError)
"""What clients of aiokafka raise."""
WATCH_S = 5.0
"""How often a worker that is out of its group looks whether it is turned away."""
DEADLINE_S = 4.0
"""For the one connection that shows why others failed."""
_TLS_ALERT = 0x15
"""The first byte of what a TLS port answers to plain text."""
_CERTIFICATE_FAULTS = {
    9: "is not valid yet: compare the clocks",
    10: "has expired: renew it on the broker",
    18: "is signed by itself: name it in kafka.ssl_cafile, if it is the broker's",
    19: "comes from an authority that kafka.ssl_cafile does not have",
    20: "comes from an authority that kafka.ssl_cafile does not have",
    21: "comes from an authority that kafka.ssl_cafile does not have",
    62: "names another host: connect to a name that it has, or issue it for this one",
    64: "names another host: connect to a name that it has, or issue it for this one",
}
"""By OpenSSL's codes of verification."""
_RIGHTS = {
    TopicAuthorizationFailedError: "topic",
    GroupAuthorizationFailedError: "consumer group",
    ClusterAuthorizationFailedError: "cluster, or to write to any topic at all",
    TransactionalIdAuthorizationFailed: "transactional id",
}

E = TypeVar("E", bound=StreamError)


async def refusal_or(kafka: KafkaConfig, error: BaseException, otherwise: E) -> E | KafkaRefused:
    """What to raise for a client's error: `KafkaRefused` where Kafka turned it away, else what is given."""
    if isinstance(error, KafkaRefused):
        return error
    if refused := right_refused(kafka, error):
        return refused
    return await find_refusal(kafka) or otherwise


def right_refused(kafka: KafkaConfig, error: BaseException) -> KafkaRefused | None:
    """The sentence for an error that says which right is missing."""
    for cause in _causes(error):
        for kind, resource in _RIGHTS.items():
            if isinstance(cause, kind):
                return KafkaRefused(
                    f"Kafka at {kafka.bootstrap_servers} knows {_who(kafka)}, who lacks a right to the "
                    f"{_named(resource, cause)}: grant it (`vitrine kafka acls` prints what each role needs)"
                )
    return None


async def check_access(kafka: KafkaConfig) -> None:
    """Raise `KafkaRefused` where Kafka turns this client away; a Kafka that is merely not there passes."""
    if refused := await find_refusal(kafka):
        raise refused


async def watch_access(
    kafka: KafkaConfig,
    is_member: Callable[[], bool],
    find: Callable[[KafkaConfig], Awaitable[KafkaRefused | None]] | None = None,
    every_s: float = WATCH_S,
) -> None:
    """Run until Kafka turns this client away, and raise that: consumers would try again for ever.

    Nothing is asked while `is_member` says that Kafka confirms this worker's heartbeats. Two refusals in a row count,
    so that a password which is changed on both sides, one after the other, does not.

    Args:
        kafka: as the consumers are connected.
        is_member: whether this worker has its place in the group.
        find: asks for a refusal; None: `find_refusal`.
        every_s: how often it looks.
    """
    find = find or find_refusal
    refused_before = False
    while True:
        await asyncio.sleep(every_s)
        refused = None if is_member() else await find(kafka)
        if refused and refused_before:
            raise refused
        refused_before = refused is not None


async def find_refusal(kafka: KafkaConfig) -> KafkaRefused | None:
    """Try a connection to each server at once; None where one accepts it, or nobody is there to refuse it."""
    tries = [_try(kafka, host, port) for host, port, _ in collect_hosts(kafka.bootstrap_servers)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    if None in outcomes:
        return None
    for outcome in outcomes:
        if isinstance(outcome, str):
            return KafkaRefused(outcome)
        if isinstance(outcome, KafkaRefused):
            return outcome
        if isinstance(outcome, BaseException) and not isinstance(outcome, TimeoutError | _NobodyThere):
            raise outcome
    return None


class _NobodyThere(Exception):
    """No broker answered, which is no refusal."""


async def _try(kafka: KafkaConfig, host: str, port: int) -> str | None:
    """Connect, log in and ask something; what is wrong, None: nothing.

    Raises:
        _NobodyThere: no broker answers.
        TimeoutError: nor within the deadline.
        KafkaRefused: files with certificates cannot be used.
    """
    broker = f"Kafka at {host}:{port}"
    options = security_options(kafka)
    connection: AIOKafkaConnection | None = None
    async with asyncio.timeout(DEADLINE_S):
        try:
            connection = await aiokafka.client.create_conn(host, port, **options)
            await connection.send(MetadataRequest([]))
        except CLIENT_ERRORS as error:
            said = _worded(kafka, broker, error)
            if said is None and connection is not None:
                said = await _asks_for_more(broker, host, port, kafka)
            if said is None and kafka.uses_tls:
                said = await _speaks_plain_text(broker, host, port)
            if said is None:
                raise _NobodyThere from error
            return said
        finally:
            if connection is not None:
                connection.close()
    return None


def _worded(kafka: KafkaConfig, broker: str, error: BaseException) -> str | None:
    """What an error of the one connection says about who is at fault; None: nothing."""
    for cause in _causes(error):
        if isinstance(cause, FileNotFoundError | PermissionError) and cause.filename:
            return f"{broker}: cannot log in, as {cause.filename} cannot be read: {cause.strerror}"
        if isinstance(cause, SaslAuthenticationFailed):
            return _login_refused(kafka, broker, cause)
        if isinstance(cause, UnsupportedSaslMechanismError):
            return f"{broker} does not take kafka.sasl_mechanism = {kafka.sasl_mechanism} at that port"
        if isinstance(cause, IllegalSaslStateError):
            return f"{broker} asks for no login at that port: set kafka.security_protocol to PLAINTEXT or SSL"
        if isinstance(cause, ssl.SSLCertVerificationError):
            fault = _CERTIFICATE_FAULTS.get(cause.verify_code, f"is refused: {cause.verify_message}")
            return f"the certificate of {broker} {fault}"
        if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or ""):
            return _certificate_refused(kafka, broker, cause)
        if isinstance(cause, asyncio.IncompleteReadError) and (cause.expected or 0) >> 24 == _TLS_ALERT:
            return f"{broker} speaks TLS at that port: set kafka.security_protocol to SSL or SASL_SSL"
    return None


def _login_refused(kafka: KafkaConfig, broker: str, error: BaseException) -> str:
    if kafka.sasl_mechanism == "OAUTHBEARER":
        return f"{broker} refuses {_who(kafka)}: {error.args[0] if error.args and error.args[0] else 'no reason given'}"
    given = "kafka.sasl_password_file" if kafka.sasl_password_file else "kafka.sasl_password"
    return (
        f"{broker} refuses {_who(kafka)} ({kafka.sasl_mechanism}): the user or the password is wrong; look at "
        f"kafka.sasl_username and {given}"
    )


def _certificate_refused(kafka: KafkaConfig, broker: str, error: ssl.SSLError) -> str:
    if not kafka.ssl_certfile:
        return f"{broker} asks for a client certificate: set kafka.ssl_certfile and kafka.ssl_keyfile"
    why = (error.reason or "").lower().partition("alert_")[2].replace("_", " ")
    return f"{broker} refuses the client certificate of kafka.ssl_certfile = {kafka.ssl_certfile}: {why}"


async def _asks_for_more(broker: str, host: str, port: int, kafka: KafkaConfig) -> str | None:
    """A broker that wants a login hangs up at the first question without one, or with a token that is over."""
    if kafka.sasl_mechanism == "OAUTHBEARER":
        return f"{broker} ends the session of {_who(kafka)} at once: the token is over; compare the clocks"
    if kafka.uses_sasl:
        return None
    try:
        connection = await aiokafka.client.create_conn(host, port, **security_options(kafka))
    except CLIENT_ERRORS:
        return None
    try:
        answer = await connection.send(SaslHandShakeRequest("NONE"))
    except CLIENT_ERRORS:
        return None
    finally:
        connection.close()
    if not answer.enabled_mechanisms:
        return None
    protocol = "SASL_SSL" if kafka.uses_tls else "SASL_PLAINTEXT"
    taken = ", ".join(sorted(answer.enabled_mechanisms))
    return (
        f"{broker} asks for a login: set kafka.security_protocol to {protocol} and kafka.sasl_mechanism to one that it "
        f"takes ({taken})"
    )


async def _speaks_plain_text(broker: str, host: str, port: int) -> str | None:
    """A plain port hangs up at a TLS handshake; so does one that is being stopped, hence the question."""
    try:
        connection = await aiokafka.client.create_conn(host, port, request_timeout_ms=1_000)
    except CLIENT_ERRORS:
        return None
    connection.close()
    return f"{broker} speaks no TLS at that port: set kafka.security_protocol to PLAINTEXT or SASL_PLAINTEXT"


def _who(kafka: KafkaConfig) -> str:
    """This client by the name that its settings give it."""
    if kafka.sasl_mechanism == "OAUTHBEARER":
        return f"the token of client {kafka.sasl_oauth_client_id}"
    if kafka.uses_sasl:
        return f"user {kafka.sasl_username}"
    return "the client of that certificate" if kafka.ssl_certfile else "this client, which did not log in"


def _named(resource: str, error: BaseException) -> str:
    """The resource with its name, where the client tells it."""
    given: str | Iterable[object] = error.args[0] if error.args else ""
    names = [given] if isinstance(given, str) else sorted(map(str, given))
    return f"{resource} {', '.join(name for name in names if name)}".rstrip()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, the latest first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
