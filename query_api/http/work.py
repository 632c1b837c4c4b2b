"""What searches cost is bounded: so many at a time, each within its deadline; what is over is refused before anything
is done for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from query_api.admission.lanes import Lanes
from query_api.admission.slots import Slot
from query_api.http.refusals import refuse_work
from query_api.http.route_scopes import is_work

LEAST_MEDIA_BYTES = 4_096
"""A smaller body has hardly a picture in it, and is taken for one without when it is refused unread."""


class Work:
    """Does requests' work."""

    def __init__(self, lanes: Lanes, deadline_s: float) -> None:
        self._lanes = lanes
        self._deadline_s = deadline_s

    @asynccontextmanager
    async def begin(self, kind: str, has_media: bool = False) -> AsyncGenerator[Slot]:
        """A place among what is worked on; waiting for it is part of the deadline, which ends all that is asked within.

        Args:
            kind: what it is compared with to see whether there is too much.
            has_media: whether something has to be decoded for it.

        Raises:
            TooBusy: there is no place, and too many wait for one.
            TimeoutError: the deadline is over.
        """
        async with asyncio.timeout(self._deadline_s), self._lanes.choose(has_media).slot(kind) as slot:
            yield slot


class RefuseWork:
    """Refuses work at the door while there is no place for it: before it is looked at who asks, and for what."""

    def __init__(self, app: ASGIApp, lanes: Lanes) -> None:
        self._app = app
        self._lanes = lanes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_work(scope["method"], scope["path"]):
            lane = self._lanes.choose(scope["method"] == "POST" and _may_have_media(scope))
            if lane.refuses():
                return await refuse_work(scope, receive, send)
        return await self._app(scope, receive, send)


def _may_have_media(scope: Scope) -> bool:
    stated = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return not (stated.isdigit() and int(stated) < LEAST_MEDIA_BYTES)
