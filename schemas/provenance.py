"""Where the values of a document come from: its own lines, an overlay, the Service's defaults, or nowhere.

A value's place, kept from the YAML on, tells which of the layers it was written in; a value without a place
is a default of the language. Secrets are `***`, and a value with references in it is shown as it was
written: what a variable holds may be confidential.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from schemas.declared import Declared
from schemas.entry import Entry
from schemas.environment import PUBLIC_URL
from schemas.errors import TmError
from schemas.places import Place
from schemas.references import Resolved
from schemas.secret import Secret
from schemas.source import Reference, Source, SourceList, SourceMap
from schemas.suggestions import did_you_mean

FieldPath = tuple[str | int, ...]
OriginName = Literal["overlay", "document", "defaults", "environment"]
Shown = str | int | float | bool | list["Shown"] | dict[str, "Shown"] | None


@dataclass(frozen=True, slots=True)
class Written:
    """One layer that has a value for a field, and where."""

    origin: OriginName
    place: Place | None
    """None for the environment, which has no lines."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """One field: its value, where that was written, and what it won over, the strongest first.

    `written` is None for a default of the language. `undone` says that somebody wrote null.
    """

    path: FieldPath
    value: Shown
    written: Written | None
    overridden: tuple[Written, ...] = ()
    undone: bool = False

    @property
    def field(self) -> str:
        """The path as it is typed: `voice.name`, `numbers.0.region`."""
        return ".".join(map(str, self.path))


def provenance(entry: Entry, path: FieldPath = ()) -> tuple[Provenance, ...]:
    """Return the provenance of the field at `path` of a valid document, or of every field below it.

    Raises:
        TmError: there is no such field.
    """
    fields = tuple(_fields(entry, entry.model, (), is_set=True))
    found = tuple(item for item in fields if item.path[: len(path)] == path)
    if not found:
        wanted = ".".join(map(str, path))
        hint = did_you_mean(wanted, [item.field for item in fields])
        raise TmError(f'{entry.kind} "{entry.name}" has no field "{wanted}"{hint}')
    return found


def _fields(entry: Entry, value: object, path: FieldPath, *, is_set: bool) -> Iterator[Provenance]:
    """Yield every field at or below `path`, whose value in the model is `value`."""
    if isinstance(value, Declared):
        for name in type(value).model_fields:
            inner = getattr(value, name)
            yield from _fields(entry, inner, (*path, name), is_set=name in value.model_fields_set)
    elif isinstance(value, tuple) and any(isinstance(item, Declared) for item in value):
        for index, item in enumerate(value):
            yield from _fields(entry, item, (*path, index), is_set=True)
    elif isinstance(value, Mapping) and any(isinstance(item, Declared | Secret) for item in value.values()):
        for key, item in value.items():
            yield from _fields(entry, item, (*path, key), is_set=True)
    else:
        yield _provenance(entry, value, path, is_set=is_set)


def _provenance(entry: Entry, value: object, path: FieldPath, *, is_set: bool) -> Provenance:
    found = _written_at(entry.source, path, is_set=is_set)
    if found is None:
        return Provenance(path, _shown(value, None), None)
    place, source = found
    layers = _layers_with(entry, path, is_set=is_set)
    if isinstance(source, Resolved) and source.origin == PUBLIC_URL:
        return Provenance(path, str(source), Written("environment", None), layers)
    rank = next(index for index, layer in enumerate(layers) if layer.place == place)
    below = layers[rank + 1 :]
    return Provenance(path, _shown(value, source), layers[rank], below, undone=source is None)


def _layers_with(entry: Entry, path: FieldPath, *, is_set: bool) -> tuple[Written, ...]:
    """Return the layers that have something at `path`, the strongest first."""
    found = ((layer, _written_at(layer.source, path, is_set=is_set)) for layer in entry.layers)
    return tuple(Written(layer.name, hit[0]) for layer, hit in found if hit is not None)


def _written_at(source: SourceMap, path: FieldPath, *, is_set: bool) -> tuple[Place, Source] | None:
    """Return what was written at exactly `path`, or None.

    A single entry may stand without its list, and a text for a mapping with one field; that field is
    the one which `is_set`.
    """
    here: Source = source
    place = source.place
    for step in path:
        if isinstance(here, SourceMap) and isinstance(step, str):
            if step not in here:
                return None
            place, here = here.value_places[step], here[step]
        elif isinstance(here, SourceList) and isinstance(step, int):
            if step >= len(here):
                return None
            place, here = here.item_places[step], here[step]
        elif isinstance(step, str) and not is_set:
            return None
    return place, here


def _shown(value: object, source: Source) -> Shown:
    """Return a value without secrets, and without what references in it yield."""
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, Path) or _has_reference(source) or _has_path(value):
        return _as_written(source)
    if isinstance(value, Mapping):
        return {str(key): _shown(item, None) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_shown(item, None) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    assert value is None or isinstance(value, str | int | float), f"no field holds {type(value)}"
    return value


def _has_path(value: object) -> bool:
    return isinstance(value, tuple) and any(isinstance(item, Path) for item in value)


def _has_reference(source: Source) -> bool:
    if isinstance(source, SourceMap):
        return any(map(_has_reference, source.values()))
    if isinstance(source, SourceList):
        return any(map(_has_reference, source))
    return isinstance(source, Reference)


def _as_written(source: Source) -> Shown:
    if isinstance(source, SourceMap):
        return {key: _as_written(item) for key, item in source.items()}
    if isinstance(source, SourceList):
        return [_as_written(item) for item in source]
    return source.text if isinstance(source, Reference) else source
