"""The journal: one JSON line before and after each write, on the disk before the next step is taken.

After a crash it tells what was about to be written and what was there before. It holds no secret:
settings of numbers are URLs and names.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TextIO

from reconciler.plan import Change
from schemas.errors import TmError


class JournalError(TmError):
    """The journal cannot be written; nothing is applied without it."""


@dataclass(slots=True)
class Journal:
    """The file of one run, made at its first line: a run that writes nothing leaves none.

    Its methods block on the disk: call them in a thread.
    """

    path: Path
    plan_id: str
    _file: TextIO | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def intends(self, change: Change, at: datetime) -> None:
        """Record what is about to be written. Raises JournalError."""
        self._append(
            {
                "event": "write",
                "at": at.isoformat(),
                "account": change.account,
                "region": change.region,
                "sid": change.sid,
                "number": change.number,
                "agent": change.agent,
                "action": change.action,
                "cause": change.cause,
                "before": dict(change.expected.managed()),
                "after": dict(change.write.managed()),
            }
        )

    def ended(self, change: Change, outcome: str, request_id: str | None, at: datetime) -> None:
        """Record how the write of a number ended. Raises JournalError."""
        self._append(
            {
                "event": "outcome",
                "at": at.isoformat(),
                "account": change.account,
                "region": change.region,
                "sid": change.sid,
                "number": change.number,
                "outcome": outcome,
                "request_id": request_id,
            }
        )

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def _append(self, entry: dict[str, object]) -> None:
        line = json.dumps({"plan_id": self.plan_id, **entry}, ensure_ascii=False)
        try:
            with self._lock:
                file = self._file = self._file or self._open()
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise JournalError(
                f"the journal {self.path} cannot be written: {error.strerror}",
                hint="TM_STATE_DIR names another folder for it.",
            ) from error

    def _open(self) -> TextIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


def journal_for(state_dir: Path, plan_id: str, now: datetime) -> Journal:
    """Return the journal of the run that starts now: `<state_dir>/journal/<time>-<plan_id>.jsonl`."""
    return Journal(state_dir / "journal" / f"{now:%Y%m%dT%H%M%S%fZ}-{plan_id}.jsonl", plan_id)
