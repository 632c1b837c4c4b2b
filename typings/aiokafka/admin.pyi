from collections.abc import Mapping, Sequence
from ssl import SSLContext
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.structs import OffsetAndMetadata, TopicPartition

class NewTopic:
    name: str
    def __init__(
        self,
        name: str,
        num_partitions: int,
        replication_factor: int,
        topic_configs: Mapping[str, str] | None = None,
    ) -> None: ...

class CreateTopicsResponse:
    topic_errors: Sequence[tuple[Any, ...]]
    """The topic's name, an error code, and more by the protocol's version."""

class AIOKafkaAdminClient:
    def __init__(
        self,
        *,
        bootstrap_servers: str,
        security_protocol: str = "PLAINTEXT",
        ssl_context: SSLContext | None = None,
        sasl_mechanism: str = "PLAIN",
        sasl_plain_username: str | None = None,
        sasl_plain_password: str | None = None,
        sasl_oauth_token_provider: AbstractTokenProvider | None = None,
        request_timeout_ms: int = 40_000,
    ) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def create_topics(self, new_topics: Sequence[NewTopic]) -> CreateTopicsResponse: ...
    async def list_topics(self) -> list[str]: ...
    async def describe_topics(self, topics: Sequence[str] | None = None) -> list[dict[str, Any]]: ...
    async def describe_cluster(self) -> dict[str, Any]: ...
    async def list_consumer_group_offsets(
        self, group_id: str, partitions: Sequence[TopicPartition] | None = None
    ) -> dict[TopicPartition, OffsetAndMetadata]: ...
