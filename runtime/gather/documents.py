"""The documents of calls in gather mode: each step of a call as TwiML.

Twilio: `<Gather>` hears while what stands in it is spoken, and speech or a key stops that; what stands before
it cannot be interrupted. With a `speechModel` the pause that ends a turn is a whole number of seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runtime import twiml
from runtime.call.text import gather_steps as gs
from runtime.gather.say_chunks import say_chunks

if TYPE_CHECKING:
    from runtime.line import RecordingOrder

GOES_ON: Final = "goes_on"
"""In the query of a request: the caller has nothing to do, and the agent goes on."""
WAIT_SECONDS: Final = 30.0  # s of hold sound in one document, about
NOTHING_BEFORE: Final = twiml.HoldPrelude()


@dataclass(frozen=True, slots=True)
class WaitSound:
    """What a caller hears while the agent is not ready: the file at `url`, of so many `seconds`, repeated.

    `lead_url` is heard once before it, when the caller has heard nothing yet.
    """

    url: str
    seconds: float
    lead_url: str | None = None

    @property
    def times(self) -> int:
        """How often it is repeated before Twilio asks again."""
        return max(1, round(WAIT_SECONDS / self.seconds))


@dataclass(frozen=True, slots=True)
class GatherPapers:
    """The documents of one agent. `base_url` is where its routes are, without a slash.

    `hints` are the words that the recogniser is to expect, with commas between them.
    `interruptible`: the caller can stop the agent by speaking. `overhears`: Twilio tells what it understands
    while the caller still speaks.
    """

    base_url: str
    agent: str
    voice: str
    language: str | None
    speech_model: str
    hints: str
    terms: gs.GatherTerms
    wait: WaitSound
    interruptible: bool
    overhears: bool

    @property
    def after_url(self) -> str:
        """Where Twilio asks what follows when somebody else is done with the caller."""
        return f"{self.base_url}/voice/{self.agent}/after"

    def turn_url(self, number: int) -> str:
        """Where Twilio asks what follows the step of this number, in which the caller has their turn."""
        return f"{self.base_url}/voice/{self.agent}/turn?n={number}"

    def next_url(self, step: gs.Step) -> str:
        """Where Twilio asks what follows a step.

        A node that knows nothing of the step sees from it whether the agent was to go on by itself.
        """
        is_turn = isinstance(step.then, gs.Listen | gs.TakeDigits)
        return self.turn_url(step.number) if is_turn else f"{self.turn_url(step.number)}&{GOES_ON}=1"

    def render(
        self,
        step: gs.Step,
        *,
        before: twiml.HoldPrelude = NOTHING_BEFORE,
        recording: RecordingOrder | None = None,
    ) -> str:
        """Return a step; `before` is spoken first, and the call is recorded from the announcement on.

        Who goes to somebody else is sent on by the transfer, not by this.
        """
        turn_url = self.next_url(step)
        then = step.then
        if isinstance(then, gs.Wait):
            return twiml.render(
                "gather_wait.xml.j2",
                hold=before,
                recording=recording,
                lead_url=self.wait.lead_url if then.first else None,
                music_url=self.wait.url,
                times=self.wait.times,
                turn_url=turn_url,
            )
        if isinstance(then, gs.HandOn):
            return twiml.render("redirect.xml.j2", url=self.after_url)
        is_open = isinstance(then, gs.Listen | gs.TakeDigits)
        return twiml.render(
            "gather.xml.j2",
            hold=before,
            recording=recording,
            texts=say_chunks(step.say, ssml=self.terms.ssml),
            voice=self.voice,
            language=self.language,
            speech_model=self.speech_model,
            hints=self.hints,
            ssml=self.terms.ssml,
            interruptible=self.interruptible and is_open,
            turn_url=turn_url,
            partial_url=self._partial_url(step.number) if self.overhears else None,
            listen=self._listening() if isinstance(then, gs.Listen) else None,
            digits=_typing(then) if isinstance(then, gs.TakeDigits) else None,
            keys=_playable(then.keys) if isinstance(then, gs.PressKeys) else None,
            hang_up=isinstance(then, gs.HangUp),
        )

    def _partial_url(self, number: int) -> str:
        return f"{self.base_url}/voice/{self.agent}/partial?n={number}"

    def _listening(self) -> dict[str, int]:
        return {"timeout": math.ceil(self.terms.timeout), "pause": max(1, math.ceil(self.terms.pause))}


def _typing(digits: gs.TakeDigits) -> dict[str, int | str]:
    return {"most": digits.most, "finish_key": digits.finish_key, "timeout": math.ceil(digits.pause)}


def _playable(keys: str) -> str:
    """Return keys as `<Play digits>` takes them: `w` is half a second, and there are no spaces."""
    return keys.replace(" ", "").replace("W", "w")
