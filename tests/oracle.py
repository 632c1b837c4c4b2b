"""The oracle: what an event log must end up as in the index, whatever way it took there.

A pure function of the log, written from the public contract alone and sharing no code with the program: messages are
judged by the published JSON schemas, and each product's events are sorted into their total order and replayed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from tests.paths import ROOT

PRODUCTS = "catalog.product-events"
SHOPPERS = "shop.user-events"
PAST = timedelta(days=30)
FUTURE = timedelta(minutes=5)
INTERACTIONS = ("user.viewed", "user.clicked", "user.liked", "user.carted", "user.purchased")
_TYPES = {
    PRODUCTS: ("product.created", "product.updated", "product.deleted"),
    SHOPPERS: ("user.profiled", *INTERACTIONS, "user.searched"),
}
_SCHEMAS = ROOT / "docs" / "schemas"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Picture = Mapping[str, Any]
"""A picture as an event states it: `{"data": base64}` or `{"url": …}`."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message of the log."""

    topic: str
    value: bytes | None
    arrived_ms: int
    """Kafka's timestamp, Unix milliseconds."""
    headers: Mapping[str, bytes] = field(default_factory=dict)
    """By lower-case name."""

    @classmethod
    def of(cls, event: Mapping[str, Any], arrived_ms: int, topic: str = PRODUCTS) -> Arrival:
        """A CloudEvent in structured mode."""
        return cls(topic, json.dumps(event).encode(), arrived_ms)


@dataclass(frozen=True, slots=True)
class ExpectedProduct:
    """A product as its events define it."""

    fields: dict[str, Any]
    """Those that are not null, as the events state them."""
    deleted: bool
    """A tombstone: the last whole write is a deletion, and nothing after it gave the product a text or a picture."""
    searchable: bool
    version: int
    """The greatest version among its events that say anything."""


@dataclass(frozen=True, slots=True)
class Click:
    """What a shopper did to a product."""

    type: str
    product_id: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class ExpectedIndex:
    """What a log amounts to."""

    products: dict[str, ExpectedProduct]
    """By id, tombstones and incomplete products too."""
    clicks: dict[str, dict[str, Click]]
    """Each shopper's interactions, by event id."""
    traits: dict[str, dict[str, str]]
    dead_letters: Counter[str]
    """How many messages are refused, by reason."""
    refused: dict[int, str]
    """The reason by the message's place in the log."""


class Refused(Exception):
    """A message that is no event; the argument is the reason."""


def fold(log: Iterable[Arrival], is_good: Callable[[Picture], bool] = lambda _: True) -> ExpectedIndex:
    """Fold a log into the index that it must end up as.

    Args:
        log: messages in any order.
        is_good: whether a picture can be had and decoded; a product with no text needs one to be searchable.
    """
    events: dict[str, list[dict[str, Any]]] = {PRODUCTS: [], SHOPPERS: []}
    refused: dict[int, str] = {}
    for place, arrival in enumerate(log):
        try:
            events[arrival.topic].append(read(arrival))
        except Refused as reason:
            refused[place] = str(reason)
    by_product: dict[str, list[dict[str, Any]]] = {}
    for event in events[PRODUCTS]:
        by_product.setdefault(event["data"]["product_id"], []).append(event)
    return ExpectedIndex(
        products={product_id: _replay(some, is_good) for product_id, some in by_product.items()},
        clicks=_clicks(events[SHOPPERS]),
        traits=_traits(events[SHOPPERS]),
        dead_letters=Counter(refused.values()),
        refused=refused,
    )


