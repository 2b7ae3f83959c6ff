"""Recordings of a call: which parts of its line they hold, and how they sound. No I/O.

Twilio: of two channels, the first is the person on the phone and the second what he hears.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from sandbox.account.formats import rfc2822
from sandbox.account.recording_orders import RecordingOrder
from sandbox.account.recordings import Recording
from sandbox.network.flow import Extra
from sandbox.network.line import Line
from sandbox.network.mixing import mixed
from sandbox.network.recording import Track
from sandbox.speech.ulaw import SILENCE, to_pcm

RATE = 8000

Part = Literal["sound", "silence", "skipped"]


@dataclass(slots=True)
class CallRecording:
    """A recording under way; `part` is what it is doing since the sample `since` of the line."""

    record: Recording
    order: RecordingOrder
    since: int
    part: Part = "sound"
    parts: list[tuple[Part, int, int]] = field(default_factory=list)

    def turn(self, part: Part, at: int) -> None:
        """Do something else from here on."""
        self.parts.append((self.part, self.since, max(at, self.since)))
        self.part, self.since = part, max(at, self.since)
        self.record.status = "in-progress" if part == "sound" else "paused"
        self.record.updated = datetime.now(UTC)

    def finish(self, at: int, line: Line) -> None:
        """End it: the record gets its sound and its length."""
        self.turn("skipped", at)
        caller, agent = self._heard(line.spoken), self._heard(line.heard)
        self.record.duration_seconds = round(len(caller) / RATE)
        self.record.status = "completed" if caller else "absent"
        self.record.wav = _wav(caller, agent, self.record.channels, self.record.track)

    def form(self) -> Extra:
        """Return what the callback is told, all of it strings."""
        record = self.record
        return (
            ("AccountSid", record.account_sid),
            ("CallSid", record.call_sid),
            ("RecordingSid", record.sid),
            ("RecordingUrl", record.url),
            ("RecordingStatus", record.status),
            ("RecordingDuration", str(record.duration_seconds)),
            ("RecordingChannels", str(record.channels)),
            ("RecordingStartTime", rfc2822(record.started)),
            ("RecordingSource", record.source),
            ("RecordingTrack", record.track),
            ("ErrorCode", "0"),
        )

    def _heard(self, track: Track) -> bytes:
        return b"".join(
            track.between(start, end) if part == "sound" else SILENCE * (end - start)
            for part, start, end in self.parts
            if part != "skipped"
        )


def _wav(caller: bytes, agent: bytes, channels: int, track: str) -> bytes:
    """Return a PCM WAV at 8 kHz of both sides, or of the one that was asked for."""
    if track == "inbound":
        agent = SILENCE * len(agent)
    elif track == "outbound":
        caller = SILENCE * len(caller)
    if channels == 2:
        left, right = to_pcm(caller), to_pcm(agent)
        pcm = b"".join(left[at : at + 2] + right[at : at + 2] for at in range(0, len(left), 2))
    else:
        pcm = to_pcm(mixed([caller, agent]))
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(pcm)
    return file.getvalue()
