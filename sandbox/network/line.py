"""An answered line: what each side says, on one clock that starts at the answer. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.network.caller import TICK_MS, Caller, Step, Tick
from sandbox.network.playout import Playout
from sandbox.network.recording import Track, stereo_wav
from sandbox.network.utterances import Utterance
from sandbox.speech.ulaw import FRAME_BYTES, SILENCE

SILENT_FRAME = SILENCE * FRAME_BYTES


@dataclass(frozen=True, slots=True)
class LineTick:
    """20 ms of a line: what the caller said (160 bytes) and did, and how the agent's speech changed."""

    frame: bytes
    caller: Tick
    agent_begins: bool
    agent_stops: bool


class Line:
    """Both directions of a call. Times are milliseconds since the answer."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.playout = Playout()
        self.spoken = Track()
        self.heard = Track()
        self.utterances: list[Utterance] = []
        self._caller = Caller(steps)
        self._ticks = 0

    @property
    def next_tick_ms(self) -> int:
        """When the next tick is complete."""
        return (self._ticks + 1) * TICK_MS

    def settle(self, now_ms: float) -> tuple[str, ...]:
        """Let the agent's audio play up to now, and return the marks that came due."""
        played = self.playout.advance(now_ms)
        for piece in played.pieces:
            self.heard.place(piece.at, piece.ulaw)
        return played.marks

    def tick(self) -> LineTick:
        """Live through the next 20 ms; the line must have been settled up to their end."""
        start = self._ticks * FRAME_BYTES
        self._ticks += 1
        before = self._caller.ear.speaking
        did = self._caller.tick(self.heard.between(start, start + FRAME_BYTES))
        if did.frame is not None:
            self.spoken.place(start, did.frame)
        now = self._caller.ear.speaking
        return LineTick(did.frame or SILENT_FRAME, did, now and not before, before and not now)

    def recording_wav(self) -> bytes:
        """Return the call in stereo: caller left, agent right."""
        return stereo_wav(self.spoken, self.heard)
