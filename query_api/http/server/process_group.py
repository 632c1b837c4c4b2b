"""The processes that serve one port together, as each of them sees the others.

Whichever process is asked answers for all: it is ready while all are, and its metrics are those of all. They ask each
other over sockets in a directory that is their user's alone. For liveness each speaks for itself: who started them
looks after that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from encoders.liveness.vitals import Complaint
from query_api.http.problems import problem_response, unwell
from query_api.http.server.process_metrics import merge_metrics

ASK_S = 1.0
"""How long a process has to answer another."""


@dataclass(frozen=True, slots=True)
class ProcessAnswer:
    """What a process answers another."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """Processes with numbers from 0."""

    directory: Path
    count: int

    def socket(self, number: int) -> Path:
        """Where a process answers the others."""
        return self.directory / f"{number}.sock"

    async def ask(self, number: int, path: str) -> ProcessAnswer | None:
        """What a process answers; None: nothing, in time."""
        try:
            async with asyncio.timeout(ASK_S):
                return _read(await self._exchange(number, f"GET {path} HTTP/1.0\r\n\r\n"))
        except (OSError, TimeoutError, ValueError):
            return None

    async def _exchange(self, number: int, request: str) -> bytes:
        # By hand: a client library costs more than all that processes have to say to each other in a day.
        reader, writer = await asyncio.open_unix_connection(self.socket(number))
        try:
            writer.write(request.encode())
            return await reader.read()
        finally:
            writer.close()


def _read(response: bytes) -> ProcessAnswer:
    """An HTTP response that ends with its connection. Raises `ValueError` for what is none."""
    head, _, body = response.partition(b"\r\n\r\n")
    return ProcessAnswer(int(head[9:12]), body)


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One of the processes."""

    group: ProcessGroup
    number: int

    async def ask_others(self, path: str) -> dict[int, ProcessAnswer | None]:
        """What each of the others answers, by number."""
        others = [number for number in range(self.group.count) if number != self.number]
        answers = await asyncio.gather(*(self.group.ask(number, path) for number in others))
        return dict(zip(others, answers, strict=True))


class GroupApp:
    """Answers for all processes what is asked of all of them; everything else is the application's."""

    def __init__(self, app: ASGIApp, member: GroupMember) -> None:
        self._app = app
        self._member = member

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in ("/readyz", "/metrics") or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        own: list[Message] = []

        async def keep(message: Message) -> None:
            own.append(message)

        await self._app(scope, receive, keep)
        if own and own[0]["status"] == 200:
            others = await self._member.ask_others(scope["path"])
            make = _joint_readiness if scope["path"] == "/readyz" else self._joint_metrics
            if (joint := make(_body(own), others)) is not None:
                await joint(scope, receive, send)
                return
        for message in own:
            await send(message)

    def _joint_metrics(self, own: bytes, others: dict[int, ProcessAnswer | None]) -> Response:
        pages = {
            number: answer.body.decode()
            for number, answer in others.items()
            if answer is not None and answer.status == 200
        }
        pages[self._member.number] = own.decode()
        return Response(merge_metrics(dict(sorted(pages.items()))), media_type=CONTENT_TYPE_LATEST)


def _joint_readiness(_: bytes, others: dict[int, ProcessAnswer | None]) -> Response | None:
    """503 where another is not ready; None: the answer of the one that was asked is that of all."""
    complaints = [
        Complaint(f"process {number}", "does not answer" if answer is None else "is not ready")
        for number, answer in others.items()
        if answer is None or answer.status != 200
    ]
    if not complaints:
        return None
    return problem_response(unwell("not all processes of this worker are ready", complaints), {"retry-after": "1"})


def _body(messages: Iterable[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in messages)


class PrivateServer(uvicorn.Server):
    """Where a process answers the others. Signals are for the server that the process is there for."""

    def __init__(self, app: ASGIApp, member: GroupMember) -> None:
        path = str(member.group.socket(member.number))
        super().__init__(uvicorn.Config(app, uds=path, ws="none", lifespan="off", log_config=None, access_log=False))

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
