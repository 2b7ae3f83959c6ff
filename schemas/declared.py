"""The base of all models: prepares a document for pydantic.

pydantic checks types and ranges. What it cannot know is done here, right before it looks at each
mapping: where a value stands, what a reference yields, how a misspelled key was meant.
"""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator

from schemas import codes
from schemas.places import Diagnostic
from schemas.reading import Reading
from schemas.references import Unresolved
from schemas.secret import Secret
from schemas.source import Reference, Source, SourceList, SourceMap, folder_of
from schemas.suggestions import did_you_mean, listed


class Declared(BaseModel):
    """Base of all that is declared: immutable, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _from_source(cls, data: Any, info: ValidationInfo) -> Any:
        if isinstance(data, SourceMap) and isinstance(info.context, Reading):
            return _prepared(cls, data, info.context)
        return data


def _prepared(model: type[Declared], source: SourceMap, reading: Reading) -> dict[str, object]:
    """Return what pydantic is to check: known keys only, references resolved; null means not set."""
    ready: dict[str, object] = {}
    treatments = _treatments(model)
    for key, value in source.items():
        if key not in treatments:
            message = f'unknown key "{key}"{did_you_mean(key, treatments) or _known_keys(treatments)}'
            place = source.key_places[key]
            reading.findings.append(Diagnostic("error", codes.UNKNOWN_KEY, message, place))
            continue
        if value is None:
            continue
        treatment = treatments[key]
        known = value if treatment == "secret" else _resolved(value, reading)
        if isinstance(known, Unresolved) and not model.model_fields[key].is_required():
            continue
        if treatment == "path":
            known = _in_folder(known, folder_of(source.value_places[key]))
        ready[key] = known
    return ready


def _in_folder(written: object, folder: Path) -> object:
    """Return a path, or each of several, as seen from the file that it stands in."""
    if isinstance(written, list):
        return [_in_folder(item, folder) for item in written]
    return folder / written if isinstance(written, str) else written


def _known_keys(keys: Collection[str]) -> str:
    return f"; the keys here are {listed(keys, 'and')}" if len(keys) <= 8 else ""


def _resolved(value: Source, reading: Reading) -> object:
    if isinstance(value, Reference):
        return reading.text(value)
    if isinstance(value, SourceList):
        return [reading.text(item) if isinstance(item, Reference) else item for item in value]
    return value


@cache
def _treatments(model: type[Declared]) -> dict[str, str]:
    """Return the model's keys, and for each how its value is prepared: `secret`, `path` or `text`."""

    def treatment(annotation: object) -> str:
        if _mentions(annotation, Secret):
            return "secret"
        return "path" if _mentions(annotation, Path) else "text"

    return {name: treatment(info.annotation) for name, info in model.model_fields.items()}


def _mentions(annotation: object, wanted: type) -> bool:
    if annotation is wanted:
        return True
    if get_origin(annotation) in (Union, types.UnionType, Annotated, dict, Mapping, tuple):
        return any(_mentions(argument, wanted) for argument in get_args(annotation))
    return False
