"""How the server hears: a buffer of received audio, and turns found in it by loudness.

Time here is the position in the received audio, as in OpenAI's `audio_start_ms`: a client that stops
sending also stops this clock, so a turn ends only in silence that was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sandbox.model.config import AudioFormat, SemanticVad, ServerVad
from sandbox.model.sound import to_ulaw
from sandbox.speech.hearing import SPEECH_LOUDNESS
from sandbox.speech.ulaw import BYTES_PER_MS, FRAME_BYTES, loudness

FRAME_MS = FRAME_BYTES // BYTES_PER_MS

# Speech begins with this many loud frames in a row: a click is not a word.
_ONSET_FRAMES = 2

# OpenAI: at most 8, 4 or 2 s of waiting by eagerness, less when the sentence is complete. Every line
# of the sandbox is complete.
_PATIENCE_MS = {"low": 1200, "medium": 700, "auto": 700, "high": 400}
_SEMANTIC_PREFIX_MS = 300

# What is kept of audio that nobody commits; the oldest goes.
_MAX_BUFFER_MS = 600_000
_MIN_KEPT_MS = 1000


@dataclass(frozen=True, slots=True)
class Started:
    """The caller began to speak at `at_ms`, prefix padding included."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The caller's turn: its audio, and where it ended, the silence included."""

    at_ms: int
    ulaw: bytes


Noticed: TypeAlias = Started | Stopped


class Ear:
    """Takes audio in any format and chunk size, tells when a turn begins and ends.

    With `turns` None nothing is told, and the client commits.
    """

    def __init__(self) -> None:
        self.turns: ServerVad | SemanticVad | None = None
        self.speaking = False
        self._buffer = bytearray()
        self._buffer_start_ms = 0
        self._undecoded = b""
        self._unjudged = b""
        self._loud_frames = 0
        self._quiet_ms = 0

    @property
    def heard_ms(self) -> int:
        """How much audio was received since the session began."""
        return self._buffer_start_ms + len(self._buffer) // BYTES_PER_MS

    @property
    def buffered_ms(self) -> float:
        """How much audio a commit would take."""
        return len(self._buffer) / BYTES_PER_MS

    def feed(self, audio: bytes, sent_as: AudioFormat) -> list[Noticed]:
        """Take some audio and return what it means."""
        ulaw, self._undecoded = to_ulaw(self._undecoded + audio, sent_as)
        unjudged = self._unjudged + ulaw
        whole = len(unjudged) - len(unjudged) % FRAME_BYTES
        self._unjudged = unjudged[whole:]
        found: list[Noticed] = []
        for start in range(0, whole, FRAME_BYTES):
            frame = unjudged[start : start + FRAME_BYTES]
            self._buffer += frame
            found += self._judge(frame)
        return found

    def take(self) -> bytes:
        """Commit: return what is buffered, and begin anew."""
        taken = bytes(self._buffer)
        self._keep_last(0)
        self.speaking = False
        self._loud_frames = self._quiet_ms = 0
        return taken

    def _judge(self, frame: bytes) -> list[Noticed]:
        if self.turns is None:
            self._keep_last(_MAX_BUFFER_MS)
            return []
        loud = loudness(frame) >= _needed_loudness(self.turns)
        return self._while_speaking(loud) if self.speaking else self._while_quiet(loud)

    def _while_quiet(self, loud: bool) -> list[Noticed]:
        self._loud_frames = self._loud_frames + 1 if loud else 0
        prefix_ms = _prefix_ms(self.turns)
        if self._loud_frames < _ONSET_FRAMES:
            self._keep_last(max(prefix_ms + _ONSET_FRAMES * FRAME_MS, _MIN_KEPT_MS))
            return []
        self._keep_last(prefix_ms + _ONSET_FRAMES * FRAME_MS)
        self.speaking = True
        self._quiet_ms = 0
        return [Started(self._buffer_start_ms)]

    def _while_speaking(self, loud: bool) -> list[Noticed]:
        self._quiet_ms = 0 if loud else self._quiet_ms + FRAME_MS
        if self._quiet_ms < _patience_ms(self.turns):
            self._keep_last(_MAX_BUFFER_MS)
            return []
        at_ms = self.heard_ms
        return [Stopped(at_ms, self.take())]

    def _keep_last(self, ms: int) -> None:
        surplus = len(self._buffer) - ms * BYTES_PER_MS
        if surplus > 0:
            del self._buffer[:surplus]
            self._buffer_start_ms += surplus // BYTES_PER_MS


def _needed_loudness(turns: ServerVad | SemanticVad) -> float:
    threshold = turns.threshold if isinstance(turns, ServerVad) else 0.5
    return SPEECH_LOUDNESS * threshold / 0.5


def _prefix_ms(turns: ServerVad | SemanticVad | None) -> int:
    return turns.prefix_padding_ms if isinstance(turns, ServerVad) else _SEMANTIC_PREFIX_MS


def _patience_ms(turns: ServerVad | SemanticVad | None) -> int:
    if isinstance(turns, SemanticVad):
        return _PATIENCE_MS[turns.eagerness]
    return turns.silence_duration_ms if turns else 0
