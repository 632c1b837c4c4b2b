"""Names that libraries keep private and that are used here all the same; their upper bounds are in pyproject.toml.

When one of these tests fails after an update, the place that it names has to change with the library.
"""

from __future__ import annotations

import inspect

import aiokafka.client
import aiokafka.conn
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from pymilvus import AsyncMilvusClient
from pymilvus.client.async_grpc_handler import AsyncGrpcHandler
from pymilvus.client.call_context import _api_level_md


def _parameters(function: object) -> list[str]:
    assert callable(function)
    return list(inspect.signature(function).parameters)


def test_a_heartbeat_can_be_watched_by_the_membership() -> None:
    """`streams.group_membership` wraps the coordinator's heartbeat, found through Faust's consumer thread."""
    assert inspect.iscoroutinefunction(GroupCoordinator._do_heartbeat)
    assert _parameters(GroupCoordinator._do_heartbeat) == ["self"]
    assert _parameters(AIOKafkaConsumerThread._ensure_consumer) == ["self"]
    assert "_coordinator" in inspect.getsource(AIOKafkaConsumerThread)


def test_an_error_of_the_group_is_kept_where_the_membership_looks() -> None:
    assert "self._pending_exception = exc" in inspect.getsource(GroupCoordinator._push_error_to_user)
    assert AIOKafkaConsumerThread._consumer is None


def test_a_consumer_of_faust_keeps_its_thread_where_the_membership_looks() -> None:
    from faust.transport.consumer import ThreadDelegateConsumer

    assert "_thread" in inspect.getsource(ThreadDelegateConsumer.__init__)
    assert "self.call_thread(self._ensure_consumer().position, tp)" in inspect.getsource(
        AIOKafkaConsumerThread.position
    )


def test_columns_can_be_read_by_indexer_milvus_columns() -> None:
    """`indexer.milvus.columns` gives each connection a search of its own."""
    assert inspect.iscoroutinefunction(AsyncMilvusClient._get_connection)
    assert _parameters(AsyncMilvusClient._get_connection) == ["self"]
    assert inspect.iscoroutinefunction(AsyncGrpcHandler._execute_search)
    assert _parameters(AsyncGrpcHandler._execute_search)[:2] == ["self", "request"]
    assert "_execute_search" in inspect.getsource(AsyncGrpcHandler.search)
    assert "_async_stub" in inspect.getsource(AsyncGrpcHandler)
    assert _parameters(_api_level_md) == ["context"]


def test_connections_can_be_limited_by_query_api_http_protocol() -> None:
    """`query_api.http.server.protocol` starts requests itself, and looks at the one that is being answered."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

    assert _parameters(HttpToolsProtocol._start_asgi_task) == ["self", "cycle", "app"]
    assert "_start_asgi_task(" in inspect.getsource(HttpToolsProtocol.on_headers_complete)
    assert "service_unavailable" in inspect.getsource(HttpToolsProtocol.on_headers_complete)
    source = inspect.getsource(RequestResponseCycle)
    for name in ("disconnected", "response_started", "response_complete", "message_event", "body", "keep_alive"):
        assert f"self.{name}" in source
    for name in ("pipeline", "flow", "tasks", "client", "loop", "app", "url"):
        assert f"self.{name}" in inspect.getsource(HttpToolsProtocol)


def test_a_connection_can_be_given_its_secret_by_streams_kafka_connection() -> None:
    """`streams.kafka.connection` and `.lost_brokers` wrap what clients connect by, and the exchange of tokens."""
    assert "await create_conn(" in inspect.getsource(aiokafka.client.AIOKafkaClient)
    assert {"sasl_plain_password", "sasl_oauth_token_provider"} <= set(_parameters(aiokafka.conn.create_conn))
    assert "return conn" in inspect.getsource(aiokafka.conn.create_conn)
    assert "self._reader, self._writer" in inspect.getsource(aiokafka.conn.AIOKafkaConnection.connect)
    assert "self.authenticator_oauth()" in inspect.getsource(aiokafka.conn.AIOKafkaConnection)
    assert "_sasl_oauth_token_provider" in inspect.getsource(aiokafka.conn.AIOKafkaConnection)
    assert inspect.iscoroutinefunction(aiokafka.conn.OAuthAuthenticator.step)


def test_faust_gives_its_credentials_to_its_consumer_and_its_producer() -> None:
    from faust.transport.drivers.aiokafka import Producer

    assert "credentials_to_aiokafka_auth" in inspect.getsource(AIOKafkaConsumerThread._create_worker_consumer)
    assert "credentials_to_aiokafka_auth" in inspect.getsource(Producer._settings_auth)


async def test_answers_of_redis_are_parsed_in_c() -> None:
    """`redis` takes hiredis where it is installed and suits it, and says nothing where it does not."""
    from redis._parsers.hiredis import _AsyncHiredisParser

    from indexer.redis.client import connect_redis
    from indexer.redis.config import RedisConfig

    for url in ("redis://127.0.0.1:1", "unix:///nowhere", "rediss://127.0.0.1:1"):
        redis = connect_redis(RedisConfig(url))
        assert type(redis.connection_pool.make_connection()._parser) is _AsyncHiredisParser, url
        await redis.aclose()
