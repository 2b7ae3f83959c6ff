"""Sorts documents by kind and name, before anything else about them is read."""

from __future__ import annotations

from collections.abc import Iterable

from schemas import codes
from schemas.entry import KINDS, LATER_KINDS, Entry, Layer
from schemas.fields import is_name
from schemas.places import Diagnostic, Place
from schemas.reading import Reading, shown
from schemas.source import Source, SourceMap
from schemas.suggestions import did_you_mean, listed

# Stands in for a name that is missing or malformed, so that the rest of the document is checked.
_STAND_IN = "unnamed"


def sort_documents(documents: Iterable[SourceMap], reading: Reading) -> tuple[list[Entry], frozenset[str]]:
    """Return the documents of known kinds, and the names of all others."""
    entries: list[Entry] = []
    other_names: set[str] = set()
    for document in documents:
        kind, name = document.get("kind"), document.get("name")
        if isinstance(kind, str) and kind in KINDS:
            entries.append(_entry(kind, name, document, reading))
            continue
        reading.findings.append(_kind_problem(kind, document))
        if isinstance(name, str):
            other_names.add(name)
    return entries, frozenset(other_names)


def _kind_problem(kind: Source, document: SourceMap) -> Diagnostic:
    place = document.place_of(("kind",))
    if kind is None:
        message = f"kind is missing; it is one of {listed(KINDS)}"
        return _error(codes.MISSING_KIND, message, place)
    if kind in LATER_KINDS:
        return _error(codes.KIND_NOT_READ, f"this version does not read {kind} documents yet", place)
    if not isinstance(kind, str):
        return _error(codes.UNKNOWN_KIND, f"kind is one of {listed(KINDS)}, got {shown(kind)}", place)
    hint = did_you_mean(kind, KINDS) or f"; it is one of {listed(KINDS)}"
    return _error(codes.UNKNOWN_KIND, f'there is no kind "{kind}"{hint}', place)


def _entry(kind: str, name: Source, document: SourceMap, reading: Reading) -> Entry:
    source = document.without("kind")
    if isinstance(name, str) and is_name(name):
        return Entry(kind, str(name), source, layers=(Layer("document", source),))
    place = document.place_of(("name",))
    rule = "small letters, digits and hyphens, 63 at most, the first not a hyphen"
    if name is None:
        reading.findings.append(_error(codes.BAD_NAME, f"name is missing: {rule}", place))
    else:
        reading.findings.append(_error(codes.BAD_NAME, f"a name has {rule}; got {shown(name)}", place))
    source.put("name", _STAND_IN, place, place)
    return Entry(kind, f"{_STAND_IN} {place}", source)


def _error(code: str, message: str, place: Place) -> Diagnostic:
    return Diagnostic("error", code, message, place)
