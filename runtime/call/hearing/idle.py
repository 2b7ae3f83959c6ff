"""A caller who says nothing any more: asked twice whether they are there, then told goodbye."""

from __future__ import annotations

import math
from typing import Final

from runtime.call.actions import Respond

MOST_QUESTIONS: Final = 2
STILL_THERE: Final = Respond(
    guidance="The caller has said nothing for a while. Ask in one short sentence, in the language of this "
    "conversation, whether they are still there. Do not repeat what you said before."
)
GOODBYE: Final = Respond(
    guidance="The caller does not answer any more. Say in one short sentence, in the language of this "
    "conversation, that you are ending the call now, and goodbye. Ask nothing."
)


class Idle:
    """Counts the silence. Without `seconds` a caller may be silent for as long as they like."""

    __slots__ = ("_questions", "_seconds", "_since", "minded")

    def __init__(self, seconds: float | None) -> None:
        self.minded = seconds is not None
        """Whether silence is minded at all."""
        self._seconds = math.inf if seconds is None else seconds
        self._since = math.inf
        self._questions = 0

    def stir(self, now: float) -> None:
        """Note that something happened, such as the end of an answer."""
        self._since = now

    def caller_stirs(self, now: float) -> None:
        """Note that the caller is there."""
        self._since = now
        self._questions = 0

    def due_at(self, played_until: float) -> float:
        """Return when (s) the silence has lasted for too long; the agent is heard until `played_until`."""
        return max(self._since, played_until) + self._seconds

    def prompt(self, now: float) -> Respond:
        """Return what the agent is to say about the silence."""
        self._since = now
        self._questions += 1
        return STILL_THERE if self._questions <= MOST_QUESTIONS else GOODBYE
