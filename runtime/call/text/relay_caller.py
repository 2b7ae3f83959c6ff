"""What the caller of a relay call does, and what is to be made of it: words, keys, silence.

The carrier tells that somebody speaks, then what it understands so far, then all of it. Keys that belong
together are one message. A caller who says nothing for too long is asked, and given up in the end.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from runtime.call.events import KeyPressed
from runtime.call.hearing.idle import GOODBYE, Idle
from runtime.call.hearing.keypad import Keypad
from runtime.call.text.text_script import spoken_ms

if TYPE_CHECKING:
    from runtime.call.text.relay_steps import Prompted
    from runtime.call.text.text_talk import TextAction, TextTalk


class RelayCaller:
    """The caller of one call. Moments are seconds of the call's clock.

    Without `idle_seconds` they may be silent for as long as they like.
    """

    __slots__ = ("_began_at", "_idle", "_keypad", "_sounds", "_talk", "_words", "given_up")

    def __init__(self, talk: TextTalk, idle_seconds: float | None) -> None:
        self._talk = talk
        self._idle = Idle(idle_seconds)
        self._keypad = Keypad()
        self._sounds = self._words = False
        self._began_at: float | None = None
        self.given_up = False
        """Whether they have been silent for so long that the agent says goodbye."""

    @property
    def speaks(self) -> bool:
        """Whether the caller is in the middle of something."""
        return self._sounds or self._words

    def spoken_to(self, now: float) -> None:
        """Note that the agent has something to say: silence counts from then."""
        self._idle.stir(now)

    def stirs(self, now: float) -> None:
        """Note that the caller is there."""
        self._idle.caller_stirs(now)
        self.given_up = False

    def report(self, now: float, *, speaking: bool) -> None:
        """Take what the carrier tells of the caller's voice: it is heard before it is understood."""
        if speaking and not self._words:
            self._began_at = now
        self._sounds = speaking
        self._idle.stir(now)

    def leaves(self) -> None:
        """Note that nothing is heard of the caller any more, for a while at least."""
        self._sounds = self._words = False
        self._began_at = None

    def says(self, said: Prompted, now: float) -> list[TextAction]:
        """Take the caller's words so far, and have all of them answered."""
        self._words = not said.last
        if self._words:
            self._began_at = now if self._began_at is None else self._began_at
            return self._talk.caller_is_saying(said.text, now)
        began, self._began_at = self._began_at, None
        if began is None:
            began = now - spoken_ms(said.text) / 1000
        first = self._talk.reconsider(now)
        return [*first, *self._talk.caller_says(said.text, began, now, pause_ms=None)]

    def presses(self, key: KeyPressed, now: float) -> list[TextAction]:
        """Take a key: a tool's, or one of a message to the agent."""
        if self._talk.collecting is not None:
            return self._talk.press(key.digit, now)
        self._keypad.press(key.digit, now)
        return []

    # --- time

    def due_at(self, spoken_until: float, *, minds: bool) -> float:
        """Return when (s) something is due; the agent is heard until `spoken_until`.

        `minds`: it is the caller's turn to say something.
        """
        return min(self._keypad.due_at, self._idle_at(spoken_until) if minds else math.inf)

    def wake(self, now: float, spoken_until: float, *, minds: bool) -> list[TextAction]:
        """Do what is due."""
        if now >= self._keypad.due_at:
            keys = self._keypad.take()
            first = self._talk.reconsider(now)
            return [*first, *self._talk.caller_says(keys.text, keys.since, now, pause_ms=None)]
        if minds and now >= self._idle_at(spoken_until):
            prompt = self._idle.prompt(now)
            self.given_up = prompt is GOODBYE
            return self._talk.request(prompt, now)
        return []

    def _idle_at(self, spoken_until: float) -> float:
        return math.inf if self._sounds else self._idle.due_at(spoken_until)
