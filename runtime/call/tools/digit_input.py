"""Digits that the caller is to type: gathered until a key, their number or a pause ends them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from runtime.call.tools.toolset import JsonObject

FINISH_KEY: Final = "#"
PAUSE: Final = 8.0  # s without a key
MOST_DIGITS: Final = 32


class DigitInput:
    """One input. The pause counts from `listen`, when the caller has heard what is wanted, and each key."""

    __slots__ = ("_digits", "call_id", "due_at", "ended_by", "finish_key", "most", "pause", "prompt")

    def __init__(self, call_id: str, arguments: JsonObject) -> None:
        """Begin with checked arguments: `prompt`, `max_digits`, `finish_key`, `timeout_s`, all optional."""
        prompt, most = arguments.get("prompt"), arguments.get("max_digits")
        finish_key, pause = arguments.get("finish_key"), arguments.get("timeout_s")
        self.call_id = call_id
        self.prompt = prompt if isinstance(prompt, str) and prompt else None
        self.due_at = math.inf
        self.ended_by: str | None = None
        self.most = int(most) if isinstance(most, int | float) else MOST_DIGITS
        self.finish_key = finish_key if isinstance(finish_key, str) else FINISH_KEY
        self.pause = float(pause) if isinstance(pause, int | float) else PAUSE
        self._digits = ""

    @property
    def listening(self) -> bool:
        """Whether the pause is being counted."""
        return self.due_at != math.inf

    def listen(self, now: float) -> None:
        """Begin to count: the caller has heard what to type."""
        if not self.listening:
            self.due_at = now + self.pause

    def press(self, key: str, now: float) -> None:
        """Take a key."""
        if key == self.finish_key:
            self.ended_by = "finish_key"
            return
        self._digits += key
        self.due_at = now + self.pause
        if len(self._digits) >= self.most:
            self.ended_by = "max_digits"

    def take(self, keys: str, finish_key: str | None) -> None:
        """Take all that was typed at once, from a carrier that has waited for its end."""
        self._digits = keys[: self.most]
        if finish_key is not None:
            self.ended_by = "finish_key"
        else:
            self.ended_by = "max_digits" if len(keys) >= self.most else "timeout"

    def wake(self, now: float) -> None:
        """End the input when the caller has paused for long enough."""
        if now >= self.due_at and self.ended_by is None:
            self.ended_by = "timeout"

    def result(self) -> str:
        """Return what the model is told."""
        return msgspec.json.encode({"digits": self._digits, "ended_by": self.ended_by}).decode()
