"""Hold media: judged by content, not by name."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from schemas.media import MAX_MEDIA_BYTES, MediaForm, MediaProblem, inspect_media
from tests.schemas.fleets import Folder, mp3, wav

MP3_SECONDS = 3 * 1152 / 44100
ID3 = b"ID3\x04\x00\x00" + bytes([0, 0, 1, 0]) + bytes(128)


def chunked(first: bytes) -> bytes:
    """Return a WAV file with another chunk of odd size before its format."""
    whole = wav()
    return whole[:12] + first + struct.pack("<I", 3) + b"abc\0" + whole[12:]


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (wav(), MediaForm("mulaw", 8000, 1.0)),
        (wav(tag=1, bits=16), MediaForm("pcm", 8000, 0.5)),
        (chunked(b"LIST"), MediaForm("mulaw", 8000, 1.0)),
        (wav()[:4044], MediaForm("mulaw", 8000, 0.5)),
        (mp3(), MediaForm("mp3", 44100, MP3_SECONDS)),
        (mp3(tag=ID3), MediaForm("mp3", 44100, MP3_SECONDS)),
        (mp3(tag=b"\xff\xfb\xff\xff"), MediaForm("mp3", 44100, MP3_SECONDS)),
    ],
    ids=["µ-law", "pcm", "odd chunk", "cut off", "mp3", "mp3 with a tag", "mp3 after noise"],
)
def test_mono_wav_and_mp3_are_known_by_their_content(tmp_path: Path, content: bytes, form: MediaForm) -> None:
    (tmp_path / "hold.bin").write_bytes(content)
    found = inspect_media(tmp_path / "hold.bin")
    assert (found.encoding, found.sample_rate) == (form.encoding, form.sample_rate)
    assert found.seconds == pytest.approx(form.seconds)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (wav(channels=2), "has 2 channels"),
        (mp3(mono=False), "is stereo"),
        (wav(tag=6), "is WAV with encoding 6"),
        (wav(tag=3, bits=32), "is WAV with encoding 3"),
        (wav(samples=b""), "has no samples"),
        (
            wav().replace(struct.pack("<I", 8000), struct.pack("<I", 3_000_000), 1),
            "has 3000000 samples a second",
        ),
        (wav()[:20], "is a damaged WAV file"),
        (wav()[:12], "is a damaged WAV file"),
        (b"", "is neither MP3 nor WAV"),
        (b"hello, world " * 100, "is neither MP3 nor WAV"),
        (b"\xff" * 5000, "is neither MP3 nor WAV"),
        (mp3()[:417], "is neither MP3 nor WAV"),
    ],
)
def test_any_other_content_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "hold.wav").write_bytes(content)
    with pytest.raises(MediaProblem, match=problem):
        inspect_media(tmp_path / "hold.wav")


def test_a_file_over_10_mb_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "hold.wav").open("wb") as file:
        file.write(wav())
        file.truncate(MAX_MEDIA_BYTES + 1)
    with pytest.raises(MediaProblem, match="larger than 10 MB"):
        inspect_media(tmp_path / "hold.wav")


def test_media_are_found_from_the_file_that_names_them(folder: Folder) -> None:
    (folder.path / "sub").mkdir()
    (folder.path / "sub" / "hold.wav").write_bytes(wav())
    folder.write("{kind: Hold, name: x, strategy: music, music: hold.wav}", "sub/hold.yaml")
    assert folder.fleet().holds["x"].music == folder.path / "sub" / "hold.wav"


def test_music_that_is_too_short_to_be_repeated_is_refused_and_a_short_recording_is_not(
    folder: Folder,
) -> None:
    (folder.path / "click.wav").write_bytes(wav(samples=b"\xff" * 800))
    folder.write("kind: Hold\nname: x\nstrategy: audio_then_music\naudio: click.wav\nmusic: click.wav\n")
    (finding,) = folder.findings()
    assert finding.startswith("fleet.yaml:5:8 TM051")
    assert finding.endswith("lasts 0.10 s; music is repeated, and 0.5 s is the least")


def test_media_that_is_longer_than_anybody_waits_is_warned_of(folder: Folder) -> None:
    (folder.path / "opera.wav").write_bytes(wav(samples=b"\xff" * 8000 * 700))
    folder.write("kind: Hold\nname: x\nstrategy: music\nmusic: opera.wav\n")
    (finding,) = folder.findings()
    assert finding.startswith("fleet.yaml:4:8 TM052")
    assert finding.endswith("lasts 12 minutes; the first 10 are kept in memory and played")
    assert folder.fleet().holds


def test_missing_and_unfit_media_are_errors_at_their_places(folder: Folder) -> None:
    (folder.path / "stereo.wav").write_bytes(wav(channels=2))
    folder.write("kind: Hold\nname: x\nstrategy: audio_then_music\naudio: gone.mp3\nmusic: stereo.wav\n")
    missing, stereo = folder.findings()
    assert missing.startswith("fleet.yaml:4:8 TM050 there is no file")
    assert stereo.startswith("fleet.yaml:5:8 TM051")
    assert stereo.endswith("has 2 channels; hold media is mono")
