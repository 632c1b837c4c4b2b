"""Forgetting a shopper: one way for HTTP and for the command line."""

from __future__ import annotations

import secrets
import time

from indexer.personal_data import PersonalData
from query_api.ports import EventSink
from streams.events.schema import USER_EVENTS, USER_FORGOTTEN, Event, UserForgotten

SOURCE = "vitrine/query"


async def forget_shopper(user_id: str, data: PersonalData, publisher: EventSink | None) -> int:
    """Forget a shopper everywhere: first Kafka has the request, so that no rebuild brings anything back, then it goes.

    May be repeated.

    Args:
        user_id: who.
        data: what is known of shoppers; the keys of their dead letters go with it.
        publisher: None: it is forgotten here alone.

    Returns:
        Until when what they did is forgotten, Unix milliseconds.

    Raises:
        StoreUnavailable: a store does not answer.
        PublishFailed: Kafka does not take the request, and nothing was forgotten.
    """
    ids = await data.ids_of(user_id)
    # What is known may be ahead of the clock here.
    time_ms = max(int(time.time() * 1000), *[await data.profiles.latest_ms(known_id) or 0 for known_id in ids])
    if publisher is not None:
        # Of each id: the topic may keep what was done under one for longer than that it was joined.
        for known_id in ids:
            event = Event(secrets.token_hex(16), SOURCE, USER_FORGOTTEN, time_ms, UserForgotten(known_id))
            await publisher.publish(USER_EVENTS, event)
    await data.erase([(known_id, time_ms) for known_id in ids])
    return time_ms
