"""A caller: somebody who listens, speaks, interrupts, presses keys and hangs up. No I/O.

The caller lives in ticks of 20 ms. Each tick brings the frame that is heard and returns the frame
that is said, so a whole conversation can be played in a loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from sandbox.network.media_files import spoken_words
from sandbox.speech import clip, find_spoken, is_speech
from sandbox.speech.ulaw import BYTES_PER_MS, FRAME_BYTES, SILENCE

TICK_MS = 20
# Speech is a sound of more than one frame, and pauses between words are no silence.
SPEECH_AFTER_MS = 40
QUIET_AFTER_MS = 300
WAIT_DIGIT_MS = 500
BETWEEN_DIGITS_MS = 200
CONFIDENCE = 0.93  # Twilio: 0.0 to 1.0; the words here are certain, which a recogniser never is


class Speech(Protocol):
    """Something that can be said, such as a clip of `sandbox.speech`."""

    @property
    def text(self) -> str:
        """The words."""

    @property
    def ulaw(self) -> bytes:
        """The sound."""


@dataclass(frozen=True, slots=True)
class Words:
    """Any words: for recognisers (Gather, ConversationRelay), which are told them; others hear a hum."""

    text: str

    @property
    def ulaw(self) -> bytes:
        """The sound: the clip that has the words, else a hum as long as saying them takes."""
        return spoken_words(self.text)


Spoken = Speech | str | bytes
"""A clip, the name of one, words, or µ-law audio."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait until the agent has spoken and then been quiet for a while, at most so long."""

    until_quiet_ms: int = 600
    at_most_s: float = 15


