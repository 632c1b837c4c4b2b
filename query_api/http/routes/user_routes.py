"""Routes about shoppers: what they do, and forgetting them."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from indexer.personal_data import PersonalData
from query_api.config import QueryConfig
from query_api.contract.request_reading import decode_json
from query_api.errors import InvalidRequest
from query_api.http.bodies import json_body
from query_api.http.routes.shopper_bounds import check_event
from query_api.personalisation.forgetting import SOURCE, forget_shopper
from query_api.ports import EventSink
from streams.events.cloudevents import decode_event
from streams.events.schema import USER_EVENTS, USER_FORGOTTEN, Event

MAX_EVENT_BYTES = 512 * 2**10
"""What an event may take, all its traits at their longest."""


class ShopperEvent(Struct, forbid_unknown_fields=True):
    """What a shopper did: the `type` and `data` of an event on `shop.user-events`."""

    type: Annotated[str, Meta(min_length=1, max_length=64)]
    data: msgspec.Raw
    id: Annotated[str, Meta(min_length=1, max_length=256)] = ""
    """Events of one id count once; absent: a new one."""


class UserRoutes:
    """`POST /v1/events` and `DELETE /v1/users/{id}`."""

    def __init__(self, data: PersonalData, publisher: EventSink | None, config: QueryConfig) -> None:
        """Args: publisher: None: no events are taken, and what is forgotten is forgotten here alone."""
        self._data = data
        self._publisher = publisher
        self._config = config

    def routes(self) -> list[Route]:
        """Starlette's routes."""
        forget = Route("/v1/users/{user_id:segment}", self.forget, methods=["DELETE"])
        return [Route("/v1/events", self.publish, methods=["POST"]), forget]

    async def publish(self, request: Request) -> Response:
        if self._publisher is None:
            raise InvalidRequest("", "this service takes no events; publish them to Kafka")
        event = read_event(await json_body(request, self._config.body_deadline_s))
        check_event(request, event)
        async with asyncio.timeout(self._config.deadline_s):
            await self._publisher.publish(USER_EVENTS, event)
        return Response(msgspec.json.encode({"id": event.id}), 202, media_type="application/json")

    async def forget(self, request: Request) -> Response:
        """204 once Kafka has it and the profile is erased; 503, to be repeated, when either is away."""
        user_id = request.path_params["user_id"]
        if not 1 <= len(user_id) <= 256:
            raise InvalidRequest("user_id", f"user_id has {len(user_id)} characters, it takes 1 to 256")
        async with asyncio.timeout(self._config.deadline_s):
            await forget_shopper(user_id, self._data, self._publisher)
        return Response(status_code=204)


def read_event(body: bytes) -> Event:
    """The event in a body. Raises `InvalidRequest` when it is no JSON, `InvalidEvent` when it is not of the schema."""
    if len(body) > MAX_EVENT_BYTES:
        raise InvalidRequest("", f"an event has at most {MAX_EVENT_BYTES:,} bytes", 413)
    event = decode_json(_events, body)
    if event.type == USER_FORGOTTEN:
        raise InvalidRequest("type", "a user is forgotten by DELETE /v1/users/{id}")
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id or secrets.token_hex(16),
        "source": SOURCE,
        "type": event.type,
        "data": event.data,
    }
    return decode_event(USER_EVENTS, msgspec.json.encode(envelope), {}, int(time.time() * 1000))


_events = msgspec.json.Decoder(ShopperEvent)
