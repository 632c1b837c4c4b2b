from collections.abc import Awaitable, Callable

from aiokafka.conn import AIOKafkaConnection

create_conn: Callable[..., Awaitable[AIOKafkaConnection]]
