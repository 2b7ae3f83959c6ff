"""Twilio's documents as JSON Schemas: an operation for a request, with what it may be sent and may answer.

OpenAPI 3.0 has its own words for what JSON Schema says otherwise (`nullable`). And the documents leave
open what their service does not: an answer has all fields of its record and no others, a request has
no parameter that is not listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema_rs import Draft7Validator

from tests.openapi.mismatches import (
    EMPTY_STRINGS_ARE_ALLOWED,
    OPTIONAL_FIELDS,
    UNPUBLISHED_PARAMETERS,
    URIS_MAY_BE_RELATIVE_IN,
    WIDER_PATTERNS,
)

DATA = Path(__file__).parent / "data"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
DOCUMENTS = {
    "api": ("twilio_api_v2010.json",),
    "messaging": ("twilio_messaging_v1.json", "twilio_messaging_v2.json"),
    "monitor": ("twilio_monitor_v1.json",),
    "routes": ("twilio_routes_v2.json",),
}

Schema = dict[str, Any]

_KEPT = ("type", "format", "enum", "minimum", "maximum", "minLength", "maxLength")


@dataclass(frozen=True)
class Operation:
    """One method of one path. Schemas are JSON Schemas (draft 7); `parameters` are by place and name."""

    method: str
    template: str
    pattern: re.Pattern[str]
    parameters: Mapping[str, Mapping[str, Schema]]
    required: frozenset[str]
    body: Mapping[str, Schema]
    answers: Mapping[int, Schema | None]


@cache
def validator(schema_text: str, *, relative_uris: bool) -> Draft7Validator:
    """Return the validator of a schema (as JSON)."""
    uri = _is_uri_or_path if relative_uris else _is_uri
    formats = {"uri": uri, "date-time": _is_iso8601, "date-time-rfc-2822": _is_rfc2822}
    return Draft7Validator(json.loads(schema_text), formats=formats, validate_formats=True)


@cache
def operations(product: str) -> tuple[Operation, ...]:
    """Return the operations of a product, those with the most literal paths first."""
    found = [one for name in DOCUMENTS.get(product, ()) for one in _read(name)]
    return tuple(sorted(found, key=lambda one: one.template.count("{")))


def allows_relative_uris(operation: Operation) -> bool:
    """Tell whether `uri` means relative addresses as well (see the mismatches)."""
    return operation.template.startswith(URIS_MAY_BE_RELATIVE_IN)


def _read(name: str) -> list[Operation]:
    document = json.loads((DATA / name).read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    return [
        _operation(method, template, described, schemas)
        for template, methods in document["paths"].items()
        for method, described in methods.items()
    ]


def _operation(method: str, template: str, described: Schema, schemas: Schema) -> Operation:
    parameters: dict[str, dict[str, Schema]] = {"path": {}, "query": {}, "header": {}}
    for parameter in described.get("parameters", ()):
        parameters[parameter["in"]][parameter["name"]] = _translated(parameter["schema"], schemas)
    content = described.get("requestBody", {}).get("content", {})
    body = {kind: _translated(one["schema"], schemas) for kind, one in content.items()}
    for extra in UNPUBLISHED_PARAMETERS.get(template, ()):
        if FORM in body:
            body[FORM]["properties"][extra] = {}
    answers = {
        int(status): _complete(_translated(answer["content"][JSON]["schema"], schemas))
        if "content" in answer
        else None
        for status, answer in described["responses"].items()
    }
    required = frozenset(
        one["name"] for one in described.get("parameters", ()) if one.get("required") and one["in"] == "query"
    )
    pattern = re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))
    return Operation(method.upper(), template, pattern, parameters, required, body, answers)


def _translated(schema: Schema, schemas: Schema, name: str = "") -> Schema:
    """Return an OpenAPI schema as a JSON Schema without references; `name` is the field that it describes."""
    if "$ref" in schema:
        target = schemas[schema["$ref"].rpartition("/")[2]]
        # Fields that refer to an enum or a part cannot say that they are nullable, and are.
        return _translated({"nullable": True, **target}, schemas, name)
    kept: Schema = {key: schema[key] for key in _KEPT if key in schema}
    if "pattern" in schema:
        kept["pattern"] = WIDER_PATTERNS.get(name, schema["pattern"])
    if "properties" in schema:
        kept["properties"] = {
            key: _translated(one, schemas, key) for key, one in schema["properties"].items()
        }
        kept["required"] = schema.get("required", [])
        kept["additionalProperties"] = False
    if "items" in schema:
        kept["items"] = _translated(schema["items"], schemas)
    if schema.get("nullable"):
        kept = _nullable(kept)
    return _may_be_empty(kept) if EMPTY_STRINGS_ARE_ALLOWED else kept


def _nullable(schema: Schema) -> Schema:
    if "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema


def _may_be_empty(schema: Schema) -> Schema:
    """Let a string be empty; a pattern says enough about its length."""
    schema.pop("minLength", None)
    if "pattern" in schema:
        schema["pattern"] = f"^$|{schema['pattern']}"
    return schema


def _complete(schema: Schema) -> Schema:
    """Require all fields of a record and of the records inside, but those that may be left out."""
    if "properties" in schema:
        schema["properties"] = {name: _complete(one) for name, one in schema["properties"].items()}
        schema["required"] = sorted(schema["properties"].keys() - OPTIONAL_FIELDS)
    if "items" in schema:
        schema["items"] = _complete(schema["items"])
    return schema


def _is_uri(text: str) -> bool:
    parts = urlsplit(text)
    return not text or (parts.scheme in {"http", "https"} and bool(parts.hostname))


def _is_uri_or_path(text: str) -> bool:
    return text.startswith("/") or _is_uri(text)


def _is_iso8601(text: str) -> bool:
    return (
        not text or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text) is not None
    )


def _is_rfc2822(text: str) -> bool:
    try:
        return not text or parsedate_to_datetime(text).tzinfo is not None
    except ValueError:
        return False
