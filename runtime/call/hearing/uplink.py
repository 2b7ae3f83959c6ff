"""The caller's voice on its way to the model: passed on as it came, kept briefly while nobody listens."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from runtime.call.actions import HearCaller
from runtime.call.hearing.intake import EARLY, LATE, Intake, payload_size
from runtime.call.playback.playhead import BYTES_PER_MS

if TYPE_CHECKING:
    from runtime.call.events import CallerAudio

KEPT_BYTES: Final = 2000 * BYTES_PER_MS
MOST_EARLY: Final = 2  # frames that wait for one that is late


class Uplink:
    """A gate for the caller's audio; while closed it keeps the newest two seconds."""

    __slots__ = ("_dropped", "_early", "_given", "_kept", "_kept_size", "_open", "intake")

    def __init__(self) -> None:
        self.intake = Intake()
        """The line that the audio comes from."""
        self._open = False
        self._kept: deque[str] = deque()
        self._kept_size = 0
        self._dropped = 0
        self._early: list[CallerAudio] = []
        self._given = 0

    @property
    def dropped_ms(self) -> int:
        """How much of the caller's audio nobody will hear."""
        return self._dropped // BYTES_PER_MS

    def pass_on(self, audio: CallerAudio, now: float) -> Sequence[HearCaller]:
        """Return what the model is to hear now; nothing while the gate is closed."""
        payload = audio.payload
        size = payload_size(payload)
        if self._early:
            return self._in_order(audio, now)
        missing_ms = self.intake.place(audio.at_ms, size, now)
        if not missing_ms and self._open:  # nearly always: 50 times a second
            self._given += size
            return (HearCaller(payload),)
        if missing_ms == EARLY:
            self._early.append(audio)
            return ()
        return self._placed(payload, missing_ms)

    def _in_order(self, audio: CallerAudio, now: float) -> list[HearCaller]:
        """Place a frame and those that wait for their predecessor, which may be it; two wait at most."""
        frames = sorted((*self._early, audio), key=_time)
        patient = len(frames) <= MOST_EARLY
        self._early = []
        passed: list[HearCaller] = []
        for number, each in enumerate(frames):
            missing_ms = self.intake.place(each.at_ms, payload_size(each.payload), now, patient=patient)
            if missing_ms == EARLY:
                self._early = frames[number:]
                break
            passed += self._placed(each.payload, missing_ms)
        return passed

    def _placed(self, payload: str, missing_ms: int) -> list[HearCaller]:
        if missing_ms == LATE:
            return []
        silence = [self.intake.silence(missing_ms)] if missing_ms else []
        return [HearCaller(each) for each in (*silence, payload) if self._passes(each)]

    def restart(self, now: float) -> None:
        """Expect another stream, whose time begins anew."""
        self._early = []
        self.intake.restart(now)

    def fill(self) -> list[HearCaller]:
        """Return a second of silence for a line on which nothing comes any more, behind what came last."""
        early, self._early = self._early, []
        payloads = [*(each.payload for each in early), self.intake.fill()]
        return [HearCaller(each) for each in payloads if self._passes(each)]

    def _passes(self, payload: str) -> bool:
        """Tell whether the gate is open; a closed one keeps the payload for later."""
        size = payload_size(payload)
        if self._open:
            self._given += size
            return True
        self._kept.append(payload)
        self._kept_size += size
        while self._kept_size > KEPT_BYTES:
            oldest = payload_size(self._kept.popleft())
            self._kept_size -= oldest
            self._dropped += oldest
        return False

    def open(self) -> list[HearCaller]:
        """Open the gate and return what was kept, message by message."""
        self._open = True
        kept = [HearCaller(payload) for payload in self._kept]
        self._given += self._kept_size
        self._kept.clear()
        self._kept_size = 0
        return kept

    def close(self) -> None:
        """Close the gate: what the caller says is kept for the next session, whose time begins at 0."""
        self._open = False
        self._given = 0

    def keep(self, payloads: Iterable[str]) -> None:
        """Keep, for the next session, what this one was given and did not hear; the gate is closed."""
        for payload in payloads:
            self._passes(payload)

    def moment(self, audio_ms: int, now: float) -> float:
        """Return when (s) the caller made the sound that stands at `audio_ms` of what the model was given."""
        return now - max(0.0, self._given / BYTES_PER_MS - audio_ms) / 1000


def _time(audio: CallerAudio) -> float:
    return math.inf if audio.at_ms is None else audio.at_ms
