"""What OpenAI demands of a function's schema that is to be kept strictly. No I/O.

OpenAI: every object says `additionalProperties: false` and requires all of its properties.
"""

from __future__ import annotations

from sandbox.model.config import JsonObject
from sandbox.model.refusal import RefusedError


def check_strict(name: str, schema: JsonObject, param: str) -> None:
    """Refuse a schema that a strict function cannot have. Raises `RefusedError`."""
    _check(name, schema, (), param)


def _check(name: str, schema: JsonObject, context: tuple[str, ...], param: str) -> None:
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        if schema.get("additionalProperties") is not False:
            raise _invalid(
                name, context, "'additionalProperties' is required to be supplied and to be false.", param
            )
        names = list(properties) if isinstance(properties, dict) else []
        required = schema.get("required")
        missing = [one for one in names if not isinstance(required, list) or one not in required]
        if missing:
            wanted = (
                "'required' is required to be supplied and to be an array including every key in properties."
            )
            raise _invalid(name, context, f"{wanted} Missing '{missing[0]}'.", param)
    for key, child in (properties if isinstance(properties, dict) else {}).items():
        if isinstance(child, dict):
            _check(name, child, (*context, "properties", key), param)
    items = schema.get("items")
    if isinstance(items, dict):
        _check(name, items, (*context, "items"), param)


def _invalid(name: str, context: tuple[str, ...], what: str, param: str) -> RefusedError:
    where = ", ".join(f"'{one}'" for one in context)
    return RefusedError(
        "invalid_function_parameters",
        f"Invalid schema for function '{name}': In context=({where}), {what}",
        param=param,
    )
