"""The caller's voice on its way to the model: passed on as it came, kept briefly while nobody listens."""

from __future__ import annotations

from collections import deque
from typing import Final

from runtime.call.actions import HearCaller
from runtime.call.playhead import BYTES_PER_MS

KEPT_BYTES: Final = 2000 * BYTES_PER_MS


class Uplink:
    """A gate for the caller's audio; while closed it keeps the newest two seconds."""

    __slots__ = ("_dropped", "_given", "_kept", "_kept_size", "_open")

    def __init__(self) -> None:
        self._open = False
        self._kept: deque[str] = deque()
        self._kept_size = 0
        self._dropped = 0
        self._given = 0

    @property
    def dropped_ms(self) -> int:
        """How much of the caller's audio nobody will hear."""
        return self._dropped // BYTES_PER_MS

    def pass_on(self, payload: str) -> tuple[HearCaller, ...]:
        """Return what the model is to hear now; nothing while the gate is closed."""
        size = _size(payload)
        if self._open:
            self._given += size
            return (HearCaller(payload),)
        self._kept.append(payload)
        self._kept_size += size
        while self._kept_size > KEPT_BYTES:
            oldest = _size(self._kept.popleft())
            self._kept_size -= oldest
            self._dropped += oldest
        return ()

    def open(self) -> list[HearCaller]:
        """Open the gate and return what was kept, message by message."""
        self._open = True
        kept = [HearCaller(payload) for payload in self._kept]
        self._given += self._kept_size
        self._kept.clear()
        self._kept_size = 0
        return kept

    def close(self) -> None:
        """Close the gate: what the caller says is kept for the next session, whose time begins at 0."""
        self._open = False
        self._given = 0

    def moment(self, audio_ms: int, now: float) -> float:
        """Return when (s) the caller made the sound that stands at `audio_ms` of what the model was given."""
        return now - max(0.0, self._given / BYTES_PER_MS - audio_ms) / 1000


def _size(payload: str) -> int:
    """Return how many bytes a base64 text stands for."""
    return len(payload) * 3 // 4 - payload.count("=", -2)