def read(arrival: Arrival) -> dict[str, Any]:
    """The envelope of a message, with `time_ms` and the event's place in the `order` of its product.

    Raises:
        Refused: with the reason `undecodable`, `invalid`, `wrong_topic`, `too_old` or `from_future`.
    """
    event = _envelope(arrival)
    texts = ("id", "source", "type", "specversion")
    if any(not isinstance(event.get(text), str) for text in texts) or event["specversion"] != "1.0":
        raise Refused("invalid")
    if event["type"] not in _TYPES[arrival.topic]:
        raise Refused("wrong_topic")
    if not _validator(event["type"]).is_valid(event) or not all(map(_is_media, _media(event["data"]))):
        raise Refused("invalid")
    event["time_ms"] = _time_ms(event["time"]) if event.get("time") else arrival.arrived_ms
    if event["time_ms"] < arrival.arrived_ms - _ms(PAST):
        raise Refused("too_old")
    if event["time_ms"] > arrival.arrived_ms + _ms(FUTURE):
        raise Refused("from_future")
    event["order"] = (event["data"].get("version", event["time_ms"]), event["source"], event["id"])
    return event


def _envelope(arrival: Arrival) -> dict[str, Any]:
    """The envelope in either mode: the whole value, or the `ce_` headers around it."""
    if arrival.value is None:
        raise Refused("undecodable")
    try:
        value = json.loads(arrival.value.decode("utf-8"), parse_constant=_refuse_constant)
        headers = {name: raw.decode() for name, raw in arrival.headers.items() if name.startswith("ce_")}
    except (ValueError, RecursionError):
        raise Refused("undecodable") from None
    if "ce_type" in headers:
        named = {name.removeprefix("ce_"): text for name, text in headers.items()}
        return {"specversion": "1.0", **named, "data": value}
    if not isinstance(value, dict):
        raise Refused("invalid")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@cache
def _validator(type: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((_SCHEMAS / f"{type}.json").read_text()))


def _media(data: Mapping[str, Any]) -> list[Picture]:
    return [value for name in ("images", "videos", "audios") for value in data.get(name) or ()]


def _is_media(one: Picture) -> bool:
    """Whether it is either an address or a text of its bytes; of a text that is no base64, none can be decoded."""
    return (one.get("url") is None) != (one.get("data") is None) and isinstance(one.get("data") or "", str)


def _time_ms(time: str) -> int:
    """Unix milliseconds, in whole numbers throughout."""
    try:
        read = datetime.fromisoformat(time)
        return _ms((read if read.tzinfo else read.replace(tzinfo=UTC)) - _EPOCH)
    except (ValueError, OverflowError):
        raise Refused("invalid") from None


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _replay(events: Iterable[dict[str, Any]], is_good: Callable[[Picture], bool]) -> ExpectedProduct:
    """Write one product's events over each other in their total order."""
    fields: dict[str, Any] = {}
    deleted = False
    version = 0
    for event in sorted(events, key=lambda one: one["order"]):
        stated = {name: value for name, value in event["data"].items() if name not in ("product_id", "version")}
        if event["type"] != "product.updated":
            fields, deleted = {}, event["type"] == "product.deleted"
        if event["type"] != "product.updated" or stated:
            version = event["order"][0]
        fields |= stated
    fields = {name: value for name, value in fields.items() if value is not None}
    has_text = any(fields.get(name, "").strip() for name in ("title", "description"))
    searchable = has_text or any(map(is_good, fields.get("images", ())))
    return ExpectedProduct(fields, deleted and not searchable, searchable, version)


def _clicks(events: Iterable[dict[str, Any]]) -> dict[str, dict[str, Click]]:
    clicks: dict[str, dict[str, Click]] = {}
    for event in events:
        if event["type"] in INTERACTIONS:
            click = Click(event["type"], event["data"]["product_id"], event["time_ms"])
            clicks.setdefault(event["data"]["user_id"], {})[event["id"]] = click
    return clicks


def _traits(events: Iterable[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Each shopper's traits; the latest statement of a trait counts, and null clears it."""
    profiled = [event for event in events if event["type"] == "user.profiled"]
    stated: dict[str, dict[str, str | None]] = {}
    for event in sorted(profiled, key=lambda one: one["time_ms"]):
        stated.setdefault(event["data"]["user_id"], {}).update(event["data"]["traits"])
    return {
        user_id: {name: value for name, value in traits.items() if value is not None}
        for user_id, traits in stated.items()
    }
