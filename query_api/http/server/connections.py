"""All connections of a server: which of them keep it waiting, for how long, and what their bodies take."""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Hashable
from typing import Protocol

from query_api import metrics
from query_api.config import QueryConfig

RATE_GRACE_S = 5.0
"""How long a body may come at any rate: the first packets of a slow network are slower still."""
LINGER_S = 2.0
"""How long a client that was refused has to read why."""
MAX_LINGERING = 256
"""More refused connections than this are cut at once."""
ROOM_AFTER_S = 1.0
"""How long a large body is sure of its place."""
SMALL_BODY_BYTES = 64 * 2**10
"""A body up to this never has to make room for others."""


class Connection(Protocol):
    """What this module asks of a connection."""

    @property
    def address(self) -> str:
        """The client's."""
        ...

    @property
    def is_idle(self) -> bool:
        """Whether it has answered a request, and no other has begun."""
        ...

    @property
    def received_bytes(self) -> int:
        """How much has come of the headers or of the body that is arriving."""
        ...

    @property
    def body_bytes(self) -> int:
        """How much the body that is arriving takes, or will by its stated length."""
        ...

    @property
    def unsent_bytes(self) -> int:
        """How much of its answers the client has not taken."""
        ...

    def refuse(self, status: int, detail: str) -> None:
        """Answer with a problem document, if nothing else is being answered, and close."""
        ...

    def cut(self) -> None:
        """Close at once."""
        ...


class Connections:
    """Every connection, by what it keeps the server waiting for. One event loop uses it.

    The connection that has been waited for longest comes first in each mapping, with the time since when, in seconds
    of the loop's clock.
    """

    def __init__(self, config: QueryConfig) -> None:
        self.config = config
        self.idle: OrderedDict[Connection, float] = OrderedDict()
        """Waited for: a request, or the rest of its headers."""
        self.receiving: OrderedDict[Connection, float] = OrderedDict()
        """Waited for: the rest of a body."""
        self.writing: OrderedDict[Connection, float] = OrderedDict()
        """Waited for: that the client takes its answer."""
        self.leaving: OrderedDict[Connection, float] = OrderedDict()
        """Waited for: that the client takes the last of it and closes."""
        self._addresses: dict[Connection, str] = {}
        self._by_address: Counter[str] = Counter()
        self._bodies: dict[Hashable, int] = {}
        self._body_bytes = 0

    def admit(self, connection: Connection, now: float) -> str | None:
        """Take a new connection in; else why not. The one that has been waited for longest makes room for it."""
        address, most = _network(connection.address), self.config.max_connections_per_address
        if most and self._by_address[address] >= most:
            return f"more than {most} connections from one address"
        if len(self._addresses) >= self.config.max_connections and not self._make_room():
            return "all connections are taken"
        self._addresses[connection] = address
        self._by_address[address] += 1
        self.idle[connection] = now
        return None

    def forget(self, connection: Connection) -> None:
        """A connection is closed."""
        self.leave(connection, None)
        self.leaving.pop(connection, None)
        address = self._addresses.pop(connection, None)
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def leave(self, connection: Connection, now: float | None) -> None:
        """A connection is being closed, and only waited for until it is."""
        for waiting in (self.idle, self.receiving, self.writing):
            waiting.pop(connection, None)
        if now is not None:
            self.leaving.setdefault(connection, now)
            if len(self.leaving) > MAX_LINGERING:
                next(iter(self.leaving)).cut()

    def hold(self, connection: Connection, request: Hashable, size: int, now: float) -> None:
        """So many more bytes of a request's body are or will be in memory, until `release`.

        Where there is no room, the body that has been coming longest gives way, if that is over `ROOM_AFTER_S`, else
        this one.
        """
        self._bodies[request] = self._bodies.get(request, 0) + size
        self._body_bytes += size
        if self._body_bytes <= self.config.body_memory_bytes or self._bodies[request] <= SMALL_BODY_BYTES:
            return
        giving_way = (
            other
            for other, since in self.receiving.items()
            if now - since > ROOM_AFTER_S and other.body_bytes > SMALL_BODY_BYTES
        )
        next(giving_way, connection).refuse(503, "too many large bodies at a time; try again")

    def release(self, request: Hashable) -> None:
        """A request was answered, and its body is gone."""
        self._body_bytes -= self._bodies.pop(request, 0)

    @property
    def body_bytes(self) -> int:
        """What the bodies of requests under way take."""
        return self._body_bytes

    def sweep(self, now: float) -> None:
        """Close the connections that took too long for what they are waited for."""
        config = self.config
        for connection, since in list(self.idle.items()):
            if now - since > config.header_deadline_s and not connection.is_idle:
                connection.refuse(408, f"the headers did not arrive within {config.header_deadline_s:g} s")
        for connection, since in list(self.receiving.items()):
            waited = now - since
            if waited > config.body_deadline_s:
                connection.refuse(408, f"the body did not arrive within {config.body_deadline_s:g} s")
            elif waited > RATE_GRACE_S and connection.received_bytes < config.body_bytes_per_s * waited:
                connection.refuse(408, f"the body comes slower than {config.body_bytes_per_s:g} bytes/s")
        for connection, since in list(self.writing.items()):
            if now - since > config.write_deadline_s:
                metrics.CONNECTIONS_REFUSED.labels("write").inc()
                connection.cut()
        for connection, since in list(self.leaving.items()):
            if now - since > (config.write_deadline_s if connection.unsent_bytes else LINGER_S):
                connection.cut()

    def _make_room(self) -> bool:
        """Close the connection that has been waited for longest; False: the server waits for none."""
        for waiting in (self.leaving, self.idle, self.receiving, self.writing):
            if waiting:
                metrics.CONNECTIONS_REFUSED.labels("evicted").inc()
                connection = next(iter(waiting))
                connection.cut()
                self.forget(connection)
                return True
        return False


def _network(address: str) -> str:
    """What counts as one address: of IPv6 the /64, which one client has all of."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
