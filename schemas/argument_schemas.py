"""JSON Schemas of tools' arguments, compiled. Nothing is fetched: a schema refers to itself only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import JsonValue

if TYPE_CHECKING:
    from jsonschema_rs import Validator


class BadSchemaError(ValueError):
    """What was declared is no JSON Schema of an object; the message says why, in one line."""


def compile_schema(schema: Mapping[str, JsonValue]) -> Validator:
    """Return the validator of a schema, whose errors do not repeat the value. Raises `BadSchemaError`."""
    import jsonschema_rs  # compiled, and needed only where there are tools

    if schema.get("type") != "object":
        raise BadSchemaError("the arguments of a tool are an object: begin with type: object")
    try:
        return jsonschema_rs.validator_for(dict(schema), retriever=_retrieve, mask="this")
    except ValueError as error:
        raise BadSchemaError(f"this is no JSON Schema: {str(error).splitlines()[0]}") from None


def _retrieve(uri: str) -> JsonValue:
    raise LookupError(f"{uri} is not fetched")
