"""What the caller of a relay call hears while the agent is not ready; the carrier plays it.

Before the agent's first word it begins at once, later only when an answer takes long. The carrier drops it
for the next words (Twilio: `preemptible`), and when the caller speaks into it.
"""

from __future__ import annotations

import math
from typing import Final

from runtime.call.text.relay_steps import HoldFiles, PlayHold

PATIENCE: Final = 3.5  # s that a caller waits in silence for an answer
FETCHING: Final = 0.5  # s in which the carrier has a file
UNTIL_WORDS: Final = 0  # times


class RelayHold:
    """The hold sound of one call; without `files` nothing is played. Moments are seconds of its clock."""

    __slots__ = ("_began", "_files", "_loop_at", "_since", "due_at", "sounding")

    def __init__(self, files: HoldFiles | None) -> None:
        self._files = files
        self._began = False
        self._since = self._loop_at = math.inf
        self.due_at = math.inf
        """When (s) the next file is to begin, infinity for never."""
        self.sounding = False
        """Whether it is played."""

    def stop(self) -> None:
        """Note that it sounds no more, nor is to begin."""
        self.sounding = False
        self._since = self._loop_at = self.due_at = math.inf

    def look(self, now: float, *, waits: bool, first: bool, spoken_until: float) -> list[PlayHold]:
        """Begin, if the caller has been waiting for long enough in silence; go on behind the recording.

        `waits`: they do, as it stands; `first`: for the agent's first word. The agent is heard until
        `spoken_until` (s).
        """
        files = self._files
        if files is None or not waits:
            self._since = self.due_at = math.inf
            return []
        if self.sounding:
            self.due_at = self._loop_at
        else:
            self._since = min(self._since, now)
            self.due_at = max(self._since, spoken_until) + (files.delay if first else PATIENCE)
        return [self._play(files, now)] if now >= self.due_at else []

    def _play(self, files: HoldFiles, now: float) -> PlayHold:
        """Play the recording that is heard once, if it was not yet, or else what is repeated."""
        if files.lead is None or self._began:
            file, self._loop_at = PlayHold(files.loop, UNTIL_WORDS), math.inf
        else:  # a file that followed at once would replace it, as words do
            file, self._loop_at = PlayHold(files.lead, 1), now + files.lead_seconds + FETCHING
        self._began = self.sounding = True
        self._since, self.due_at = math.inf, self._loop_at
        return file
