"""A recogniser of speech on a caller's line: when somebody speaks, and what is made out of it. No I/O.

When somebody speaks is heard; which words it were, the callers of the sandbox tell themselves: word by word
as they speak, and at the end what a recogniser would have made of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.network.caller import TICK_MS, Ear
from sandbox.network.line import LineTick

MAX_SPEECH_MS = 60_000  # Twilio: of one Gather
PARTIALS_EVERY_MS = 200


@dataclass(frozen=True, slots=True)
class Recognised:
    """An utterance that has ended: its words, and how sure that is (0.0 to 1.0; None: it is not told)."""

    text: str
    confidence: float | None


class Recogniser:
    """Listens for one utterance, which ends with `quiet_ms` without speech.

    `speaking_ms` is how long ago it began, 0 before; `partial` is what is made out so far, renewed every
    200 ms; `result` is None until the end.
    """

    def __init__(self, quiet_ms: float) -> None:
        self.speaking_ms = 0
        self.partial = ""
        self.result: Recognised | None = None
        self._quiet_ms = quiet_ms
        self._ear = Ear()
        self._sure: list[str] = []
        self._current = ""
        self._confidence: float | None = None

    def hear(self, tick: LineTick) -> None:
        """Take the next 20 ms of the caller."""
        if self.result is not None:
            return
        self._ear.hear(tick.frame)
        said = tick.caller.speech
        if said is not None:
            self._current = said.words
        if said is not None and tick.caller.finished:
            self._sure.append(said.heard_as)
            self._confidence = said.confidence
            self._current = ""
        if self.speaking_ms or self._ear.speaking:
            self._go_on()

    def _go_on(self) -> None:
        self.speaking_ms += TICK_MS
        if self.speaking_ms % PARTIALS_EVERY_MS == 0:
            self.partial = self._made_out()
        if self._ear.quiet_ms >= self._quiet_ms or self.speaking_ms >= MAX_SPEECH_MS:
            self.partial = self._made_out()
            self.result = Recognised(self.partial, self._confidence)

    def _made_out(self) -> str:
        return " ".join(words for words in (*self._sure, self._current) if words)
