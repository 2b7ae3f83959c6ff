"""The journal: one JSON line before and after each write, on the disk before the next step is taken.

After a crash it tells what was about to be written and what was there before; `tm rollback` reads it
again (`recorded.py`). Its first line says who started the run, and from what. It holds no secret:
settings of numbers are URLs and names, and the credentials in a URL are sealed.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO

from reconciler.applying.origin import Origin
from reconciler.planning.plan import Change
from reconciler.resource.credentials import sealed
from reconciler.resource.settings import Settings
from schemas.errors import TmError

JOURNAL_VERSION = "1.0"


class JournalError(TmError):
    """The journal cannot be written; nothing is applied without it."""


@dataclass(slots=True)
class Journal:
    """The file of one run, made at its first line: a run that writes nothing leaves none.

    `accounts` maps the accounts' names in the declarations to their SIDs. Its methods block on the disk:
    call them in a thread.
    """

    path: Path
    plan_id: str
    origin: Origin = field(default_factory=Origin)
    accounts: Mapping[str, str] = field(default_factory=dict)
    _lines: _Lines = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._lines = _Lines()

    def intends(self, change: Change, before: Settings, at: datetime) -> None:
        """Record what is about to be written, and what stands there, markers included.

        Raises JournalError.
        """
        self._append(
            {
                **_named("write", change, at),
                "agent": change.agent,
                "action": change.action,
                "cause": change.cause,
                "before": dict(sealed(before.masked_by(change.write)).managed()),
                "after": dict(sealed(change.write).managed()),
            }
        )

    def ended(self, change: Change, outcome: str, request_id: str | None, at: datetime) -> None:
        """Record how the write of a number ended. Raises JournalError."""
        self._append({**_named("outcome", change, at), "outcome": outcome, "request_id": request_id})

    def close(self) -> None:
        """Close the file, if there is one."""
        self._lines.close()

    def _append(self, entry: Mapping[str, object]) -> None:
        """Write a line and wait until it is on the disk; the run's own line goes before the first."""
        try:
            self._lines.append(self._line(entry), self._open)
        except OSError as error:
            raise JournalError(
                f"the journal {self.path} cannot be written: {error.strerror}",
                hint="TM_STATE_DIR names another folder for it.",
            ) from error

    def _line(self, entry: Mapping[str, object]) -> str:
        return json.dumps({"plan_id": self.plan_id, **entry}, ensure_ascii=False) + "\n"

    def _run(self) -> Mapping[str, object]:
        return {
            "event": "run",
            "format_version": JOURNAL_VERSION,
            "run": self.path.stem,
            **asdict(self.origin),
            "accounts": dict(self.accounts),
        }

    def _open(self) -> TextIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        file = os.fdopen(descriptor, "a", encoding="utf-8")
        file.write(self._line(self._run()))
        return file


class _Lines:
    """The file below, shared by threads: whoever waits for the disk takes the lines of all others along."""

    def __init__(self) -> None:
        self._file: TextIO | None = None
        self._waiting: list[str] = []
        self._given = 0
        self._kept = 0
        self._broken: OSError | None = None
        self._queue = threading.Lock()
        self._disk = threading.Lock()

    def append(self, line: str, opened: Callable[[], TextIO]) -> None:
        """Return when the line is on the disk. Raises OSError, from then on always."""
        with self._queue:
            self._waiting.append(line)
            self._given += 1
            place = self._given
        with self._disk:
            if self._broken is not None:
                raise self._broken
            if place <= self._kept:
                return
            with self._queue:
                lines, self._waiting = self._waiting, []
            try:
                self._write(lines, opened)
            except OSError as error:
                self._broken = error
                raise

    def close(self) -> None:
        """Close the file, if there is one; a thread that comes later opens no other."""
        with self._disk:
            self._broken = self._broken or OSError(errno.EBADF, "the run is over")
            if self._file is not None:
                self._file.close()

    def _write(self, lines: list[str], opened: Callable[[], TextIO]) -> None:
        file = self._file = self._file or opened()
        file.write("".join(lines))
        file.flush()
        os.fsync(file.fileno())
        self._kept += len(lines)


def journal_for(
    state_dir: Path, plan_id: str, now: datetime, origin: Origin, accounts: Mapping[str, str]
) -> Journal:
    """Return the journal of the run that starts now: `<state_dir>/journal/<time>-<plan_id>.jsonl`.

    The names sort by time.
    """
    path = state_dir / "journal" / f"{now:%Y%m%dT%H%M%S%fZ}-{plan_id}.jsonl"
    return Journal(path, plan_id, origin, accounts)


def _named(event: str, change: Change, at: datetime) -> dict[str, object]:
    """Return what every line about a number starts with."""
    return {
        "event": event,
        "at": at.isoformat(),
        "account": change.account,
        "region": change.region,
        "sid": change.sid,
        "number": change.number,
    }
