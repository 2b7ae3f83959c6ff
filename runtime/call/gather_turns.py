"""When the caller has to be asked again: nothing was heard, or hardly understood. Each only so often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime.call.idle import GOODBYE, MOST_QUESTIONS, STILL_THERE
from runtime.call.text_events import CallerSaid, CallerSilent

if TYPE_CHECKING:
    from runtime.call.text_events import CallerTurn

# Below it the words are a guess. Twilio: 0.0 to 1.0; recognisers that know no confidence report 0.
UNSURE_BELOW: Final = 0.3
MOST_UNSURE: Final = 2  # in a row; after that the caller's words are taken for what they seem to be
UNSURE: Final = (
    "The caller's last words were hardly understood and may be wrong. Unless they make sense as they stand, "
    "say in one short sentence, in the language of this conversation, that you did not understand, and ask "
    "for them again."
)


@dataclass(frozen=True, slots=True)
class Guided:
    """What the agent is told about the caller's turn, if anything; `last`: the call ends with it."""

    guidance: str | None = None
    last: bool = False


class AskedAgain:
    """Counts what has gone wrong in a row."""

    __slots__ = ("_silent", "_unsure")

    def __init__(self) -> None:
        self._silent = 0
        self._unsure = 0

    def hear(self, turn: CallerTurn) -> Guided:
        """Return what the agent is to be told about this turn."""
        if isinstance(turn, CallerSilent):
            self._silent += 1
            if self._silent > MOST_QUESTIONS:
                return Guided(GOODBYE.guidance, last=True)
            return Guided(STILL_THERE.guidance)
        self._silent = 0
        if isinstance(turn, CallerSaid) and turn.confidence and turn.confidence < UNSURE_BELOW:
            self._unsure += 1
            return Guided(UNSURE if self._unsure <= MOST_UNSURE else None)
        self._unsure = 0
        return Guided()
