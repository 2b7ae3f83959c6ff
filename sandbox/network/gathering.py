"""What a `<Gather>` collects: keys and speech, told by the ticks of the line. No I/O.

Twilio: the time-out runs from the end of the prompts and from each key; the first kind of input wins; the
finishing key is no part of the digits, and alone it is no input at all; an utterance ends with a pause.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.network.caller import TICK_MS, Ear
from sandbox.network.flow import Extra
from sandbox.network.line import LineTick
from sandbox.network.verbs import Gather
from sandbox.speech.hearing import find_similar, find_spoken

MAX_SPEECH_MS = 60_000
PARTIALS_EVERY_MS = 200
CONFIDENCE = "0.93"  # Twilio: 0.0 to 1.0; what is recognised here is certain, which a recogniser never is


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected; nothing at all when both are empty."""

    digits: str = ""
    speech: str = ""
    finished_on: str = ""

    def form(self) -> Extra:
        """Return the parameters of the action's request."""
        if self.speech:
            return ("SpeechResult", self.speech), ("Confidence", CONFIDENCE)
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
        self.words = ""
        self._gather = gather
        self._ear = Ear()
        self._digits = ""
        self._prompting = True
        self._idle_ms = 0
        self._spoken_ms = 0
        self._audio = bytearray()

    def prompts_ended(self) -> None:
        """Begin to count the time-out."""
        self._prompting = False

    def hear(self, tick: LineTick) -> None:
        """Take the next 20 ms of the caller."""
        if self.result is not None:
            return
        self._idle_ms = 0 if self._prompting else self._idle_ms + TICK_MS
        digit = tick.caller.digit
        if digit is not None and self._gather.takes_digits and not self._spoken_ms:
            self._press(digit)
        elif self._gather.takes_speech and not self._digits:
            self._listen(tick.frame)
        self._watch_the_time()

    def _watch_the_time(self) -> None:
        if self.result is None and not self._spoken_ms and self._idle_ms >= self._gather.timeout_s * 1000:
            self.result = Collected(self._digits)

    def _press(self, digit: str) -> None:
        self.begun = True
        self._idle_ms = 0
        if digit in self._gather.finish_on_key:
            self.result = Collected(self._digits, finished_on=digit if self._digits else "")
            return
        self._digits += digit
        if len(self._digits) == self._gather.num_digits:
            self.result = Collected(self._digits)

    def _listen(self, frame: bytes) -> None:
        self._ear.hear(frame)
        if not self._spoken_ms and not self._ear.speaking:
            self._audio = (self._audio + frame)[-10 * len(frame) :]  # the beginning that told it was speech
            return
        self.begun = True
        self._audio += frame
        self._spoken_ms += TICK_MS
        if self._spoken_ms % PARTIALS_EVERY_MS == 0:
            self.words = _recognised(bytes(self._audio))
        ended = self._ear.quiet_ms >= self._gather.speech_timeout_s * 1000
        if ended or self._spoken_ms >= MAX_SPEECH_MS:
            audio = bytes(self._audio)
            resembling = find_similar(audio)
            self.words = _recognised(audio) or (resembling.text if resembling else "")
            self.result = Collected(speech=self.words)


def _recognised(audio: bytes) -> str:
    return " ".join(clip.text for clip in find_spoken(audio))
