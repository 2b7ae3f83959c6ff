"""A stream that brings nothing any more, though nobody has closed it: half of the connection is gone.

Twilio: a stream brings 50 frames a second, of silence as well. So one that has begun to and then brings
nothing for seconds is dead, long before TCP or a ping would tell. What is counted are looks, one a second,
and not seconds: a process that was held up has not looked, and reads what came before it looks again.
"""

from __future__ import annotations

from typing import Final

MOST_MISSED: Final = 4  # looks in a row that find nothing new


class Pulse:
    """Watches one stream, from its first audio on.

    Whoever hears it sets `beats` for each message, and `watched` with audio.
    """

    __slots__ = ("_missed", "beats", "watched")

    def __init__(self) -> None:
        self.beats = self.watched = False
        self._missed = 0

    def stopped(self) -> bool:
        """Look, about once a second, whether the stream is dead."""
        lives = self.beats or not self.watched
        self._missed = 0 if lives else self._missed + 1
        self.beats = False
        return self._missed >= MOST_MISSED
