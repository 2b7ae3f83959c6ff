"""What the caller hears from Twilio before the stream, and the recordings for it, served from memory.

Recordings are addressed by their content (`/media/{sha256}/{name}`), so Twilio may keep them for ever and
a changed file has a new address.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from runtime.twiml import HoldPrelude
from schemas import Hold
from schemas.hold import MEDIA_TYPES

# Strategies whose first part can be spoken before the stream. Music is mixed into the stream.
SPOKEN_FIRST = frozenset({"text", "text_then_music"})

# How fast Twilio's voices read, characters a second; only a time-out depends on it.
READING_SPEED = 12.0
# The longest pause that a <break> of SSML makes, in seconds (Amazon Polly).
LONGEST_BREAK = 10.0
# The least that MP3 files have, bits a second: MPEG 1, and MPEG 2 and 2.5 with their lower sample rates.
# Reading each frame would be more exact than a time-out needs.
SLOWEST_MP3 = 32_000
SLOWEST_MP3_OF_LOW_RATE = 8_000


@dataclass(frozen=True, slots=True)
class Recording:
    """A hold recording in memory: `content_type` as Twilio wants it, `seconds` of playing time."""

    name: str
    sha256: str
    content_type: str
    content: bytes
    seconds: float

    @property
    def path(self) -> str:
        """Where it is served, below the public URL."""
        return f"/media/{self.sha256}/{quote(self.name)}"


class HoldMedia:
    """The recordings of a fleet's holds, loaded once."""

    def __init__(self, recordings: Mapping[Path, Recording]) -> None:
        self._by_file = dict(recordings)
        self._by_hash = {recording.sha256: recording for recording in recordings.values()}

    @classmethod
    def load(cls, holds: Iterable[Hold]) -> HoldMedia:
        """Read the recordings that are played before a stream. Blocks; raises `OSError`."""
        files = {hold.played_by_twilio for hold in holds}
        return cls({file: _read(file) for file in files if file is not None})

    def find(self, sha256: str, name: str) -> Recording | None:
        """Return the recording with this hash and file name, or None."""
        recording = self._by_hash.get(sha256)
        return recording if recording is not None and recording.name == name else None

    def prelude(self, hold: Hold | None, base_url: str) -> HoldPrelude:
        """Return what Twilio speaks or plays before the stream, with absolute URLs below `base_url`."""
        if hold is None:
            return HoldPrelude()
        if hold.strategy in SPOKEN_FIRST and hold.text:
            return HoldPrelude(text=hold.text, voice=hold.voice, seconds=reading_time(hold.text))
        if hold.played_by_twilio is not None:
            recording = self._by_file[hold.played_by_twilio]
            return HoldPrelude(play_url=f"{base_url}{recording.path}", seconds=recording.seconds)
        return HoldPrelude()


def _read(file: Path) -> Recording:
    content = file.read_bytes()
    return Recording(
        name=file.name,
        sha256=hashlib.sha256(content).hexdigest(),
        content_type=MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream"),
        content=content,
        seconds=playing_time(content),
    )


def reading_time(text: str) -> float:
    """Return about how long a text takes to read, in seconds: rather too long than too short."""
    return len(text) / READING_SPEED + LONGEST_BREAK * text.count("<break")


def playing_time(content: bytes) -> float:
    """Return how long a recording plays, in seconds: exact for WAV, the most that it can be for MP3."""
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return _wav_seconds(content)
    return len(content) * 8 / (SLOWEST_MP3 if _is_mpeg_1(content) else SLOWEST_MP3_OF_LOW_RATE)


def _is_mpeg_1(content: bytes) -> bool:
    """Tell by the first frame: 11 set bits, then 2 for the version. An ID3 tag has a size of 7-bit bytes."""
    start = 0
    if content[:3] == b"ID3":
        start = 10 + sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(content[6:10])))
    frame = re.compile(rb"\xff[\xe0-\xff]").search(content, start)
    return frame is not None and frame[0][1] >> 3 & 3 == 3


def _wav_seconds(content: bytes) -> float:
    position, bytes_per_second = 12, 0
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        if name == b"fmt " and position + 20 <= len(content):
            (bytes_per_second,) = struct.unpack_from("<I", content, position + 16)
        elif name == b"data" and bytes_per_second:
            return float(min(size, len(content) - position - 8) / bytes_per_second)
        position += 8 + size + size % 2
    return 0.0
