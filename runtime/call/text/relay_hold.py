"""What the caller of a relay call hears while the agent is not ready; the carrier plays it.

Before the agent's first word it begins at once, later only when an answer takes long. The carrier drops it
for the next words (Twilio: `preemptible`), and when the caller speaks into it.
"""

from __future__ import annotations

import math
from typing import Final

from runtime.call.text.relay_steps import HoldFiles, PlayHold

PATIENCE: Final = 3.5  # s that a caller waits in silence for an answer
UNTIL_WORDS: Final = 0  # times


class RelayHold:
    """The hold sound of one call; without `files` nothing is played. Moments are seconds of its clock."""

    __slots__ = ("_began", "_files", "_since", "due_at", "sounding")

    def __init__(self, files: HoldFiles | None) -> None:
        self._files = files
        self._began = False
        self._since = math.inf
        self.due_at = math.inf
        """When (s) it is to begin, infinity while nobody waits."""
        self.sounding = False
        """Whether it is played."""

    def stop(self) -> None:
        """Note that it sounds no more, nor is to begin."""
        self.sounding = False
        self._since = self.due_at = math.inf

    def look(self, now: float, *, waits: bool, first: bool, spoken_until: float) -> list[PlayHold]:
        """Begin, if the caller has been waiting for long enough in silence.

        `waits`: they do, as it stands; `first`: for the agent's first word. The agent is heard until
        `spoken_until` (s).
        """
        self.due_at = math.inf
        if self._files is None or not waits or self.sounding:
            self._since = math.inf
            return []
        self._since = min(self._since, now)
        self.due_at = max(self._since, spoken_until) + (self._files.delay if first else PATIENCE)
        return self._play(self._files) if now >= self.due_at else []

    def _play(self, files: HoldFiles) -> list[PlayHold]:
        """Begin: with the recording that is heard once, if it was not yet, then what is repeated."""
        once = [] if files.lead is None or self._began else [PlayHold(files.lead, 1)]
        self._began = self.sounding = True
        self.due_at = math.inf
        return [*once, PlayHold(files.loop, UNTIL_WORDS)]
