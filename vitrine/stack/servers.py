"""Where the servers are: those that the configuration names, else those that run on the data dir."""

from __future__ import annotations

from dataclasses import replace

from deploy.local.stack import LocalStack
from deploy.local.state import StackState
from streams.config import KafkaConfig
from vitrine.errors import NotRunning
from vitrine.settings import Settings

_WAYS_OUT = {
    "kafka": "VITRINE_KAFKA_BOOTSTRAP_SERVERS",
    "milvus": "VITRINE_MILVUS_URI",
    "redis": "VITRINE_REDIS_URL",
}


def reachable_kafka(settings: Settings) -> KafkaConfig:
    """The configured Kafka, else the embedded one with its address. Raises `NotRunning` when there is neither."""
    kafka = settings.kafka
    return kafka if kafka.bootstrap_servers else replace(kafka, bootstrap_servers=_embedded("kafka", settings))


def redis_url(settings: Settings) -> str:
    """The URL of the configured Redis, else of the embedded one. Raises `NotRunning` when there is neither."""
    return settings.redis.url or _embedded("redis", settings)


def with_server_addresses(settings: Settings) -> Settings:
    """The settings with the address of every server filled in. Raises `NotRunning` when one is nowhere."""
    milvus = settings.milvus
    if not milvus.uri:
        database = str(LocalStack(settings.data_dir).milvus().database)
        milvus = replace(milvus, uri=_embedded("milvus", settings), lite_database=database)
    return replace(
        settings,
        kafka=reachable_kafka(settings),
        milvus=milvus,
        redis=replace(settings.redis, url=redis_url(settings)),
    )


def query_url(settings: Settings) -> str:
    """The base URL of a query worker: one that runs on the data dir, else where the configuration puts it."""
    for worker in _state(settings).with_prefix("query"):
        return worker.url
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.query.host, settings.query.host)
    return f"http://{host}:{settings.query.port}"


def _embedded(name: str, settings: Settings) -> str:
    record = _state(settings).find(name)
    if record is None:
        way_out = f"start it with `vitrine up`, or name one in {_WAYS_OUT[name]}"
        raise NotRunning(f"no {name.capitalize()} runs on {settings.data_dir}: {way_out}")
    return record.url


def _state(settings: Settings) -> StackState:
    return LocalStack(settings.data_dir).state()