@dataclass(frozen=True, slots=True)
class Say:
    """Speak. A recogniser understands `heard_as`, by default every word; confidence None is not told."""

    spoken: Spoken
    heard_as: str | None = None
    confidence: float | None = CONFIDENCE


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Speak over the agent when it has been speaking for `after_ms`; without an agent, after `at_most_s`."""

    spoken: Spoken
    after_ms: int = 1000
    at_most_s: float = 15
    heard_as: str | None = None
    confidence: float | None = CONFIDENCE


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing."""

    ms: int


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys: 0-9, * and #; `w` waits half a second."""

    digits: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call now. At the end of the steps the caller hangs up as well."""


Step = Listen | Say | Interrupt | Wait | Press | HangUp


@dataclass(frozen=True, slots=True)
class SpeechSoFar:
    """What of a speech has been said by the end of a tick, and how a recogniser understands all of it."""

    words: str
    heard_as: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Tick:
    """What the caller does in 20 ms: `frame` is µ-law of 160 bytes, None for silence."""

    frame: bytes | None = None
    digit: str | None = None
    says: str | None = None  # begins to say these words
    finished: bool = False  # has said the last of them
    speech: SpeechSoFar | None = None  # while speaking
    hang_up: bool = False


class Ear:
    """Tells from 20 ms frames when the other side speaks, bridging the pauses between words."""

    def __init__(self) -> None:
        self.speaking_ms = 0
        self.quiet_ms = 0
        self._loud_ms = 0

    @property
    def speaking(self) -> bool:
        """Whether the other side is speaking."""
        return self.speaking_ms > 0

    def hear(self, frame: bytes) -> None:
        """Take the next 20 ms."""
        loud = is_speech(frame)
        self._loud_ms = self._loud_ms + TICK_MS if loud else 0
        self.quiet_ms = 0 if loud else self.quiet_ms + TICK_MS
        if self.speaking:
            self.speaking_ms = self.speaking_ms + TICK_MS if self.quiet_ms < QUIET_AFTER_MS else 0
        elif self._loud_ms >= SPEECH_AFTER_MS:
            self.speaking_ms = self._loud_ms


@dataclass(slots=True)
class _Speaking:
    """A speech and how far it is."""

    audio: bytes
    words: str
    heard_as: str
    confidence: float | None
    at: int = 0

    def next(self) -> tuple[bytes, SpeechSoFar, bool]:
        """Return 20 ms of sound, what has been said with them, and whether that is all."""
        frame = self.audio[self.at : self.at + FRAME_BYTES]
        self.at += len(frame)
        done = self.at >= len(self.audio)
        words = self.words.split()
        said = len(words) if done else len(words) * self.at // len(self.audio)
        so_far = SpeechSoFar(" ".join(words[:said]), self.heard_as, self.confidence)
        return frame.ljust(FRAME_BYTES, SILENCE), so_far, done


@dataclass(slots=True)
class _Doing:
    """The step in hand and how far it is."""

    step: Step
    elapsed_ms: int = 0
    heard: bool = False
    digits: deque[str] = field(default_factory=deque)


class Caller:
    """Carries out steps, one after the other."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.ear = Ear()
        self._steps = deque(steps)
        self._doing: _Doing | None = None
        self._speaking: _Speaking | None = None
        self._next_digit_ms = 0

    def tick(self, heard: bytes) -> Tick:
        """Hear 160 bytes and return what is done meanwhile."""
        self.ear.hear(heard)
        if self._speaking is not None:
            return self._speak(self._speaking)
        while True:
            doing = self._doing or self._take()
            if doing is None:
                return Tick(hang_up=True)
            tick = self._carry_out(doing)
            doing.elapsed_ms += TICK_MS
            if tick is not None:
                return tick
            self._doing = None

    def _take(self) -> _Doing | None:
        if self._steps:
            self._doing = _Doing(self._steps.popleft())
        return self._doing

    def _carry_out(self, doing: _Doing) -> Tick | None:
        """Return what the step does in this tick, None when it is done and the next one's turn."""
        match doing.step:
            case Wait(ms):
                return Tick() if doing.elapsed_ms < ms else None
            case Listen(until_quiet_ms, at_most_s):
                doing.heard = doing.heard or self.ear.speaking
                content = doing.heard and self.ear.quiet_ms >= until_quiet_ms
                return None if content or doing.elapsed_ms >= at_most_s * 1000 else Tick()
            case Say():
                return self._begin(doing.step)
            case Interrupt(_, after_ms, at_most_s):
                if self.ear.speaking_ms >= after_ms or doing.elapsed_ms >= at_most_s * 1000:
                    return self._begin(doing.step)
                return Tick()
            case Press(digits):
                return self._press(doing, digits)
            case HangUp():
                return Tick(hang_up=True)

    def _begin(self, step: Say | Interrupt) -> Tick | None:
        self._doing = None
        text, audio = words_of(step.spoken)
        if not audio:
            return None
        known = _known_words(step.spoken)
        heard_as = known if step.heard_as is None else step.heard_as
        self._speaking = _Speaking(audio, known, heard_as, step.confidence)
        return replace(self._speak(self._speaking), says=text)

    def _speak(self, speaking: _Speaking) -> Tick:
        frame, so_far, done = speaking.next()
        if done:
            self._speaking = None
        return Tick(frame=frame, speech=so_far, finished=done)

    def _press(self, doing: _Doing, digits: str) -> Tick | None:
        if not doing.elapsed_ms:
            doing.digits.extend(digits)
            self._next_digit_ms = 0
        if doing.elapsed_ms < self._next_digit_ms:
            return Tick()
        if not doing.digits:
            return None
        digit = doing.digits.popleft()
        self._next_digit_ms += WAIT_DIGIT_MS if digit == "w" else BETWEEN_DIGITS_MS
        return Tick() if digit == "w" else Tick(digit=digit)


def words_of(spoken: Spoken) -> tuple[str, bytes]:
    """Return the words (as far as they are known) and the µ-law sound."""
    if isinstance(spoken, bytes):
        return f"({len(spoken) // BYTES_PER_MS} ms of sound)", spoken
    speech = clip(spoken) if isinstance(spoken, str) else spoken
    return speech.text, speech.ulaw


def _known_words(spoken: Spoken) -> str:
    """Return the words that a recogniser could make out; of audio, those of the clips in it."""
    if isinstance(spoken, bytes):
        return " ".join(one.text for one in find_spoken(spoken))
    return words_of(spoken)[0]
