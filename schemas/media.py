"""Hold media: finds out what a file really is, whatever its name says."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

MAX_MEDIA_BYTES = 10_000_000
LONGEST_PLAYED = 600
"""Seconds of a file that are played; nobody is kept waiting for longer."""
SHORTEST_LOOP = 0.5
"""Seconds that music must have: repeated more often it is a buzz."""

_WAV_PCM = 1
_WAV_MULAW = 7
_WAV_EXTENSIBLE = 0xFFFE

# MPEG 1 layer III and MPEG 2/2.5 layer III; index 0 (free) and 15 are not allowed here. kbit/s.
_MP3_BITRATES = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MP3_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MP3_SEARCH_BYTES = 65_536
# Rates beyond these, in Hz, are no rates of recordings but damage.
_SAMPLE_RATES = range(4_000, 192_001)


class MediaProblem(Exception):
    """A media file that cannot be used; the text says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class MediaForm:
    """What a media file holds: `sample_rate` in Hz, and how many `seconds` it plays."""

    encoding: Literal["pcm", "mulaw", "mp3"]
    sample_rate: int
    seconds: float


def inspect_media(path: Path) -> MediaForm:
    """Return the form of a hold recording, judged by its content.

    Raises:
        FileNotFoundError: there is no such file.
        MediaProblem: it cannot be read, or is not mono MP3 or WAV (PCM or µ-law) of at most 10 MB.
    """
    try:
        if path.exists() and not path.is_file():
            raise MediaProblem("is not a file")
        if path.stat().st_size > MAX_MEDIA_BYTES:
            raise MediaProblem(f"is larger than {MAX_MEDIA_BYTES // 1_000_000} MB")
        with path.open("rb") as file:
            return _inspect(file)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise MediaProblem(f"cannot be read: {error.strerror}") from None


def _inspect(file: BinaryIO) -> MediaForm:
    head = file.read(12)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return _inspect_wav(file)
    file.seek(_id3_size(head))
    form = _inspect_mp3(file.read(MAX_MEDIA_BYTES))
    if form is None:
        raise MediaProblem("is neither MP3 nor WAV")
    return form


def _inspect_wav(file: BinaryIO) -> MediaForm:
    """Read the chunks of a RIFF file up to the samples."""
    form: _WavForm | None = None
    while len(header := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", header)
        if name == b"data":
            if form is None:
                break
            # Programs that write into a pipe give sizes that are too large: what counts is what is there.
            samples = len(file.read(size)) // form.frame_bytes
            if samples == 0:
                raise MediaProblem("has no samples")
            return MediaForm(form.encoding, form.sample_rate, samples / form.sample_rate)
        if name == b"fmt ":
            form = _wav_form(file.read(size + size % 2))
        else:
            file.seek(size + size % 2, 1)
    raise MediaProblem("is a damaged WAV file")


@dataclass(frozen=True, slots=True)
class _WavForm:
    encoding: Literal["pcm", "mulaw"]
    sample_rate: int
    frame_bytes: int


def _wav_form(chunk: bytes) -> _WavForm:
    if len(chunk) < 16:
        raise MediaProblem("is a damaged WAV file")
    tag, channels, sample_rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _WAV_EXTENSIBLE and len(chunk) >= 26:
        (tag,) = struct.unpack_from("<H", chunk, 24)
    if channels != 1:
        raise MediaProblem(f"has {channels} channels; hold media is mono")
    if sample_rate not in _SAMPLE_RATES:
        raise MediaProblem(f"has {sample_rate} samples a second, which nothing plays")
    if tag == _WAV_MULAW and bits == 8:
        return _WavForm("mulaw", sample_rate, 1)
    if tag == _WAV_PCM and bits in (8, 16, 24, 32):
        return _WavForm("pcm", sample_rate, bits // 8)
    raise MediaProblem(f"is WAV with encoding {tag} at {bits} bits; use PCM or 8-bit µ-law")


def _id3_size(head: bytes) -> int:
    """Return how many bytes of ID3v2 tag come before the audio; its size has 7 bits to a byte."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _inspect_mp3(audio: bytes) -> MediaForm | None:
    """Find the first frame that is followed by another one, which random bytes seldom are."""
    start = audio.find(b"\xff", 0, _MP3_SEARCH_BYTES)
    while start != -1:
        frame = _mp3_frame(audio, start)
        if frame is not None and (follower := _mp3_frame(audio, start + frame.size)) is not None:
            if not (frame.mono and follower.mono):
                raise MediaProblem("is stereo; hold media is mono")
            return MediaForm("mp3", frame.sample_rate, _mp3_seconds(audio, start))
        start = audio.find(b"\xff", start + 1, _MP3_SEARCH_BYTES)
    return None


def _mp3_seconds(audio: bytes, start: int) -> float:
    """Return how long the frames play that follow each other from `start`."""
    seconds = 0.0
    while (frame := _mp3_frame(audio, start)) is not None:
        seconds += frame.seconds
        start += frame.size
    return seconds


@dataclass(frozen=True, slots=True)
class _Mp3Frame:
    size: int
    sample_rate: int
    seconds: float
    mono: bool


def _mp3_frame(audio: bytes, start: int) -> _Mp3Frame | None:
    """Read an MPEG layer III frame header: 11 sync bits, version, layer, bit rate, sample rate, channels."""
    if len(audio) < start + 4:
        return None
    (bits,) = struct.unpack_from(">I", audio, start)
    version, layer = bits >> 19 & 3, bits >> 17 & 3
    bitrate_index, rate_index, padding = bits >> 12 & 15, bits >> 10 & 3, bits >> 9 & 1
    if bits >> 21 != 0x7FF or version == 1 or layer != 1 or bitrate_index in (0, 15) or rate_index == 3:
        return None
    is_mpeg1 = version == 3
    sample_rate = _MP3_SAMPLE_RATES[version][rate_index]
    bitrate = _MP3_BITRATES[is_mpeg1][bitrate_index] * 1000
    size = (144 if is_mpeg1 else 72) * bitrate // sample_rate + padding
    samples = 1152 if is_mpeg1 else 576
    return _Mp3Frame(size, sample_rate, samples / sample_rate, mono=bits >> 6 & 3 == 3)
