"""A journal read back: what a run wrote, and what was there before.

A run that was killed leaves a journal as well. Its last line may be cut off, and then counts as not
written: what it was to announce was not done yet. A write without an outcome may have been done or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from reconciler.applying.journal import JOURNAL_VERSION
from reconciler.resource.settings import FIELD_NAMES, Settings
from schemas.errors import TmError


class UnreadableJournalError(TmError):
    """The file is not a journal, or of a version that this program does not know."""


@dataclass(frozen=True, slots=True)
class Written:
    """One resource as a run found it and left it, markers included; `line` is where the journal says so."""

    account: str
    region: str
    sid: str
    number: str
    agent: str
    before: Settings
    after: Settings
    line: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run: `accounts` are the SIDs of the accounts by their names, `written` has each resource once."""

    run: str
    accounts: Mapping[str, str]
    written: tuple[Written, ...]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Run(_Line):
    event: Literal["run"]
    format_version: str
    run: str
    accounts: dict[str, str]


class _Write(_Line):
    event: Literal["write"]
    account: str
    region: str
    sid: str
    number: str
    agent: str
    before: dict[str, bool | str]
    after: dict[str, bool | str]


class _Outcome(_Line):
    event: Literal["outcome"]


_Entry = _Run | _Write | _Outcome
_ENTRY: TypeAdapter[_Entry] = TypeAdapter(Annotated[_Entry, Field(discriminator="event")])


def read_journal(path: Path) -> Recorded:
    """Read the journal of one run. Raises UnreadableJournalError."""
    entries = _entries(path)
    _, first = next(entries, (0, None))
    if not isinstance(first, _Run):
        raise UnreadableJournalError(f"{path} is not the journal of a run: its first line does not say which")
    if first.format_version.split(".")[0] != JOURNAL_VERSION.split(".")[0]:
        raise UnreadableJournalError(f"{path} was written in format {first.format_version}")
    written: dict[tuple[str, str, str], Written] = {}
    for line, entry in entries:
        if isinstance(entry, _Write):
            found = _written(path, line, entry)
            key = (found.account, found.region, found.sid)
            written[key] = replace(written[key], after=found.after) if key in written else found
    return Recorded(first.run, first.accounts, tuple(written.values()))


def _entries(path: Path) -> Iterator[tuple[int, _Entry]]:
    """Yield the entries with their line numbers, without a last line that was cut off."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UnreadableJournalError(f"{path} cannot be read: {error.strerror}") from error
    for line, text in enumerate(lines[:-1], start=1):  # what follows the last newline is cut off, or empty
        try:
            yield line, _ENTRY.validate_json(text)
        except ValidationError as error:
            told = error.errors(include_url=False, include_input=False)[0]["msg"]
            raise UnreadableJournalError(f"{path}:{line} is not a line of a journal: {told}") from error


def _written(path: Path, line: int, entry: _Write) -> Written:
    for settings in (entry.before, entry.after):
        if unknown := settings.keys() - set(FIELD_NAMES):
            raise UnreadableJournalError(f"{path}:{line} names a field that nothing has: {min(unknown)}")
    return Written(
        entry.account,
        entry.region,
        entry.sid,
        entry.number,
        entry.agent,
        before=Settings().with_values(entry.before),
        after=Settings().with_values(entry.after),
        line=line,
    )
