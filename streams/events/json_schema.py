"""JSON Schemas of every event type, and the AsyncAPI 3 document of the topics, generated from `streams.events.schema`.

`python -m streams.events.json_schema` writes them to `docs/`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from streams.errors import Reason
from streams.events.schema import (
    DEAD_LETTER,
    INDEX_CHANGES,
    MAX_MESSAGE_BYTES,
    PRODUCT_EVENTS,
    TYPES_BY_TOPIC,
    USER_EVENTS,
    IndexChange,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
JSON_CONTENT = "application/json"
CLOUD_EVENT_CONTENT = "application/cloudevents+json"
VERSION = "1.0.0"

_ENVELOPE: Mapping[str, Any] = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "minLength": 1, "maxLength": 256, "description": "Unique within the source."},
    "source": {"type": "string", "minLength": 1, "maxLength": 256, "description": "The system that says it."},
    "subject": {"type": ["string", "null"], "description": "The product's or user's id."},
    "time": {"type": ["string", "null"], "format": "date-time", "description": "Absent: when Kafka took it."},
    "datacontenttype": {"type": "string"},
}
_KEYS = {PRODUCT_EVENTS: "product id", USER_EVENTS: "user id", INDEX_CHANGES: "product id", DEAD_LETTER: "as it was"}
_KEY_BINDING = {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}}
_TEXTS = {
    PRODUCT_EVENTS: "What becomes of products. All types on one topic, so that a product's events keep their order.",
    USER_EVENTS: "What shoppers are like and do.",
    INDEX_CHANGES: "What became searchable.",
    DEAD_LETTER: "Messages that could not be processed: key, value and headers as they were, and why.",
}


def event_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each event's envelope, by event type."""
    return {name: _event_schema(name, kind) for types in TYPES_BY_TOPIC.values() for name, kind in types.items()}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of all topics."""
    channels = {_channel_id(topic): _channel(topic) for topic in _KEYS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vitrine",
            "version": VERSION,
            "description": "The events that Vitrine takes from Kafka and gives back, as CloudEvents 1.0 in JSON.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": JSON_CONTENT,
        "channels": channels,
        "operations": {name: _operation(*way) for name, way in _operations().items()},
        "components": {"messages": _messages(), "schemas": _components()},
    }


def documents() -> dict[str, str]:
    """Every generated file's text, by its path under `docs/`."""
    files = {"asyncapi.json": asyncapi()}
    files |= {f"schemas/{name}.json": schema for name, schema in event_schemas().items()}
    return {path: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for path, document in files.items()}


def _event_schema(name: str, kind: type[Any]) -> dict[str, Any]:
    (data,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    return {
        "$schema": DIALECT,
        "title": name,
        **_envelope(name, data),
        "$defs": _portable(definitions),
    }


def _envelope(name: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {**_ENVELOPE, "type": {"const": name}, "data": dict(data)},
    }


def _portable(schema: Any) -> Any:
    """The schema without the second end anchor of its patterns, which only Python's regular expressions need."""
    if isinstance(schema, dict):
        members = cast("dict[str, Any]", schema).items()
        return {key: value.removesuffix(r"(?!\n)") if key == "pattern" else _portable(value) for key, value in members}
    return [_portable(item) for item in cast("list[Any]", schema)] if isinstance(schema, list) else schema


def _components() -> dict[str, Any]:
    kinds = list(dict.fromkeys(kind for types in TYPES_BY_TOPIC.values() for kind in types.values()))
    _, definitions = msgspec.json.schema_components([*kinds, IndexChange], ref_template="#/components/schemas/{name}")
    return _portable(definitions)


def _messages() -> dict[str, Any]:
    events = {name: _event_message(name, kind) for types in TYPES_BY_TOPIC.values() for name, kind in types.items()}
    return events | {"index-change": _index_change(), "dead-letter": _dead_letter()}


def _event_message(name: str, kind: type[Any]) -> dict[str, Any]:
    return {
        "name": name,
        "title": (kind.__doc__ or name).splitlines()[0],
        "contentType": CLOUD_EVENT_CONTENT,
        "payload": _envelope(name, {"$ref": f"#/components/schemas/{kind.__name__}"}),
        "bindings": _KEY_BINDING,
    }


def _index_change() -> dict[str, Any]:
    return {
        "name": "index-change",
        "title": (IndexChange.__doc__ or "").splitlines()[0],
        "contentType": JSON_CONTENT,
        "payload": {"$ref": "#/components/schemas/IndexChange"},
        "bindings": _KEY_BINDING,
    }


def _dead_letter() -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("vitrine_error", "vitrine_topic")}
    names = ("partition", "offset", "timestamp", "time")
    numbers = {f"vitrine_{name}": {"type": "string", "pattern": "^[0-9]+$"} for name in names}
    reason = {"vitrine_reason": {"type": "string", "enum": list(Reason.__args__)}}
    return {
        "name": "dead-letter",
        "title": "A message that could not be processed.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "required": ["vitrine_reason"], "properties": {**reason, **texts, **numbers}},
        "payload": {"description": "The message's bytes, as they were."},
    }


def _channel_id(topic: str) -> str:
    return topic.replace(".", "-")


def _channel(topic: str) -> dict[str, Any]:
    names = list(TYPES_BY_TOPIC.get(topic, {})) or [{INDEX_CHANGES: "index-change", DEAD_LETTER: "dead-letter"}[topic]]
    return {
        "address": topic,
        "description": f"{_TEXTS[topic]} Key: {_KEYS[topic]}. Messages of up to {MAX_MESSAGE_BYTES:,} bytes.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic,
                "topicConfiguration": {"cleanup.policy": ["delete"]},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations() -> dict[str, tuple[str, str]]:
    return {
        "indexProducts": ("receive", PRODUCT_EVENTS),
        "learnShoppers": ("receive", USER_EVENTS),
        "announceIndexChanges": ("send", INDEX_CHANGES),
        "keepDeadLetters": ("send", DEAD_LETTER),
    }


def _operation(action: str, topic: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{_channel_id(topic)}"}}


def main(directory: Path) -> None:
    """Write every document under `directory`."""
    for path, text in documents().items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "docs")
