"""Reads a document into its model, and puts what pydantic found into words."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas import codes
from schemas.declared import Declared
from schemas.places import Diagnostic
from schemas.reading import Reading, shown
from schemas.source import SourceMap

ModelT = TypeVar("ModelT", bound=Declared)


def read_model(model: type[ModelT], source: SourceMap, reading: Reading) -> ModelT | None:
    """Return the model that `source` declares, or None after reporting every error in it."""
    found_before = len(reading.findings)
    try:
        built = model.model_validate(source, context=reading)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False):
            reading.findings.append(_diagnostic(error, source))
        return None
    new = reading.findings[found_before:]
    return None if any(finding.severity == "error" for finding in new) else built


def _diagnostic(error: ErrorDetails, source: SourceMap) -> Diagnostic:
    place = source.place_of(error["loc"])
    if error["type"].startswith("TM"):
        return Diagnostic("error", error["type"], error["ctx"]["text"], place)
    if error["type"] == "missing":
        return Diagnostic("error", codes.MISSING_FIELD, f'"{error["loc"][-1]}" is required', place)
    code, expected = _expectation(error)
    return Diagnostic("error", code, f"expected {expected}, got {shown(error['input'])}", place)


_TYPES = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "tuple": "a list",
    "list": "a list",
    "dict": "a mapping",
    "mapping": "a mapping",
    "model": "a mapping",
    "path": "the path of a file",
}

_LIMITS = {
    "greater_than_equal": "a number from {ge} up",
    "greater_than": "a number above {gt}",
    "less_than_equal": "a number up to {le}",
    "less_than": "a number below {lt}",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} character",
    "too_short": "at least {min_length} entry",
}


def _expectation(error: ErrorDetails) -> tuple[str, str]:
    """Return the code and what was expected, in words for someone who never saw pydantic."""
    kind = error["type"]
    if kind in _LIMITS:
        return codes.BAD_VALUE, _LIMITS[kind].format(**error.get("ctx", {}))
    return codes.WRONG_TYPE, _TYPES.get(kind.partition("_")[0], error["msg"])
