"""The JSON Schema of the settings, for those who write them elsewhere: the chart's values.

`python -m tests.settings_schema` writes it anew into the chart, after a setting was added, changed or removed.
"""

from __future__ import annotations

import json
from dataclasses import fields
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from tests.paths import ROOT
from vitrine.settings import section_types

VALUES_SCHEMA = ROOT / "deploy" / "helm" / "vitrine" / "values.schema.json"
_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def settings_schema() -> dict[str, Any]:
    """Every section and every setting by its type; nothing else may be there."""
    return _closed({name: _closed(_settings_of(kind)) for name, kind in section_types().items()})


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _settings_of(section: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(section)
    return {item.name: _schema_of(hints[item.name]) for item in fields(section)}


def _schema_of(hint: Any) -> dict[str, Any]:
    origin = get_origin(hint)
    if origin is Annotated:
        return _schema_of(get_args(hint)[0])
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin is tuple:
        return {"type": "array", "items": _schema_of(get_args(hint)[0])}
    if origin in (Union, UnionType):
        return {"anyOf": [_schema_of(arg) for arg in get_args(hint) if arg is not NoneType]}
    return {"type": _NAMES[hint]}


if __name__ == "__main__":
    schema = json.loads(VALUES_SCHEMA.read_text())
    schema["$defs"]["settings"] = settings_schema()
    VALUES_SCHEMA.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
