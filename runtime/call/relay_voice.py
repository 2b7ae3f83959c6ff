"""Until when the carrier's voice speaks: reckoned from the words, set right by what the carrier reports."""

from __future__ import annotations

import math
from typing import Final

from runtime.call.text_script import spoken_ms

SETTLING: Final = 0.3  # s for the last word to get through
SLOWEST: Final = 2.0  # times the reckoning, after which a voice is not waited for
LATEST: Final = 2.0  # s on top of that


class RelayVoice:
    """The voice of one call. Moments are seconds of the call's clock."""

    __slots__ = ("_begun_at", "_sounds", "until")

    def __init__(self) -> None:
        self._begun_at = -math.inf
        self._sounds = False
        self.until = -math.inf
        """When (s) all is said that was sent, by reckoning."""

    def add(self, text: str, now: float) -> None:
        """Note that a text was sent to be spoken."""
        if now >= self.until:
            self._begun_at = now
        self.until = max(self.until, now) + spoken_ms(text) / 1000

    def stop(self, now: float) -> None:
        """Note that the voice was cut off."""
        self.until = min(self.until, now)
        self._sounds = False

    def report(self, now: float, *, speaking: bool) -> None:
        """Take what the carrier tells of the voice; a silence in the first half is one between two words."""
        self._sounds = speaking
        if not speaking and now >= (self._begun_at + self.until) / 2:
            self.until = min(self.until, now)

    @property
    def ends_at(self) -> float:
        """When (s) the caller has heard everything, as far as can be told."""
        if self._sounds:
            return self._begun_at + SLOWEST * (self.until - self._begun_at) + LATEST
        return self.until + SETTLING
