"""Where values come from, as documents: text for people, JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from reconciler.output.printable import printable
from schemas.entry import Entry
from schemas.places import Place
from schemas.provenance import Provenance, Shown, Written

FORMAT_VERSION = "1.0"
_MAX_VALUE = 40

_NAMES = {"overlay": "overlay", "document": "", "defaults": "defaults of the Service"}


def as_text(entry: Entry, fields: Sequence[Provenance]) -> str:
    """Return a line for each field: its value, and the place that it comes from.

    Long values are cut where there are several fields.
    """
    if len(fields) == 1:
        (field,) = fields
        return f"{entry.name}.{field.field}: {_value(field.value)}\n  {_origin(field)}"
    rows = [(field.field, _cut(_value(field.value)), _origin(field)) for field in fields]
    name_width = max(len(name) for name, _, _ in rows)
    value_width = max(len(value) for _, value, _ in rows)
    heading = f"{entry.kind} {entry.name}  {_file_and_line(entry.name_place)}"
    lines = [f"{name:{name_width}}  {value:{value_width}}  {origin}" for name, value, origin in rows]
    return "\n".join([heading, "", *lines])


def as_json(entry: Entry, fields: Sequence[Provenance]) -> str:
    """Return one JSON document."""
    return _document(entry.kind, entry.name, [_item(field) for field in fields], None)


def error_as_json(error: str) -> str:
    """Return the document of a question that has no answer."""
    return _document(None, None, [], error)


def _document(kind: str | None, name: str | None, fields: Sequence[object], error: str | None) -> str:
    document = {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "name": name,
        "fields": fields,
        "error": error,
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _item(field: Provenance) -> dict[str, object]:
    return {
        "field": field.field,
        "value": field.value,
        "from": field.written.origin if field.written else "built_in",
        "source": _source(field.written.place if field.written else None),
        "undone": field.undone,
        "over": [{"from": other.origin, "source": _source(other.place)} for other in field.overridden],
    }


def _source(place: Place | None) -> dict[str, object]:
    return {"file": place.file, "line": place.line, "column": place.column} if place else {}


def _value(value: Shown) -> str:
    if isinstance(value, str):
        return printable(value) or '""'
    return "not set" if value is None else printable(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…"


def _origin(field: Provenance) -> str:
    if field.written is None:
        return "built-in default"
    undone = ", which undoes it" if field.undone else ""
    over = "".join(f", over {_written(other)}" for other in field.overridden)
    return f"{_written(field.written)}{undone}{over}"


def _written(written: Written) -> str:
    if written.place is None:
        return "the environment variable TM_PUBLIC_URL"
    name = _NAMES[written.origin]
    return _file_and_line(written.place) + (f" ({name})" if name else "")


def _file_and_line(place: Place) -> str:
    return f"{place.file}:{place.line}"
