"""A real Kafka with its doors locked: TLS, every SASL mechanism, and an authorizer that denies what nobody granted.

Certificates, users and tokens are made for it. Its plain listener is for the test alone, who is its administrator.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
import trustme
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from deploy.local import kafka as local_kafka
from deploy.local.kafka import EmbeddedKafka
from deploy.local.processes import free_port
from deploy.local.stack import LocalStack
from streams.config import KafkaConfig
from streams.rights import Right

AUDIENCE = "kafka"
PASSWORD = "first-secret"
USERS = {"PLAIN": "plain-user", "SCRAM-SHA-256": "scram-256", "SCRAM-SHA-512": "scram-512"}
"""A user for each mechanism with a password, which is `PASSWORD`."""
SESSION_S = 8
"""Connections by SCRAM-SHA-512 are cut by the broker when they are older, as managed clusters do."""
ROLE_USERS = ("indexing", "query", "publisher", "operator")
_TOPIC, _GROUP = 2, 3
_DENY, _ALLOW = 2, 3
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}
_LITERAL, _PREFIXED = 3, 4


class SecureKafka(EmbeddedKafka):
    """A broker with a listener of each kind; `servers` has their addresses by name."""

    names = ("127.0.0.1", "localhost")
    """What its certificate names."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, free_port(), free_port())
        self._directory = directory
        names = ("sasl", "sasl_ssl", "ssl", "expired", "elsewhere")
        self.servers = {name: f"127.0.0.1:{free_port()}" for name in names} | {"plain": self.url}
        self._authority = trustme.CA()
        self._token_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def prepare(self, progress: Callable[[str], None]) -> None:
        """Make certificates and the key of tokens first."""
        self._directory.mkdir(parents=True, exist_ok=True)
        yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        self._authority.cert_pem.write_to_path(str(self.file("ca.pem")))
        trustme.CA().cert_pem.write_to_path(str(self.file("foreign-ca.pem")))
        self._write("broker.pem", self._authority.issue_cert(*self.names))
        self._write("expired.pem", self._authority.issue_cert("127.0.0.1", not_after=yesterday))
        self._write("elsewhere.pem", self._authority.issue_cert("kafka.elsewhere.example"))
        key = json.loads(RSAAlgorithm.to_jwk(self._token_key.public_key())) | {"kid": "test", "use": "sig"}
        self.file("jwks.json").write_text(json.dumps({"keys": [key]}))
        super().prepare(progress)

    @property
    def argv(self) -> list[str]:
        """With leave to read the keys of tokens from a file."""
        java, *rest = super().argv
        return [java, f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._keys_url}", *rest]

    @property
    def authority(self) -> Path:
        """The file of the authority that vouches for its certificates."""
        return self.file("ca.pem")

    def file(self, name: str) -> Path:
        """A file of its directory."""
        return self._directory / name

    def issue_client_certificate(self, path: Path, name: str, *, days: int = 1, foreign: bool = False) -> None:
        """Write a certificate for a client, with its key, as one file."""
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
        authority = trustme.CA() if foreign else self._authority
        _write_pem(path, authority.issue_cert(f"{name}.example", common_name=name, not_after=until))

    def token(self, subject: str, life_s: float = 300) -> str:
        """A token as an identity provider would sign it."""
        now = datetime.datetime.now(datetime.UTC)
        claims = {"sub": subject, "aud": AUDIENCE, "iat": now, "exp": now + datetime.timedelta(seconds=life_s)}
        return jwt.encode(claims, self._token_key, "RS256", {"kid": "test"})

    def set_password(self, user: str, mechanism: str, password: str) -> None:
        """Change a user's password, by Kafka's own tool."""
        config = f"{mechanism}=[iterations=4096,password={password}]"
        tool = [
            self._java,
            "-Xmx128m",
            "-cp",
            self._classpath,
            "kafka.admin.ConfigCommand",
            "--bootstrap-server",
            self.url,
        ]
        change = ["--alter", "--add-config", config, "--entity-type", "users", "--entity-name", user]
        subprocess.run([*tool, *change], check=True, capture_output=True, timeout=60)

    async def grant(self, user: str, rights: Iterable[Right]) -> None:
        """Grant rights, as the commands of `vitrine kafka acls` do."""
        await self._set_rights(user, rights, _ALLOW)

    async def deny(self, user: str, *rights: Right) -> None:
        """Deny what was granted."""
        await self._set_rights(user, rights, _DENY)

    async def _set_rights(self, user: str, rights: Iterable[Right], permission: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.url)
        await admin.start()
        try:
            for right in rights:
                for operation in right.operations:
                    await _set(admin, f"User:{user}", right, _OPERATIONS[operation], permission)
        finally:
            await admin.close()

    @property
    def _keys_url(self) -> str:
        return f"file://{self.file('jwks.json')}"

    def _write(self, name: str, certificate: trustme.LeafCert) -> None:
        _write_pem(self.file(name), certificate)

    def _format(self) -> None:
        users = [
            f"{mechanism}=[name={user},password={PASSWORD}]"
            for mechanism, user in USERS.items()
            if mechanism != "PLAIN"
        ]
        users += [f"SCRAM-SHA-512=[name={user},password={PASSWORD}]" for user in ROLE_USERS]
        tool = [self._java, "-Xmx128m", "-cp", self._classpath, "kafka.tools.StorageTool", "format"]
        added = [part for user in users for part in ("--add-scram", user)]
        config = ["-t", local_kafka._CLUSTER_ID, "-c", local_kafka._PROPERTIES]
        subprocess.run(
            [*tool, *config, *added], cwd=self.cwd, env=self.env, check=True, capture_output=True, timeout=60
        )

    def _properties(self) -> dict[str, object]:
        extra = {name: address for name, address in self.servers.items() if name != "plain"}
        own = super()._properties()
        listeners = "".join(f",{name.upper()}://{address}" for name, address in extra.items())
        own["listeners"] = f"{own['listeners']}{listeners}"
        own["advertised.listeners"] = f"{own['advertised.listeners']}{listeners}"
        own["listener.security.protocol.map"] = (
            f"{own['listener.security.protocol.map']},SASL:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,EXPIRED:SSL,"
            "ELSEWHERE:SSL"
        )
        keys = self._keys_url
        return own | _SECURITY | self._tls() | _sasl("sasl", keys) | _sasl("sasl_ssl", keys)

    def _tls(self) -> dict[str, object]:
        stores = {"sasl_ssl": "broker", "ssl": "broker", "expired": "expired", "elsewhere": "elsewhere"}
        properties: dict[str, object] = {}
        for listener, store in stores.items():
            prefix = f"listener.name.{listener}.ssl"
            properties |= {
                f"{prefix}.keystore.type": "PEM",
                f"{prefix}.keystore.location": f"{store}.pem",
                f"{prefix}.truststore.type": "PEM",
                f"{prefix}.truststore.location": "ca.pem",
                f"{prefix}.client.auth": "required" if listener == "ssl" else "none",
            }
        return properties


