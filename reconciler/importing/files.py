"""The files of an import: a new one for each new agent, and numbers added to agents that are declared.

What exists is edited in place, comments kept; no file is ever replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.importing.decisions import Imported, ImportedAgent, LeftOut
from schemas.editing import edited, possible_edits
from schemas.edits import AddNumbers, CannotEdit
from schemas.file_edits import FileEdit, read_text
from schemas.fleet import Fleet
from schemas.writing import list_lines, mapping_lines

_OURS = (
    "# The account does not hold what an agent says: write its instructions here.",
    "instructions: Greet the caller, and say that this agent was imported and has no instructions yet.",
)
_NOT_OURS = ("instructions: Say who you are and why you call.",)


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """What an import writes, and which numbers it could not place."""

    files: tuple[FileEdit, ...]
    left_out: tuple[LeftOut, ...]


def import_files(fleet: Fleet, folder: Path, imported: Imported, public_url: str | None) -> ImportFiles:
    """Return the files for an import into `folder`; `public_url` is for a Service that is missing.

    Reads the files that it adds to. Raises TmError when one cannot be read.
    """
    files = list(_new_files(fleet, folder, imported, public_url))
    left_out = list(imported.left_out)
    for name, edits in _additions(fleet, imported).items():
        edit, refused = _added(Path(name), edits)
        files += [edit] if edit else []
        left_out += refused
    return ImportFiles(tuple(sorted(files, key=lambda file: str(file.path))), tuple(left_out))


def _new_files(fleet: Fleet, folder: Path, imported: Imported, public_url: str | None) -> Iterator[FileEdit]:
    if public_url is not None:
        lines = mapping_lines({"kind": "Service", "name": "main", "public_url": public_url})
        yield FileEdit(_free_path(folder, "service"), None, _text(lines))
    for agent in imported.agents:
        if not agent.existing:
            yield FileEdit(_free_path(folder, agent.name), None, _text(_agent_lines(agent, fleet)))


def _free_path(folder: Path, name: str) -> Path:
    """Return a path that is not taken: file names mean nothing, so another document may sit there."""
    path = folder / f"{name}.yaml"
    count = 2
    while path.exists():
        path = folder / f"{name}-{count}.yaml"
        count += 1
    return path


def _agent_lines(agent: ImportedAgent, fleet: Fleet) -> Iterator[str]:
    """Yield the lines of a new agent's document: nothing that goes without saying."""
    defaults = fleet.service.defaults
    if agent.reaches is not None:
        yield f"# Imported as they are: callers of these numbers reach {agent.reaches}."
        yield "# To have this agent answer them, remove inbound: false (takeover: true if they are in use)."
    yield from mapping_lines({"kind": "Agent", "name": agent.name})
    if len(fleet.accounts) > 1 or (defaults and defaults.account not in (None, agent.account)):
        yield from mapping_lines({"account": agent.account})
    if not agent.inbound:
        yield "inbound: false"
    elif defaults and not defaults.inbound:
        yield "inbound: true"
    yield "numbers:"
    yield from (f"  {line}" for line in list_lines(agent.entries, "number"))
    if agent.sms:
        yield "sms: true"
    yield from _OURS if agent.reaches is None else _NOT_OURS


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _additions(fleet: Fleet, imported: Imported) -> dict[str, list[AddNumbers]]:
    """Return what is added to agents that are declared, by the file that declares them."""
    additions: dict[str, list[AddNumbers]] = {}
    for agent in imported.agents:
        if agent.existing:
            known = len(fleet.agents[agent.name].numbers)
            place = fleet.place("Agent", agent.name, *(("numbers",) if known else ("name",)))
            additions.setdefault(place.file, []).append(AddNumbers(agent.name, agent.entries, known))
    return additions


def _added(path: Path, edits: list[AddNumbers]) -> tuple[FileEdit | None, list[LeftOut]]:
    """Add numbers to the agents of one file; those of an agent that cannot be edited are left out."""
    before = read_text(path)
    possible, impossible = possible_edits(before, str(path), edits)
    refused = [left_out for edit, error in impossible for left_out in _left_out(edit, error)]
    if not possible:
        return None, refused
    try:
        return FileEdit(path, before, edited(before, str(path), possible)), refused
    except CannotEdit as error:
        return None, refused + [left_out for edit in possible for left_out in _left_out(edit, error)]


def _left_out(edit: AddNumbers, error: CannotEdit) -> list[LeftOut]:
    return [LeftOut(str(entry["number"]), str(error)) for entry in edit.entries]
