"""Connections to brokers of whose machine nothing is heard any more."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from streams.config import KafkaConfig
from streams.kafka.connection import client_options


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no TCP_USER_TIMEOUT")
async def test_connections_to_kafka_end_when_nothing_is_acknowledged_any_more(kafka_servers: str):
    consumer: Any = AIOKafkaConsumer(**client_options(KafkaConfig(kafka_servers)))
    async with consumer:
        await consumer.topics()
        connections: list[Any] = list(consumer._client._conns.values())
        assert connections
        for one in connections:
            connected = one._writer.get_extra_info("socket")
            assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
