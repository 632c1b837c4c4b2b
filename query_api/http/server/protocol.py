"""uvicorn's HTTP/1.1 protocol over httptools, with limits on what a client may send, and how slowly.

It relies on names of `HttpToolsProtocol` that uvicorn keeps to itself (tests/unit/test_private_names.py).
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from query_api import metrics
from query_api.http.answer_transport import AnswerTransport
from query_api.http.refusals import TOO_SOON, answer_unless_gone, raw_problem, refuse_request
from query_api.http.route_scopes import is_work
from query_api.http.server.arrival import Arrival
from query_api.http.server.connections import SMALL_BODY_BYTES, Connections

MAX_PIPELINED = 8
"""Requests that a client may send before it has the answer to its first."""
MAX_DROPPED_BYTES = 256 * 2**10
"""How much of what a refused client goes on sending is read, so that it comes to read the answer."""
UNCOUNTED_PATHS = (b"/healthz", b"/readyz", b"/metrics")
PAUSE_S = 0.1
"""For how long nothing is read of a client that was refused as there is too much to do: those that ask again at once
take nothing from the others then."""


class LimitedProtocol(HttpToolsProtocol):
    """A connection that is refused what is over the limits; the app gets bodies in few pieces."""

    app: Any
    parser: Any
    cycle: Any
    """The latest request whose headers are here; None before the first."""

    def __init__(self, connections: Connections, **server: Any) -> None:
        """Args: server: what uvicorn makes a protocol with."""
        super().__init__(**server)
        self._all = connections
        self._own_app = self.app
        self._arrival = Arrival(connections.config)
        self._is_leaving = False
        self._running: RequestResponseCycle | None = None
        self._task: asyncio.Task[None] | None = None
        self._dropped_bytes = 0

    @property
    def address(self) -> str:
        return self.client[0] if self.client else ""

    @property
    def is_idle(self) -> bool:
        return not self._arrival.is_in_headers

    @property
    def received_bytes(self) -> int:
        return self._arrival.received_bytes

    @property
    def body_bytes(self) -> int:
        return max(self._arrival.received_bytes, self._arrival.stated_bytes)

    @property
    def unsent_bytes(self) -> int:
        return self.transport.get_write_buffer_size()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        reason = self._all.admit(self, self.loop.time())
        if reason is not None:
            self.refuse(503, reason)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.forget(self)
        for cycle, _ in self.pipeline:
            self._all.release(cycle)
        self._is_leaving = True
        super().connection_lost(exc)
        self._cancel_work()

    def data_received(self, data: bytes) -> None:
        if self._is_leaving:
            self._drop(len(data))
            return
        self._unset_keepalive_if_required()
        self._arrival.take_read(len(data))
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No protocol is upgraded to: the request is answered as it is, and what comes after it is not understood.
            self.cycle.keep_alive = False
        except httptools.HttpParserError:
            self.refuse(*self._arrival.refusal)
            return
        self._check_arrival()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._arrival.begin()
        if self in self._all.idle:
            self._wait_for(self._all.idle)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._arrival.take_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._arrival.is_in_headers:
            return  # Trailers would be taken for headers.
        self._arrival.take_header(name, value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        arrival = self._arrival
        if self._is_leaving:
            arrival.stop(*arrival.refusal)
        if len(self.pipeline) >= MAX_PIPELINED:
            arrival.stop(400, f"over {MAX_PIPELINED} requests are sent ahead of their answers")
        arrival.end_headers(self.parser.get_http_version())
        self._all.idle.pop(self, None)
        self._wait_for(self._all.receiving)
        is_full = len(self.tasks) >= self._all.config.max_requests and not self.url.startswith(UNCOUNTED_PATHS)
        self.app = refuse_request if is_full else self._own_app
        super().on_headers_complete()
        self.cycle.transport = AnswerTransport(self.transport)
        # One over the limit is refused by the app, for what it states.
        if SMALL_BODY_BYTES < arrival.stated_bytes <= self._all.config.max_body_bytes:
            self._all.hold(self, self.cycle, arrival.stated_bytes, self.loop.time())

    def on_body(self, body: bytes) -> None:
        self._arrival.take_body(body)
        if self.cycle.response_complete or self._is_leaving:
            return
        if self._arrival.stated_bytes <= SMALL_BODY_BYTES:
            self._all.hold(self, self.cycle, len(body), self.loop.time())
        self.cycle.body += body
        # The app is woken for much, or for the end: not for each of a million pieces.
        if len(self.cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
            self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        self._all.receiving.pop(self, None)
        self._arrival.end()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self._running is not None:
            cast(AnswerTransport, self._running.transport).flush()
        super().on_response_complete()
        if self.transport.is_closing():
            self._all.leave(self, self.loop.time())
        elif self.cycle.response_complete and self in self._all.receiving:
            # Answered before all of the body is here: what is still to come is not read as a request.
            self._leave()
        elif self.cycle.response_complete:
            self._wait_for(self._all.idle)
            if TOO_SOON in self.cycle.scope["state"]:
                self.flow.pause_reading()
                self.loop.call_later(PAUSE_S, self._read_on)

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._all.leave(self, self.loop.time())

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for(self._all.writing)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._all.writing.pop(self, None)

    def refuse(self, status: int, detail: str) -> None:
        """Answer with a problem document, if nothing else is being answered, and close."""
        if self._is_leaving:
            return
        metrics.CONNECTIONS_REFUSED.labels(str(status)).inc()
        cycle = self.cycle if self.cycle is not None and not self.cycle.response_complete else None
        # Headers that are refused behind a request that is being answered: the answer would be taken for its.
        can_answer = cycle is None or not (self.pipeline or self._arrival.is_in_headers or cycle.response_started)
        if cycle is not None:
            self._give_up(cycle)
            # The app, which waits for the rest of it, drops it now.
            self._all.release(cycle)
        if can_answer and not self.transport.is_closing():
            self.transport.write(raw_problem(status, detail))
            self._leave()
        else:
            self.cut()

    def cut(self) -> None:
        """Close at once."""
        self._is_leaving = True
        self._all.leave(self, None)
        for cycle in (self._running, self.cycle):
            if cycle is not None:
                self._give_up(cycle)
        self.flow.resume_writing()
        self.transport.abort()

    def _give_up(self, cycle: RequestResponseCycle) -> None:
        """Tell the app that nobody listens any more; what it says from now on is dropped."""
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle is self._running:
            self._cancel_work()

    def _cancel_work(self) -> None:
        """What nobody waits for any more is not worked on, unless it is to have an effect."""
        cycle = self._running
        if cycle is None or cycle.response_complete or self._task is None:
            return
        if is_work(cycle.scope["method"], cycle.scope["path"]):
            self._task.cancel()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        answering: Any = functools.partial(answer_unless_gone, cycle, app)
        task = self._task = self.loop.create_task(cycle.run_asgi(answering))
        self.tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self.tasks.discard(task)
            self._all.release(cycle)

        task.add_done_callback(ended)

    def _drop(self, size: int) -> None:
        """Not all that a refused client goes on sending is read: it has had time to see the answer."""
        self._dropped_bytes += size
        if self._dropped_bytes > MAX_DROPPED_BYTES and not self.transport.is_closing():
            self.flow.pause_reading()

    def _check_arrival(self) -> None:
        """Refuse what has come of a message that is not complete, if there is something wrong with it."""
        if self._is_leaving or (self.is_idle and self not in self._all.receiving):
            return
        fault = self._arrival.fault()
        if fault is not None:
            self.refuse(*fault)

    def _wait_for(self, waiting: Any) -> None:
        waiting[self] = self.loop.time()
        waiting.move_to_end(self)

    def _leave(self) -> None:
        """Close once the client has read the answer, or has had the time to."""
        self._is_leaving = True
        self._unset_keepalive_if_required()
        self._all.leave(self, self.loop.time())
        if self.transport.can_write_eof():
            # Closed with something of the client's unread, the kernel would take the answer back.
            self.flow.resume_reading()
            try:
                self.transport.write_eof()
            except OSError:
                # The client is gone already.
                self.transport.close()
        else:
            self.transport.close()
