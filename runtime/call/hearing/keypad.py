"""Keys that are pressed soon after each other are one message."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

PAUSE: Final = 1.5  # s without a key after which the message is complete
LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class KeyMessage:
    """Keys as the conversation shows them, `[keys: 12]`; the first was pressed at `since` (s)."""

    item_id: str
    text: str
    since: float


class Keypad:
    """Collects keys until the caller pauses. Messages are numbered behind `after`, which others had."""

    __slots__ = ("_digits", "_messages", "_since", "due_at")

    def __init__(self, after: int = 0) -> None:
        self._digits = ""
        self._messages = after
        self._since = 0.0
        self.due_at = math.inf
        """When (s) the message is complete, infinity while there is none."""

    def press(self, digit: str, now: float) -> None:
        """Add a key; a message that is as long as it may be is complete at once."""
        if not self._digits:
            self._since = now
        self._digits += digit
        self.due_at = now if len(self._digits) >= LONGEST else now + PAUSE

    def take(self) -> KeyMessage:
        """Return the message and start anew."""
        self._messages += 1
        message = KeyMessage(f"keys-{self._messages}", f"[keys: {self._digits}]", self._since)
        self._digits = ""
        self.due_at = math.inf
        return message
