"""What a `<Gather>` collects: keys and speech, told by the ticks of the line. No I/O.

Twilio: the time-out runs from the end of the prompts and from each key; the first kind of input wins; the
finishing key is no part of the digits, and alone it is no input at all; an utterance ends with a pause.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.network.caller import CONFIDENCE, TICK_MS
from sandbox.network.flow import Extra
from sandbox.network.line import LineTick
from sandbox.network.recognising import Recogniser
from sandbox.network.verbs import Gather


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected; nothing at all when both are empty."""

    digits: str = ""
    speech: str = ""
    finished_on: str = ""
    confidence: float | None = CONFIDENCE

    def form(self) -> Extra:
        """Return the parameters of the action's request."""
        if self.speech:
            told: Extra = (("SpeechResult", self.speech),)
            return told if self.confidence is None else (*told, ("Confidence", str(self.confidence)))
        form: Extra = (("Digits", self.digits),)
        return (*form, ("FinishedOnKey", self.finished_on)) if self.finished_on else form


class Collector:
    """Collects for one `<Gather>`; `result` is None until it is complete.

    `begun` says that there was input, which stops the prompts; `words` are what the recogniser makes of the
    utterance so far.
    """

    def __init__(self, gather: Gather) -> None:
        self.result: Collected | None = None
        self.begun = False
        self._gather = gather
        self._recogniser = Recogniser(gather.speech_timeout_s * 1000)
        self._digits = ""
        self._prompting = True
        self._idle_ms = 0

    @property
    def words(self) -> str:
        """What is made out so far."""
        return self._recogniser.partial

    def prompts_ended(self) -> None:
        """Begin to count the time-out."""
        self._prompting = False

    def hear(self, tick: LineTick) -> None:
        """Take the next 20 ms of the caller."""
        if self.result is not None:
            return
        self._idle_ms = 0 if self._prompting else self._idle_ms + TICK_MS
        digit = tick.caller.digit
        if digit is not None and self._gather.takes_digits and not self._recogniser.speaking_ms:
            self._press(digit)
        elif self._gather.takes_speech and not self._digits:
            self._listen(tick)
        self._watch_the_time()

    def _watch_the_time(self) -> None:
        if self.result is None and not self._recogniser.speaking_ms and self._is_late():
            self.result = Collected(self._digits)

    def _is_late(self) -> bool:
        return self._idle_ms >= self._gather.timeout_s * 1000

    def _press(self, digit: str) -> None:
        self.begun = True
        self._idle_ms = 0
        if digit in self._gather.finish_on_key:
            self.result = Collected(self._digits, finished_on=digit if self._digits else "")
            return
        self._digits += digit
        if len(self._digits) == self._gather.num_digits:
            self.result = Collected(self._digits)

    def _listen(self, tick: LineTick) -> None:
        self._recogniser.hear(tick)
        if self._recogniser.speaking_ms and self._gather.barge_in:
            self.begun = True
        recognised = self._recogniser.result
        if recognised is not None:
            self.result = Collected(speech=recognised.text, confidence=recognised.confidence)
