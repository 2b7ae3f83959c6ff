"""The fleet's holds in memory: the words before the stream, the sound on it, and the files themselves.

Files are addressed by their content (`/media/{sha256}/{name}`), so Twilio may keep them for ever and a
changed file has a new address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from runtime.audio.decoding import UndecodableError, decode
from runtime.audio.telephone_band import Samples
from runtime.call.playback.hold_sound import HoldSound
from runtime.figures.logs import get_logger
from runtime.hold_sounds import arrange
from runtime.say_voice import SayVoice
from runtime.twiml import HoldPrelude
from schemas import Hold
from schemas.errors import TmError
from schemas.hold import MEDIA_TYPES

_log = get_logger(__name__)

# Strategies whose first part is spoken before the stream. All other sound is played into the stream.
SPOKEN_FIRST = frozenset({"text", "text_then_music"})

# How fast Twilio's voices read, characters a second; only a time-out depends on it.
READING_SPEED = 12.0
# The longest pause that a <break> of SSML makes, in seconds (Amazon Polly).
LONGEST_BREAK = 10.0


class HoldMediaError(TmError):
    """A hold's file that cannot be read or decoded."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A hold's file in memory; `content_type` as Twilio wants it."""

    name: str
    sha256: str
    content_type: str
    content: bytes = field(repr=False)

    @property
    def path(self) -> str:
        """Where it is served, below the public URL."""
        return f"/media/{self.sha256}/{quote(self.name)}"


_Key: TypeAlias = tuple[str, Path | None, Path | None]


class HoldMedia:
    """The holds of a fleet, their files loaded and arranged once."""

    def __init__(self, recordings: Iterable[Recording], sounds: Mapping[_Key, HoldSound]) -> None:
        self._by_hash = {recording.sha256: recording for recording in recordings}
        self._sounds = dict(sounds)
        self._without_hold = arrange("none", None, None)

    @classmethod
    def load(cls, holds: Iterable[Hold]) -> HoldMedia:
        """Read and decode what the holds play. Blocks, some 100 ms for ten minutes of music.

        Raises `HoldMediaError`, which names the file.
        """
        holds = tuple(holds)
        recordings = {file: _read(file) for hold in holds for file in hold.recordings}
        decoded: dict[str, Samples] = {}
        for file, recording in recordings.items():
            if recording.sha256 not in decoded:
                decoded[recording.sha256] = _decoded(file, recording)
        sounds: dict[_Key, HoldSound] = {}
        for hold in holds:
            key = _key(hold)
            if key not in sounds:
                voice, music = (
                    None if file is None else decoded[recordings[file].sha256] for file in key[1:]
                )
                sounds[key] = arrange(hold.strategy, voice, music)
        return cls(recordings.values(), sounds)

    def find(self, sha256: str, name: str) -> Recording | None:
        """Return the recording with this hash and file name, or None."""
        recording = self._by_hash.get(sha256)
        return recording if recording is not None and recording.name == name else None

    def add(self, recording: Recording) -> None:
        """Serve one more file."""
        self._by_hash[recording.sha256] = recording

    def recordings(self) -> tuple[Recording, ...]:
        """Return the files that are served."""
        return tuple(self._by_hash.values())

    def prelude(self, hold: Hold | None) -> HoldPrelude:
        """Return what Twilio speaks before the stream."""
        if hold is not None and hold.strategy in SPOKEN_FIRST and hold.text:
            return HoldPrelude(text=hold.text, voice=hold.voice, seconds=reading_time(hold.text))
        return HoldPrelude()

    def sound(self, hold: Hold | None) -> HoldSound:
        """Return what is played into the stream until the agent speaks."""
        return self._without_hold if hold is None else self._sounds[_key(hold)]


def _key(hold: Hold) -> _Key:
    played = hold.recordings
    audio = hold.audio if hold.audio in played else None
    music = hold.music if hold.music in played else None
    return hold.strategy, audio, music


def _read(file: Path) -> Recording:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise HoldMediaError(f"The hold recording {file} cannot be read: {error.strerror}.") from None
    return Recording(
        name=file.name,
        sha256=hashlib.sha256(content).hexdigest(),
        content_type=MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream"),
        content=content,
    )


def _decoded(file: Path, recording: Recording) -> Samples:
    try:
        samples = decode(recording.content)
    except UndecodableError as error:
        raise HoldMediaError(
            f"The hold recording {file} {error}.", hint="Save it as MP3 or as WAV (PCM), mono."
        ) from None
    if not samples.any():
        _log.warning("silent_hold_recording", file=recording.name)
    return samples


def announced(prelude: HoldPrelude, words: str | None, speaker: SayVoice) -> HoldPrelude:
    """Return the prelude with an announcement before it, if there is one."""
    if words is None:
        return prelude
    seconds = prelude.seconds + reading_time(words)
    return replace(prelude, announcement=words, speaker=speaker, seconds=seconds)


def reading_time(text: str) -> float:
    """Return about how long a text takes to read, in seconds: rather too long than too short."""
    return len(text) / READING_SPEED + LONGEST_BREAK * text.count("<break")
