"""`tm drift --accept`: what the account has goes into the files, as far as a declaration can say it.

A friendly name, the look-up of callers and the region stand in the declarations. A voice URL does not: it
follows from the agent, so somebody else's cannot be accepted. What cannot be said is told, not invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.planning.plan import Change, Plan
from reconciler.resource.settings import FieldChange
from schemas.editing import edited, possible_edits
from schemas.edits import CannotEdit, SetValues
from schemas.file_edits import FileEdit, read_text
from schemas.references import has_reference

_KEYS = {
    "friendly_name": "friendly_name",
    "voice_caller_id_lookup": "caller_id_lookup",
    "voice_region": "region",
}
"""Fields of a live number, and the keys of a number entry that say the same."""


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """One field whose live value does not go into the files, and why."""

    number: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What accepting the live values does to the files, and what it leaves."""

    files: tuple[FileEdit, ...]
    left: tuple[NotAccepted, ...]


def accept(drift: Plan) -> Acceptance:
    """Work out the files that declare what the account has. Reads them; raises TmError if that fails."""
    by_file: dict[str, list[SetValues]] = {}
    left: list[NotAccepted] = []
    for change in drift.changes:
        refused = dict(_refused(change))
        left += [NotAccepted(change.number, field, reason) for field, reason in refused.items()]
        values = {_KEYS[item.field]: item.before for item in change.fields if item.field not in refused}
        if values and change.place is not None:
            edit = SetValues(change.agent, change.number, values)
            by_file.setdefault(change.place.file, []).append(edit)
    files = []
    for name, edits in sorted(by_file.items()):
        made, failed = _edit(name, edits)
        left += failed
        if made is not None:
            files.append(made)
    return Acceptance(tuple(files), tuple(left))


def _refused(change: Change) -> Iterator[tuple[str, str]]:
    """Yield each field that no declaration can hold as it is, with the reason."""
    for item in change.fields:
        if item.field not in _KEYS:
            yield item.field, _undeclarable(item)
        elif change.place is None:
            yield item.field, "no file declares the number"
        elif item.before == "":
            yield item.field, "a declaration cannot ask for an empty value"
        elif isinstance(item.before, str) and has_reference(item.before):
            yield item.field, "the live value would be taken for a reference"


def _undeclarable(item: FieldChange) -> str:
    follows = "it follows from the agent" if item.after else "a number of ours has none"
    return f"a declaration cannot hold it, {follows}; tm apply puts it right"


def _edit(name: str, edits: Sequence[SetValues]) -> tuple[FileEdit | None, list[NotAccepted]]:
    """Edit one file; what cannot be edited is left, and the rest is done all the same."""
    before = read_text(Path(name))
    possible, impossible = possible_edits(before, name, edits)
    left = [not_accepted for edit, error in impossible for not_accepted in _left(edit, error)]
    if not possible:
        return None, left
    try:
        return FileEdit(Path(name), before, edited(before, name, possible)), left
    except CannotEdit as error:
        return None, left + [not_accepted for edit in possible for not_accepted in _left(edit, error)]


def _left(edit: SetValues, error: CannotEdit) -> list[NotAccepted]:
    return [NotAccepted(edit.number, _field_of(key), str(error)) for key in edit.values]


def _field_of(key: str) -> str:
    fields: Mapping[str, str] = {known: field for field, known in _KEYS.items()}
    return fields[key]
