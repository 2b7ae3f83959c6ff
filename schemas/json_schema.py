"""JSON Schemas of the declarations, for completion and checks in editors.

They are generated from the models, so they say what `tm validate` says as far as a schema can.
Draft 7 is what YAML editors understand best.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from pydantic import JsonValue
from pydantic.json_schema import models_json_schema

from schemas.entry import KINDS
from schemas.fields import NAME_PATTERN

COMBINED_FILE = "agents.d.json"

_DRAFT = "http://json-schema.org/draft-07/schema#"
_REFERENCE_NAME = "Reference"
_REFERENCE: dict[str, JsonValue] = {
    "type": "string",
    "pattern": r"\$\{(env|file):[^}]+\}",
    "description": "A value from the environment or a file: ${env:NAME}, ${env:NAME:-default}, ${file:path}.",
}
# What is said about a value rather than demanded of it.
_ANNOTATIONS = ("description", "default")

Schema = dict[str, JsonValue]


def schema_files() -> dict[str, str]:
    """Return the schema files by name: one for each kind, and one for any document by its `kind`."""
    definitions = _definitions()
    files = {f"{kind}.json": _text(_of_kind(kind, definitions)) for kind in KINDS}
    return {**files, COMBINED_FILE: combined_schema()}


def combined_schema() -> str:
    """Return the schema that covers any document of a declarations folder."""
    definitions = _definitions()
    by_kind: list[JsonValue] = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/{kind}Document"},
        }
        for kind in KINDS
    ]
    documents: Schema = {f"{kind}Document": _document(kind, definitions) for kind in KINDS}
    return _text(
        {
            "$schema": _DRAFT,
            "title": "A document of agents.d",
            "type": "object",
            "properties": {"kind": {"enum": list(KINDS)}, "name": {}},
            "required": ["kind", "name"],
            "allOf": by_kind,
            "$defs": {**definitions, **documents},
        }
    )


def _text(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _definitions() -> Schema:
    """Return the models' schemas, with references allowed wherever a single value stands."""
    _, whole = models_json_schema([(model, "validation") for model in KINDS.values()])
    definitions: Schema = whole["$defs"]
    relaxed = {name: _relaxed(definition) for name, definition in definitions.items()}
    return {**relaxed, _REFERENCE_NAME: _REFERENCE}


def _of_kind(kind: str, definitions: Schema) -> Schema:
    document = _document(kind, definitions)
    used = _used(document, definitions)
    return {"$schema": _DRAFT, **document, "$defs": {name: definitions[name] for name in sorted(used)}}


def _document(kind: str, definitions: Schema) -> Schema:
    """Return a kind's schema as a whole document: with `kind`, and with the name required."""
    model = definitions[kind]
    assert isinstance(model, dict)
    fields, required = model["properties"], model.get("required", [])
    assert isinstance(fields, dict)
    assert isinstance(required, list)
    head: Schema = {
        "kind": {"const": kind},
        "name": {"type": "string", "pattern": NAME_PATTERN, "description": "Its name."},
    }
    others: list[JsonValue] = [name for name in required if name != "name"]
    return {**model, "title": kind, "properties": {**fields, **head}, "required": ["kind", "name", *others]}


def _used(schema: JsonValue, definitions: Schema) -> set[str]:
    """Return the names of all definitions that a schema refers to, directly or not."""
    used: set[str] = set()
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix("#/$defs/")
            if name and name not in used:
                used.add(name)
                waiting.append(definitions[name])
            waiting += node.values()
    return used


def _relaxed(schema: JsonValue) -> JsonValue:
    """Return a schema that takes a reference for every scalar, and lacks the titles made of field names."""
    if not isinstance(schema, dict):
        return schema
    if _is_narrow_scalar(schema):
        rule = {key: value for key, value in schema.items() if key not in (*_ANNOTATIONS, "title")}
        notes = {key: value for key, value in schema.items() if key in _ANNOTATIONS}
        return {"anyOf": [rule, {"$ref": f"#/$defs/{_REFERENCE_NAME}"}], **notes}
    relaxed: Schema = {}
    for key, value in schema.items():
        if key in ("properties", "$defs") and isinstance(value, dict):
            relaxed[key] = {name: _relaxed(inner) for name, inner in value.items()}
        elif key in ("anyOf", "oneOf") and isinstance(value, list):
            relaxed["anyOf"] = _flat(_relaxed(inner) for inner in value)
        elif key in ("items", "additionalProperties"):
            relaxed[key] = _relaxed(value)
        elif key not in ("title", "format"):
            relaxed[key] = value
    return relaxed


def _flat(choices: Iterable[JsonValue]) -> list[JsonValue]:
    """Return the choices with those of bare `anyOf` lists drawn in, each once."""
    flat: list[JsonValue] = []
    for choice in choices:
        inner = choice["anyOf"] if isinstance(choice, dict) and choice.keys() <= {"anyOf"} else [choice]
        assert isinstance(inner, list)
        flat += [item for item in inner if item not in flat]
    return flat


def _is_narrow_scalar(schema: Mapping[str, JsonValue]) -> bool:
    """Tell whether a schema is about one value, and would refuse the text of a reference."""
    narrowing = {"pattern", "enum", "const"} & schema.keys()
    return schema.get("type") in ("integer", "number", "boolean") or bool(narrowing)
