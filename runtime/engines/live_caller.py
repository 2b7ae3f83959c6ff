"""The caller's turns, where the model tells their words and nothing else.

OpenAI: GPT-Live has no events of the caller's speech; it tells words with the time at which they were spoken,
and falls silent by itself when it wants to listen. So a turn begins here with its first word, and ends when
the agent begins to speak or no word has come for as long as turns lie apart. Words that are spoken into what
the agent goes on to say are a turn that interrupts nothing: that is for the model to decide.

That it has stopped for the caller is seen in both voices together: the agent falls silent in the middle of
an utterance after the caller has begun to be loud. A caller who begins after that answers.
"""

from __future__ import annotations

import math
from binascii import Error, a2b_base64
from dataclasses import dataclass
from typing import Final

from runtime.call import events as ev
from runtime.call.hearing.loudness import is_loud
from runtime.call.playback.playhead import BYTES_PER_MS

GAP_MS: Final = 800  # between two words of two turns
ENOUGH_BYTES: Final = 160 * BYTES_PER_MS  # of a loud caller: more than a click
LOUD_GAP_MS: Final = 400  # of silence after which a sound has nothing to do with the one before
RECENT_MS: Final = 600  # in which the caller must have been loud for the agent to stop for them


@dataclass(slots=True)
class _Turn:
    """`begun` and `over` tell what the call knows of it; times are ms of the session."""

    item_id: str
    start_ms: float
    end_ms: float
    text: str = ""
    begun: bool = False
    over: bool = False


class LiveCaller:
    """The caller's side of one session, whose name makes the ids. `now_ms` is the session's time."""

    __slots__ = ("_count", "_from_ms", "_loud_at", "_loud_bytes", "_loud_from", "_name", "_turn")

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0
        self._turn: _Turn | None = None
        self._from_ms: float | None = None  # the session's time when it was given the first sound
        self._loud_bytes = 0
        self._loud_from = self._loud_at = -math.inf

    def hear(self, payload: str, now_ms: float, *, closely: bool) -> None:
        """Take a frame (base64 µ-law) that the model is given; how loud it is matters only `closely`."""
        if self._from_ms is None:
            self._from_ms = now_ms
        if not (closely or self._is_open):
            return
        try:
            audio = a2b_base64(payload)
        except Error:  # counted where it came in
            return
        if not is_loud(audio):
            return
        if now_ms - self._loud_at > LOUD_GAP_MS:
            self._loud_bytes, self._loud_from = 0, now_ms
        self._loud_bytes += len(audio)
        self._loud_at = now_ms
        if self._turn is not None and self._is_open:
            self._turn.end_ms = max(self._turn.end_ms, now_ms)

    def spoke_before(self, silent_from_ms: float, now_ms: float) -> bool:
        """Tell whether the caller speaks, and already did when the agent fell silent."""
        speaks = self._loud_bytes >= ENOUGH_BYTES and now_ms - self._loud_at <= RECENT_MS
        return speaks and self._loud_from <= silent_from_ms

    def say(self, words: str, start_ms: float, end_ms: float, *, agent_speaks: bool) -> list[ev.ModelEvent]:
        """Take the caller's next words and return what they mean."""
        events: list[ev.ModelEvent] = []
        turn = self._turn
        if turn is None or start_ms > turn.end_ms + GAP_MS:
            events += self.pause()
            turn = self._open(start_ms)
        turn.end_ms = max(turn.end_ms, end_ms)
        turn.text += words
        if not (turn.begun or agent_speaks):
            events += self._begin(turn)
        return [*events, ev.CallerWords(turn.item_id, turn.text)]

    def interrupt(self) -> list[ev.ModelEvent]:
        """Note that the agent has stopped for the caller."""
        turn = self._turn
        if turn is None or turn.over or self._loud_from > turn.end_ms + GAP_MS:
            turn = self._open(self._loud_from)
        turn.end_ms = max(turn.end_ms, self._loud_at)
        return self._begin(turn)

    def pause(self) -> list[ev.ModelEvent]:
        """Note that the caller's turn is over, if there is one: the agent begins to speak."""
        turn = self._turn
        if turn is None or not self._is_open:
            return []
        turn.over = True
        return [ev.CallerSpeechStopped(turn.item_id, self._given(turn.end_ms))]

    def wait(self, now_ms: float) -> list[ev.ModelEvent]:
        """Look whether the caller has said nothing for so long that their turn is over."""
        turn = self._turn
        if turn is None or now_ms < turn.end_ms + GAP_MS:
            return []
        return self.pause()

    @property
    def _is_open(self) -> bool:
        return self._turn is not None and self._turn.begun and not self._turn.over

    def _open(self, start_ms: float) -> _Turn:
        self._count += 1
        self._turn = _Turn(f"{self._name}-caller-{self._count}", start_ms, start_ms)
        return self._turn

    def _begin(self, turn: _Turn) -> list[ev.ModelEvent]:
        if turn.begun:
            return []
        turn.begun = True
        return [ev.CallerSpeechStarted(turn.item_id, self._given(turn.start_ms))]

    def _given(self, ms: float) -> int:
        """Return a time of the session as one of the sound that it was given, which began later."""
        return max(0, round(ms - (self._from_ms or 0.0)))
