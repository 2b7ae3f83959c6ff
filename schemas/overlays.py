"""Environments: what `env/<name>.yaml` lays over the documents that are declared.

An overlay's document names its target by kind and name. Its fields win: mappings merge deeply, everything
else is replaced, and null undoes a field. Each value keeps its place, so that an error in an overlay is
found in the overlay.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from schemas import codes
from schemas.entry import Entry, Layer
from schemas.fields import is_name
from schemas.files import read_overlay
from schemas.places import Diagnostic
from schemas.reading import Reading, shown
from schemas.sorting import sort_documents
from schemas.suggestions import did_you_mean

ENVIRONMENT = "TM_ENV"
"""The variable that chooses the environment, for every command and process alike."""


def lay_over(
    entries: Sequence[Entry], folder: Path, reading: Reading, *, others: Collection[str]
) -> list[Entry]:
    """Return the entries with the chosen environment's overlay on them; without one, as they are.

    `others` are the names of documents that could not be read: an overlay of theirs is no mistake.
    """
    environment = reading.environ.get(ENVIRONMENT)
    if not environment:
        return list(entries)
    overlays = _overlays(folder, environment, reading)
    declared = {(entry.kind, entry.name) for entry in entries}
    for key, overlay in overlays.items():
        if key not in declared and overlay.name not in others:
            names = [name for kind, name in declared if kind == overlay.kind]
            message = f'there is no {overlay.kind} "{overlay.name}" to lay this over'
            message += did_you_mean(overlay.name, names)
            reading.findings.append(_error(codes.UNKNOWN_NAME, message, overlay))
    return [_laid_over(entry, overlays.get((entry.kind, entry.name))) for entry in entries]


def _overlays(folder: Path, environment: str, reading: Reading) -> dict[tuple[str, str], Entry]:
    """Read an environment's documents by kind and name; those without a sound name are left out."""
    if not is_name(environment):
        message = f"an environment has a name like an agent's, got {shown(environment)}"
        reading.findings.append(Diagnostic("error", codes.MISSING_OVERLAY, message, None))
        return {}
    contents = read_overlay(folder, environment)
    reading.findings += contents.findings
    overlays: dict[tuple[str, str], Entry] = {}
    entries, _ = sort_documents(contents.documents, reading)
    for entry in entries:
        first = overlays.setdefault((entry.kind, entry.name), entry)
        if first is not entry:
            message = f'{entry.kind} "{entry.name}" is laid over twice, first at {first.name_place}'
            reading.findings.append(_error(codes.DUPLICATE_DOCUMENT, message, entry))
    return {key: entry for key, entry in overlays.items() if is_name(entry.name)}


def _laid_over(base: Entry, overlay: Entry | None) -> Entry:
    if overlay is None:
        return base
    fields = overlay.source.without("name")
    source = fields.over(base.source)
    source.place = base.source.place
    return replace(base, source=source, layers=(Layer("overlay", fields), *base.layers))


def _error(code: str, message: str, overlay: Entry) -> Diagnostic:
    return Diagnostic("error", code, message, overlay.name_place)
