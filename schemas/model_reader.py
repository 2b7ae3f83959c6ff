"""Reads a document into its model, and puts what pydantic found into words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas import codes
from schemas.declared import Declared
from schemas.places import Diagnostic, Place
from schemas.reading import Reading, shown
from schemas.references import Resolved, Unresolved
from schemas.source import SourceMap
from schemas.suggestions import did_you_mean

ModelT = TypeVar("ModelT", bound=Declared)


@dataclass(frozen=True, slots=True)
class Read(Generic[ModelT]):
    """What came of a document. With errors, `model` is its sound part if there is one; else it is whole.

    The sound part is for rules across documents, so that a mistake in one field hides no other.
    """

    model: ModelT | None
    valid: bool


def read_model(model: type[ModelT], source: SourceMap, reading: Reading) -> Read[ModelT]:
    """Read `source` into `model`, reporting every error in it."""
    found_before = len(reading.findings)
    try:
        built = model.model_validate(source, context=reading)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
        unknown = _unknown_keys(reading.findings[found_before:])
        told = [error for error in errors if not _follows(error, source, unknown)]
        reading.findings += [_diagnostic(error, source) for error in told]
        sound = source.lacking([error["loc"] for error in errors])
        return Read(_sound_part(model, sound, reading), valid=False)
    new = reading.findings[found_before:]
    return Read(built, valid=all(finding.severity != "error" for finding in new))


def _unknown_keys(findings: Iterable[Diagnostic]) -> frozenset[Place | None]:
    return frozenset(finding.place for finding in findings if finding.code == codes.UNKNOWN_KEY)


def _sound_part(model: type[ModelT], source: SourceMap, reading: Reading) -> ModelT | None:
    """Return a model of what is right in a document; a required text that is missing gets a stand-in."""
    for name, field in model.model_fields.items():
        if field.is_required() and source.get(name) is None:
            source.put(name, Unresolved("?"), source.place, source.place)
    try:
        return model.model_validate(source, context=Reading(reading.environ, reading.offline))
    except ValidationError:
        return None


def _follows(error: ErrorDetails, source: SourceMap, unknown: Collection[Place | None]) -> bool:
    """Tell whether an error only follows from another one; `unknown` are the places of unknown keys."""
    if error["type"] == "default_factory_not_called":
        return True
    if error["type"] != "missing":
        return False
    mapping = source.value_of(error["loc"][:-1])
    if not isinstance(mapping, SourceMap):
        return False
    # A misspelled key and the field that is missing because of it are one mistake.
    missing = str(error["loc"][-1])
    misspelled = [key for key, place in mapping.key_places.items() if place in unknown]
    return any(did_you_mean(key, [missing]) for key in misspelled)


def _diagnostic(error: ErrorDetails, source: SourceMap) -> Diagnostic:
    place = source.place_of(error["loc"])
    if error["type"].startswith("TM"):
        return Diagnostic("error", error["type"], error["ctx"]["text"], place)
    if error["type"] == "missing":
        return Diagnostic("error", codes.MISSING_FIELD, f'"{error["loc"][-1]}" is required', place)
    return Diagnostic("error", *_code_and_message(error), place)


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
    "too_long": "at most {max_length} entries",
}


def _code_and_message(error: ErrorDetails) -> tuple[str, str]:
    """Return what was expected and what stood there, in words for someone who never saw pydantic."""
    kind, value = error["type"], error["input"]
    if kind in _LIMITS:
        return (
            codes.BAD_VALUE,
            f"expected {_LIMITS[kind].format(**error.get('ctx', {}))}, got {_amount(value)}",
        )
    if kind.startswith("date_"):
        return codes.BAD_VALUE, f"expected a date such as 2026-12-24, got {shown(value)}"
    expected = _TYPES.get(kind.partition("_")[0])
    if expected is None:
        return codes.BAD_VALUE, f"{error['msg']}; got {shown(value)}"
    return codes.WRONG_TYPE, f"expected {expected}, got {shown(value)}"


def _amount(value: object) -> str:
    """Return a value that is beyond a limit: a number as it is, of texts and lists the size."""
    if isinstance(value, Resolved):
        return shown(value)
    if isinstance(value, str) and not re.fullmatch(r"[-+\d.]+", value):
        return str(len(value))
    return str(len(value)) if isinstance(value, list | tuple) else str(value)
