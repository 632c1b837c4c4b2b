"""Where the servers are: those that the configuration names, else those that run on the data dir."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy.local.stack import LocalStack
from deploy.local.state import StackState
from query_api.access_config import is_loopback
from query_api.config import QueryConfig
from streams.config import KafkaConfig
from vitrine.errors import NotRunning
from vitrine.settings import Settings

if TYPE_CHECKING:
    from indexer.milvus.connection import MilvusConfig
    from vitrine.client import Client

ENCODER_SERVICE = "encoder-0"
"""The name of the process that encodes for all workers."""
_WAYS_OUT = {
    "kafka": "VITRINE_KAFKA_BOOTSTRAP_SERVERS",
    "milvus": "VITRINE_MILVUS_URI",
    "redis": "VITRINE_REDIS_URL",
}


def reachable_kafka(settings: Settings) -> KafkaConfig:
    """The configured Kafka, else the embedded one with its address. Raises `NotRunning` when there is neither."""
    kafka = settings.kafka
    return kafka if kafka.bootstrap_servers else replace(kafka, bootstrap_servers=_embedded("kafka", settings))


def reachable_milvus(settings: Settings) -> MilvusConfig:
    """The configured Milvus, else the embedded one with its address. Raises `NotRunning` when there is neither."""
    milvus = settings.milvus
    if milvus.uri:
        return milvus
    # First: to be asked for the database of one that does not run, the stack would make its directory.
    uri = _embedded("milvus", settings)
    return replace(milvus, uri=uri, lite_database=str(LocalStack(settings.data_dir).milvus().database))


def redis_url(settings: Settings) -> str:
    """The URL of the configured Redis, else of the embedded one. Raises `NotRunning` when there is neither."""
    return settings.redis.url or _embedded("redis", settings)


def with_server_addresses(settings: Settings) -> Settings:
    """The settings with the address of every server filled in. Raises `NotRunning` when one is nowhere."""
    return replace(
        settings,
        kafka=reachable_kafka(settings),
        milvus=reachable_milvus(settings),
        redis=replace(settings.redis, url=redis_url(settings)),
        encoder=replace(settings.encoder, service=_encoder_service(settings)),
    )


def query_url(settings: Settings) -> str:
    """The base URL of a query worker: one that runs on the data dir, else where the configuration puts it."""
    for worker in _state(settings).with_prefix("query"):
        return worker.url
    return configured_url(settings.query, settings.query.port)


def operations_url(settings: Settings) -> str:
    """The base URL of a query worker's health, readiness and metrics."""
    if not settings.query.ops_port:
        return query_url(settings)
    return f"http://{_reachable(settings.query.ops_host or settings.query.host)}:{settings.query.ops_port}"


def configured_url(query: QueryConfig, port: int) -> str:
    """Where a query worker of these settings answers on a port, seen from this machine."""
    return f"{'https' if query.ssl_certfile else 'http'}://{_reachable(query.host)}:{port}"


def connect_client(settings: Settings, url: str | None = None, headers: Mapping[str, str] | None = None) -> Client:
    """A client of a query worker; None: of the one that the settings name."""
    from vitrine.client import Client

    url = url or query_url(settings)
    # A certificate has the name that others call the worker by; that this machine is this machine needs no proof.
    return Client(url, headers=headers, verify=not is_own(url))


def is_own(url: str) -> bool:
    """Whether a URL is of this machine alone."""
    return is_loopback(urlsplit(url).hostname or "")


def _reachable(host: str) -> str:
    """An address of a listener as one can call it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _embedded(name: str, settings: Settings) -> str:
    record = _state(settings).find(name)
    if record is None:
        way_out = f"start it with `vitrine up`, or name one in {_WAYS_OUT[name]}"
        raise NotRunning(f"no {name.capitalize()} runs on {settings.data_dir}: {way_out}")
    return record.url


def _encoder_service(settings: Settings) -> str:
    """The configured encoder service, else the one that runs on the data dir, if any."""
    configured = settings.encoder.service
    if settings.encoder.service_path or configured == "never" or not _state(settings).find(ENCODER_SERVICE):
        return configured
    return f"unix:{LocalStack(settings.data_dir).encoder_socket()}"


def _state(settings: Settings) -> StackState:
    return LocalStack(settings.data_dir).state()
