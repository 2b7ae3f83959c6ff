"""What goes wrong with the requests for texts. Each request takes the first fault of the list; None is none.

server.text_faults = [Deny(429, retry_after="1"), None, BreakOff(after_tokens=3)]
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deny:
    """Answer with a status: 401, 403, 429, 500, 503."""

    status: int
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class BreakOff:
    """Break the connection in the midst of the answer."""

    after_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing any more, and keep the connection open."""

    after_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Garble:
    """Send half an event: no valid JSON."""

    after_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """Send an error in the stream and end it; an answer that is not streamed is a 500."""

    after_tokens: int = 0
    code: str = "server_error"
    message: str = "The server had an error while processing your request. Sorry about that!"


@dataclass(frozen=True, slots=True)
class EndEarly:
    """End the stream properly, without the event that ends a response."""

    after_tokens: int = 0


Midway = BreakOff | Stall | Garble | ErrorEvent | EndEarly
TextFault = Deny | Midway
