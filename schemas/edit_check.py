"""Proof that an edit did what was asked for and nothing else: both texts are read as the loader does."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.edits import AddNumbers, CannotEdit, Edit, Values
from schemas.places import Diagnostic
from schemas.source import Reference, Source, SourceList, SourceMap
from schemas.yaml_source import read_documents


def require_meaning(before: str, after: str, file: str, edits: Sequence[Edit]) -> None:
    """Raise CannotEdit unless `after` declares what `before` does, apart from what was asked for."""
    wanted = _meaning(before, file)
    for edit in edits:
        for document in wanted:
            if (document.get("kind"), document.get("name")) == ("Agent", edit.agent):
                _apply_to(document, edit)
    if _meaning(after, file) != wanted:
        raise CannotEdit(f"{file} cannot be changed without changing more than the values asked for")


def _apply_to(document: dict[str, object], edit: Edit) -> None:
    entries = document.setdefault("numbers", [])
    assert isinstance(entries, list), "numbers were spelled out"
    if isinstance(edit, AddNumbers):
        entries += [_as_texts(entry) for entry in edit.entries]
        return
    for entry in entries:
        if isinstance(entry, dict) and entry.get("number") == edit.number:
            entry.update(_as_texts(edit.values))


def _as_texts(values: Values) -> dict[str, object]:
    return {key: str(value).lower() if isinstance(value, bool) else value for key, value in values.items()}


def _meaning(text: str, file: str) -> list[dict[str, object]]:
    """Return what a text declares as plain values, the numbers of agents spelled out."""
    findings: list[Diagnostic] = []
    documents = []
    for source in read_documents(text, file, findings.append):
        document = {key: _plain(value) for key, value in source.items()}
        if document.get("kind") == "Agent" and "numbers" in document:
            numbers = document["numbers"]
            listed = numbers if isinstance(numbers, list) else [] if numbers is None else [numbers]
            document["numbers"] = [item if isinstance(item, dict) else {"number": item} for item in listed]
        documents.append(document)
    if findings:
        raise CannotEdit(f"{file} cannot be changed: {findings[0].message}", place=findings[0].place)
    return documents


def _plain(source: Source) -> object:
    if isinstance(source, SourceMap):
        return {key: _plain(value) for key, value in source.items()}
    if isinstance(source, SourceList):
        return [_plain(item) for item in source]
    if isinstance(source, Reference):
        return ("reference", source.text)
    return source if source is None else str(source)
