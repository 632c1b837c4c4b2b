"""The published schemas."""

import json

import jsonschema
import msgspec
import pytest

from streams.events.json_schema import asyncapi, documents, event_schemas
from streams.events.schema import TYPES_BY_TOPIC
from tests.paths import ROOT

DOCS = ROOT / "docs"
TYPES = [name for types in TYPES_BY_TOPIC.values() for name in types]


def test_the_committed_files_are_current():
    assert {path: (DOCS / path).read_text(encoding="utf-8") for path in documents()} == documents()
    assert {path.name for path in (DOCS / "schemas").iterdir()} == {f"{name}.json" for name in TYPES}


@pytest.mark.parametrize("name", TYPES)
def test_each_schema_is_a_json_schema(name):
    jsonschema.Draft202012Validator.check_schema(event_schemas()[name])


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        (
            {"title": None, "price": 4.5, "attributes": {"colour": ["red"]}, "images": [{"url": "https://x/y.jpg"}]},
            True,
        ),
        ({"product_id": "a b"}, False),
        ({"price": -1}, False),
        ({"colour": "red"}, False),
    ],
)
def test_a_schema_takes_what_the_decoder_takes(change, valid):
    schema = event_schemas()["product.updated"]
    data = {"product_id": "p1"} | change
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "product.updated", "data": data}
    assert jsonschema.Draft202012Validator(schema).is_valid(event) is valid
    assert _decodes(data) is valid


def _decodes(data):
    try:
        msgspec.convert(data, TYPES_BY_TOPIC["catalog.product-events"]["product.updated"])
    except msgspec.ValidationError:
        return False
    return True


def test_the_asyncapi_document_is_whole():
    document = json.loads(json.dumps(asyncapi()))
    assert document["asyncapi"] == "3.0.0"
    assert document["info"].keys() >= {"title", "version"}
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {"catalog.product-events", "shop.user-events", "vitrine.index-changes", "vitrine.dead-letter"}
    assert {operation["action"] for operation in document["operations"].values()} == {"send", "receive"}
    for reference in _references(document):
        target = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def _references(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _references(inner)
