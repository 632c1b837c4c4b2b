"""Brokers that vanish without a word, by a cut line or a lost machine, are given up after seconds.

A client of aiokafka waits for an answer as long as its requests may take, which for a consumer, who waits for others of
its group, is 90 s; so long its commits, heartbeats and fetches would hang.
"""

from __future__ import annotations

import asyncio
import socket
from functools import lru_cache, wraps
from typing import Any

import aiokafka.client

SILENCE_S = 10
"""For so long a broker's machine may acknowledge nothing: its answers may take longer, its network not."""
PROBE_EVERY_S = 3


@lru_cache(maxsize=1)
def give_up_lost_brokers() -> None:
    """Have each connection of any client of aiokafka, Faust's too, end when nothing of it arrives any more.

    Clients offer no way to it, so the function is wrapped by which they connect.
    Source: RFC 5482, TCP User Timeout Option.
    """
    connect = aiokafka.client.create_conn

    @wraps(connect)
    async def create_conn(*args: Any, **options: Any) -> Any:
        async with asyncio.timeout(SILENCE_S):
            connection: Any = await connect(*args, **options)
        _watch(connection._writer.get_extra_info("socket"))
        return connection

    aiokafka.client.create_conn = create_conn


def _watch(connected: socket.socket) -> None:
    """Probe a quiet line, and end one on which nothing is acknowledged; as far as the system knows how to."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", SILENCE_S),
        ("TCP_KEEPINTVL", PROBE_EVERY_S),
        ("TCP_USER_TIMEOUT", 1_000 * SILENCE_S),
    ):
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
