"""The servers that `examples/managed.yaml` names: Kafka by SASL_SSL, Redis with ACLs and TLS, Milvus with a token."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.stack import LocalStack
from streams.rights import ROLES, rights_of
from tests.milvus_proxy import SecureMilvus
from tests.scale.network import HOST
from tests.secure_kafka import PASSWORD, SecureKafka
from tests.secure_redis import SecureRedis, open_secure_redis, passwords

NAMES = {name: f"{name}.shop.example" for name in ("kafka", "redis", "milvus")}
KAFKA_PORT, REDIS_PORT, MILVUS_PORT = 9096, 6379, 19530
TOKEN = "shop:s3cret"


class ManagedKafka(SecureKafka):
    """Who logs in by TLS does so at its public name."""

    names = (NAMES["kafka"],)

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.servers["sasl_ssl"] = f"{HOST}:{KAFKA_PORT}"

    def _properties(self) -> dict[str, object]:
        own = super()._properties()
        public = str(own["advertised.listeners"]).replace(HOST, NAMES["kafka"])
        return own | {"advertised.listeners": public}


@dataclass(frozen=True, slots=True)
class ManagedServers:
    """All of them, and what a role is let in by."""

    kafka: ManagedKafka
    redis: SecureRedis

    def secrets(self, role: str) -> dict[str, dict[str, str]]:
        """The two secrets of a role, as the page on Kubernetes has them made."""
        user = f"vitrine-{role}"
        return {
            user: {
                "redis-username": user,
                "redis-password": passwords(user),
                "milvus-token": TOKEN,
                "ca.pem": Path(self.redis.ca_file).read_text(),
                "privacy-secret": "5" * 64,
            },
            f"vitrine-kafka-{role}": {
                "username": role,
                "password": PASSWORD,
                "ca.pem": self.kafka.authority.read_text(),
            },
        }


@contextmanager
def open_managed_servers(directory: Path) -> Iterator[ManagedServers]:
    """Servers that let nobody in but the roles, each with its rights."""
    kafka, local = ManagedKafka(directory / "kafka"), LocalStack(directory / "servers")
    (directory / "redis").mkdir(parents=True)
    lite = local.milvus()
    try:
        asyncio.run(local.start([kafka, lite], lambda _: None))
        with (
            open_secure_redis(directory / "redis", REDIS_PORT, HOST, NAMES["redis"]) as redis,
            SecureMilvus(lite.url, TOKEN, HOST, MILVUS_PORT) as milvus,
        ):
            milvus.show(redis.ca.issue_cert(NAMES["milvus"]))
            for role in ROLES:
                asyncio.run(kafka.grant(role, rights_of(role, "vitrine-indexer")))
            yield ManagedServers(kafka, redis)
    finally:
        local.stop()
