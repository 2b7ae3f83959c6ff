"""Whether the model still hears the caller.

While an answer is due its absence tells that a model is gone. Between two turns nothing is due, and a model
that has fallen silent looks like one that waits for the caller. So every fifth frame of the caller's is
looked at here: a model that is not aware of a caller who has been loud for a while is deaf, and so is one for
which they speak on in perfect silence.

A dog or a television is loud too, and no speech. So a second session that is not aware of it either is
believed, for the rest of the call.
"""

from __future__ import annotations

import binascii
import math
from collections import deque
from typing import Final

from runtime.call.hearing.loudness import is_audible, is_loud

STRIDE: Final = 5  # frames, of which one is looked at
KEPT: Final = 100  # frames that the next session is given: two seconds
ENOUGH_LOUD: Final = 8  # looks at a loud caller: 0.8 s of sound, a short question
NOTICED_WITHIN: Final = 2.5  # s from the caller's first sound: models take a tenth of that
FORGOTTEN_AFTER: Final = 4.0  # s after which a sound has nothing to do with the one before
LONGEST_PAUSE: Final = 8.0  # s that a model waits for the rest of a sentence, where its pause is not known
END_PATIENCE: Final = 5.0  # s beyond the pause after which the end of speech should have been noticed


class Attention:
    """Judges one session after another. Moments are seconds of the call's clock.

    `pause_ms` is how long the caller has been silent when the model reports it, None when that is not known.
    """

    __slots__ = (
        "_audible_at",
        "_believes",
        "_doubted",
        "_first_at",
        "_last_at",
        "_looks",
        "_loud",
        "_patience",
        "_recent",
    )

    def __init__(self, pause_ms: int | None) -> None:
        self._patience = END_PATIENCE + (LONGEST_PAUSE if pause_ms is None else pause_ms / 1000)
        self._recent: deque[str] = deque(maxlen=KEPT)  # since somebody has been loud
        self._looks = 0
        self._doubted = False  # a session was taken for deaf, and nothing was noticed since
        self._believes = False  # what is loud here is no speech
        self.restart(math.inf)

    def restart(self, now: float) -> None:
        """Begin anew: the model has noticed something, or there is another one."""
        self._loud = 0
        self._first_at = self._last_at = -math.inf
        self._audible_at = now

    def noticed(self, now: float) -> None:
        """Note that the model is aware of the caller."""
        self._doubted = False
        self.restart(now)

    def is_due(self, payload: str) -> bool:
        """Take a frame (base64 µ-law) that the model was given; whether it is one to `judge` by."""
        if self._loud:
            self._recent.append(payload)
        elif self._recent:
            self._recent.clear()
        self._looks += 1
        return not self._looks % STRIDE

    def judge(self, payload: str, now: float, *, aware: bool, agent_busy: bool) -> bool:
        """Return whether the model is deaf, by a frame that it was given.

        `aware`: it says that the caller is speaking. `agent_busy`: the agent speaks, or is about to.
        """
        if aware:
            return self._misses_the_end(payload, now)
        if agent_busy:
            self.restart(now)
            return False
        return not self._believes and self._misses_speech(payload, now)

    def recent(self) -> list[str]:
        """Return what the caller said last and was not noticed, frame by frame, and forget it."""
        frames = [*self._recent]
        self._recent.clear()
        return frames

    def _misses_the_end(self, payload: str, now: float) -> bool:
        if is_audible(binascii.a2b_base64(payload)):
            self._audible_at = now
        return now >= self._audible_at + self._patience

    def _misses_speech(self, payload: str, now: float) -> bool:
        if is_loud(binascii.a2b_base64(payload)):
            if now > self._last_at + FORGOTTEN_AFTER:
                self._loud, self._first_at = 0, now
            self._loud += 1
            self._last_at = now
        if self._loud < ENOUGH_LOUD or now < self._first_at + NOTICED_WITHIN:
            return False
        self._believes = self._doubted
        self._doubted = True
        self.restart(now)
        return not self._believes
