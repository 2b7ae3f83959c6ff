"""What a caller did while a step was carried out: spoke, typed, or nothing; and what is to be made of it.

A caller of whom nothing was heard, or little understood, is asked again, each only so often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runtime.call.hearing.idle import GOODBYE, MOST_QUESTIONS, STILL_THERE
from runtime.call.text.text_events import CallerSilent, CallerTyped
from runtime.call.text.text_script import spoken_ms

if TYPE_CHECKING:
    from runtime.call.text.gather_steps import GatherTerms
    from runtime.call.text.text_events import CallerSaid, CallerTurn
    from runtime.call.text.text_talk import TextAction, TextTalk

# Below it the words are a guess. Twilio: 0.0 to 1.0; recognisers that know no confidence report 0.
UNSURE_BELOW: Final = 0.3
RECOGNISED_AFTER: Final = 0.3  # s from a first word to the recogniser's first account of it, about
BETWEEN_KEYS: Final = 0.5  # s, about
MOST_UNSURE: Final = 2  # in a row; after that the caller's words are taken for what they seem to be
UNSURE: Final = (
    "The caller's last words were hardly understood and may be wrong. Unless they make sense as they stand, "
    "say in one short sentence, in the language of this conversation, that you did not understand, and ask "
    "for them again."
)


class CallerTurns:
    """Hands the caller's turns to the talk, with what the agent should know about them."""

    __slots__ = ("_overheard_at", "_silent", "_talk", "_terms", "_unsure")

    def __init__(self, talk: TextTalk, terms: GatherTerms) -> None:
        self._talk = talk
        self._terms = terms
        self._silent = 0
        self._unsure = 0
        self._overheard_at: float | None = None

    @property
    def given_up(self) -> bool:
        """Whether the caller has been silent for so long that the agent says goodbye."""
        return self._silent > MOST_QUESTIONS

    def overhear(self, text: str, now: float) -> list[TextAction]:
        """Take the caller's words so far: with the first of them the agent fell silent."""
        if self._overheard_at is None:
            self._overheard_at = now - RECOGNISED_AFTER
            self._talk.cut(self._overheard_at)
        return self._talk.caller_is_saying(text, now)

    def take(self, turn: CallerTurn, sent_at: float, now: float) -> list[TextAction]:
        """Let the agent answer what the caller did since `sent_at` (s), when the last step was given."""
        overheard_at, self._overheard_at = self._overheard_at, None
        if isinstance(turn, CallerSilent):
            return self._on_silence(now)
        self._silent = 0
        if isinstance(turn, CallerTyped):
            waited = 0.0 if turn.finish_key else self._terms.timeout
            pressed_at = max(sent_at, now - waited - len(turn.keys) * BETWEEN_KEYS)
            self._talk.cut(pressed_at)
            return self._talk.caller_says(f"[keys: {turn.keys}]", pressed_at, now, pause_ms=None)
        pause = self._terms.pause
        began_at = overheard_at
        if began_at is None:
            began_at = now - pause - spoken_ms(turn.text) / 1000
        began_at = max(sent_at, began_at)
        self._talk.cut(began_at)
        return self._talk.caller_says(
            turn.text, began_at, now, guidance=self._doubt(turn), pause_ms=round(pause * 1000)
        )

    def _on_silence(self, now: float) -> list[TextAction]:
        self._silent += 1
        return self._talk.request(GOODBYE if self.given_up else STILL_THERE, now)

    def _doubt(self, said: CallerSaid) -> str | None:
        """Return what the agent is told about words that may have been something else."""
        if not said.confidence or said.confidence >= UNSURE_BELOW:
            self._unsure = 0
            return None
        self._unsure += 1
        return UNSURE if self._unsure <= MOST_UNSURE else None