_SECURITY: Mapping[str, object] = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/",
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
}


def _sasl(listener: str, keys_url: str) -> dict[str, object]:
    """The mechanisms of a listener."""
    module = "org.apache.kafka.common.security"
    prefix = f"listener.name.{listener}"
    scram = f"{module}.scram.ScramLoginModule required;"
    plain = f'{module}.plain.PlainLoginModule required user_{USERS["PLAIN"]}="{PASSWORD}";'
    handler = f"{module}.oauthbearer.OAuthBearerValidatorCallbackHandler"
    return {
        f"{prefix}.plain.sasl.jaas.config": plain,
        f"{prefix}.scram-sha-256.sasl.jaas.config": scram,
        f"{prefix}.scram-sha-512.sasl.jaas.config": scram,
        f"{prefix}.scram-sha-512.connections.max.reauth.ms": SESSION_S * 1000,
        f"{prefix}.oauthbearer.sasl.jaas.config": f"{module}.oauthbearer.OAuthBearerLoginModule required;",
        f"{prefix}.oauthbearer.sasl.server.callback.handler.class": handler,
        f"{prefix}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": keys_url,
        f"{prefix}.oauthbearer.sasl.oauthbearer.expected.audience": AUDIENCE,
    }


def _write_pem(path: Path, certificate: trustme.LeafCert) -> None:
    """A certificate and its key as Java and OpenSSL both read it."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pkcs8 + b"".join(blob.bytes() for blob in certificate.cert_chain_pems))


async def _set(admin: AIOKafkaAdminClient, principal: str, right: Right, operation: int, permission: int) -> None:
    resource = _TOPIC if right.resource == "topic" else _GROUP
    pattern = _PREFIXED if right.prefixed else _LITERAL
    request = CreateAclsRequest(resource, right.name, pattern, principal, "*", operation, permission)
    async with asyncio.timeout(10):
        answer = await admin._send_to_controller(request)
    for code, message in answer.creation_responses:
        assert code == 0, (for_code(code), message)


async def create_topic(broker: SecureKafka, topic: str, *users: str) -> None:
    """Create a topic, and give users every right to it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.url)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    for user in users:
        rights = [Right("topic", topic, ("Read", "Write", "Create")), Right("group", topic, ("Read",), prefixed=True)]
        await broker.grant(user, rights)


def by_password(broker: SecureKafka, mechanism: str, listener: str = "sasl_ssl", **changes: Any) -> KafkaConfig:
    """How the user of a mechanism connects."""
    tls = listener == "sasl_ssl"
    settings: dict[str, Any] = {
        "security_protocol": "SASL_SSL" if tls else "SASL_PLAINTEXT",
        "sasl_mechanism": mechanism,
        "sasl_username": USERS[mechanism],
        "sasl_password": PASSWORD,
        "ssl_cafile": str(broker.authority) if tls else "",
    }
    return KafkaConfig(broker.servers[listener], **settings | changes)


def by_certificate(broker: SecureKafka, file: Path) -> KafkaConfig:
    """How a client with a certificate connects."""
    return KafkaConfig(
        broker.servers["ssl"], security_protocol="SSL", ssl_cafile=str(broker.authority), ssl_certfile=str(file)
    )


@pytest.fixture(scope="session")
def secure_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """One for the session: each test uses topics of its own."""
    directory = tmp_path_factory.mktemp("secure")
    stack, broker = LocalStack(directory), SecureKafka(directory / "kafka")
    try:
        # In a thread: the fixture may be asked for while a test's event loop runs in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(stack.start([broker], print))).result()
        yield broker
    finally:
        stack.stop()
