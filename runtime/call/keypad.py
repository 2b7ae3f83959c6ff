"""Keys that are pressed soon after each other are one message."""

from __future__ import annotations

from typing import Final

PAUSE: Final = 1.5  # s without a key after which the message is complete
LONGEST: Final = 64


class Keypad:
    """Collects keys until the caller pauses."""

    __slots__ = ("_digits", "due_at", "since")

    def __init__(self) -> None:
        self._digits = ""
        self.since = 0.0
        """When (s) the first key of the message was pressed."""
        self.due_at: float | None = None
        """When (s) the message is complete, None while there is none."""

    def press(self, digit: str, now: float) -> None:
        """Add a key; a message that is as long as it may be is complete at once."""
        if not self._digits:
            self.since = now
        self._digits += digit
        self.due_at = now if len(self._digits) >= LONGEST else now + PAUSE

    def take(self) -> str:
        """Return the keys as the conversation shows them, `[keys: 12]`, and start anew."""
        message = f"[keys: {self._digits}]"
        self._digits = ""
        self.due_at = None
        return message
