"""The end of a session, as the session says it to whoever holds its socket."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Closing:
    """The server is about to close the connection."""

    code: int
    reason: str
