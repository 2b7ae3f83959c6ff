"""Errors that are shown to people, without a traceback."""

from __future__ import annotations

from schemas.places import Place


class TmError(Exception):
    """Something a person can mend: what was wrong, where, and what to do about it.

    `message` is one sentence without secrets; `hint` says what to do; `place` is where in the
    declarations the cause stands, if it stands there. The command line prints it and exits with 1.
    """

    def __init__(self, message: str, *, hint: str | None = None, place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        where = f"{self.place} " if self.place else ""
        return f"{where}{self.message}"
