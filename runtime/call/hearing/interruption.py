"""When does the caller's voice stop the agent? At once, never, or when it is more than a cough.

A model reports speech within some 100 ms of its beginning, but its end only a pause later (500 ms, as a
rule): by its reports alone a cough and a sentence look the same for half a second. So while it is in doubt
what a caller wants, their audio is also looked at here for how long it is loud. Words count as soon as they
are known, which most transcribing models tell only after the end; where they are not known in time, so much
speech counts as a word as a word takes.

    speech starts ── doubt ── enough speech or words ─────────── CUT
                       └───── it stops, with too little of them ── GO_ON

Words that come after the agent went on still count, and cut then. A doubt has an end: a caller who, by the
model's account, still speaks when a pause must have been noticed has spoken for long enough, however softly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from runtime.call.hearing.loudness import is_loud
from runtime.call.playback.playhead import BYTES_PER_MS

MS_PER_WORD: Final = 400  # of speech: 150 words a minute
SURE_MS: Final = 200  # of speech on top, where words are asked for and none is known
WORDS_PATIENCE: Final = 1.0  # s to wait after the end of speech for its words
LATE_WORDS: Final = 5.0  # s after which the words of a cough change nothing any more


@dataclass(frozen=True, slots=True)
class InterruptTerms:
    """What it takes to interrupt the agent.

    `after_ms` of speech, `min_words` of it; with `resume` the agent falls silent at once and goes on where it
    was when it was nothing. `pause_ms` is the longest pause after which the model reports that the caller
    has stopped. Where `allowed` is false the agent is never interrupted.
    """

    allowed: bool = True
    after_ms: int = 0
    min_words: int = 0
    resume: bool = False
    pause_ms: int = 500

    @property
    def at_once(self) -> bool:
        """Whether any speech interrupts, which a model may then do by itself."""
        return self.allowed and not (self.after_ms or self.min_words or self.resume)

    @property
    def words(self) -> int:
        """How many words it takes; a pause on nothing but a sound takes one to become a cut."""
        return self.min_words or int(self.resume and not self.after_ms)

    @property
    def speech_ms(self) -> int:
        """How much speech it takes where its words are not known."""
        return max(self.after_ms, SURE_MS + self.words * MS_PER_WORD if self.words else 0)


AT_ONCE: Final = InterruptTerms()


class Verdict(Enum):
    """What is to be done about the agent's words."""

    NOTHING = auto()
    PAUSE = auto()
    CUT = auto()
    GO_ON = auto()


class Interruption:
    """Judges one utterance of the caller's after the other. Moments are seconds of the call's clock.

    `speech_starts` opens a doubt when the agent is to be heard; `hear`, `words`, `speech_stops` and `wake`
    say what becomes of it. Without a doubt they say NOTHING, but for words that come late.
    """

    __slots__ = (
        "_dismissed_at",
        "_item_id",
        "_loud_bytes",
        "_stopped",
        "_terms",
        "_text",
        "_whole",
        "doubt",
        "due_at",
    )

    def __init__(self, terms: InterruptTerms) -> None:
        self._terms = terms
        self.doubt = False
        """Whether it is open what the caller wants."""
        self._item_id: str | None = None
        self._text = ""
        self._whole = False
        self._loud_bytes = 0
        self._stopped = False
        self.due_at = math.inf
        """When (s) a doubt ends by itself, infinity without one."""
        self._dismissed_at = -math.inf

    def speech_starts(self, item_id: str, now: float) -> Verdict:
        """Judge that the caller begins to speak into what the agent says."""
        terms = self._terms
        if not terms.allowed:
            return Verdict.NOTHING
        if terms.at_once:
            return Verdict.CUT
        paused = self.doubt and terms.resume
        self.doubt = True
        self._item_id, self._text, self._whole = item_id, "", False
        self._loud_bytes, self._stopped = 0, False
        self.due_at = now + (terms.speech_ms + terms.pause_ms) / 1000
        return Verdict.PAUSE if terms.resume and not paused else Verdict.NOTHING

    def hear(self, audio: bytes) -> Verdict:
        """Judge a piece of the caller's audio (µ-law)."""
        if not self.doubt or self._stopped or not is_loud(audio):
            return Verdict.NOTHING
        self._loud_bytes += len(audio)
        return self._judge()

    def words(self, item_id: str, text: str, now: float, *, whole: bool) -> Verdict:
        """Judge the next words of an utterance, or the `whole` of it."""
        if item_id != self._item_id:
            return Verdict.NOTHING
        self._text = text if whole else self._text + text
        self._whole = whole
        if not self.doubt:
            late = now - self._dismissed_at <= LATE_WORDS and self._wordy
            return self._end(Verdict.CUT, now) if late else Verdict.NOTHING
        if whole and self._stopped:
            return self._end(Verdict.CUT if self._wordy else Verdict.GO_ON, now)
        return self._judge()

    def speech_stops(self, now: float) -> Verdict:
        """Judge that the caller has stopped; what was too short may still turn out to be a word."""
        if not self.doubt:
            return Verdict.NOTHING
        if not self._terms.words:
            return self._end(Verdict.GO_ON, now)
        self._stopped = True
        self.due_at = now + WORDS_PATIENCE
        return Verdict.NOTHING

    def wake(self, now: float) -> Verdict:
        """Judge that nothing more was heard of a doubt."""
        if not self.doubt or now < self.due_at:
            return Verdict.NOTHING
        return self._end(Verdict.GO_ON if self._stopped else Verdict.CUT, now)

    def forget(self) -> None:
        """End a doubt without a verdict, and expect no late words either."""
        self.doubt = False
        self.due_at = math.inf
        self._item_id = None

    @property
    def wordless(self) -> bool:
        """Whether it is known that what was heard last had no words."""
        return self._whole and not self._text.strip()

    @property
    def _wordy(self) -> bool:
        return 0 < self._terms.words <= len(self._text.split())

    def _judge(self) -> Verdict:
        spoken_ms = self._loud_bytes // BYTES_PER_MS
        enough = spoken_ms >= self._terms.speech_ms or (self._wordy and spoken_ms >= self._terms.after_ms)
        return self._end(Verdict.CUT, -math.inf) if enough else Verdict.NOTHING

    def _end(self, verdict: Verdict, now: float) -> Verdict:
        self.doubt = False
        self.due_at = math.inf
        self._dismissed_at = now if verdict is Verdict.GO_ON else -math.inf
        return verdict
