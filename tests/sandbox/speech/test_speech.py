"""The clips are healthy, small, told from each other, and understood only when untouched."""

from __future__ import annotations

import io
import itertools
import struct
import wave
from pathlib import Path

import pytest

from sandbox.speech import LINES, Clip, clip, clips, find_similar, find_spoken, is_speech, ulaw
from sandbox.speech.library import FOLDER
from sandbox.speech.music import LOOP_SECONDS, RATE, hold_music

FRAME = 160
MEDIA = Path(__file__).parents[3] / "agents.d" / "media"


def names(found: tuple[Clip, ...]) -> list[str]:
    return [spoken.name for spoken in found]


def frames(audio: bytes) -> list[bytes]:
    return [audio[at : at + FRAME] for at in range(0, len(audio), FRAME)]


def test_every_line_has_a_clip_with_its_text_and_speaker() -> None:
    assert [(c.name, c.text, c.speaker) for c in clips()] == [(n.name, n.text, n.speaker) for n in LINES]


def test_all_clips_together_are_under_two_megabytes() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.wav")) < 2_000_000


@pytest.mark.parametrize("spoken", clips(), ids=lambda c: c.name)
def test_a_clip_is_loud_and_begins_at_once(spoken: Clip) -> None:
    speech = [is_speech(frame) for frame in frames(spoken.ulaw)]
    assert speech.index(True) * 20 <= 200  # an initial s or h is quiet
    assert speech[::-1].index(True) * 20 <= 200
    peak = max(abs(sample[0]) for sample in struct.iter_unpack("<h", ulaw.to_pcm(spoken.ulaw)))
    assert 0.5 * 32767 < peak < 0.8 * 32767


@pytest.mark.parametrize("spoken", clips(), ids=lambda c: c.name)
def test_a_clip_is_found_in_other_audio_and_is_not_mistaken_for_another(spoken: Clip) -> None:
    around = ulaw.silence(313)
    assert names(find_spoken(around + spoken.ulaw + around)) == [spoken.name]


def test_clips_are_found_in_the_order_in_which_they_were_spoken() -> None:
    audio = clip("caller-thanks-goodbye").ulaw + ulaw.silence(500) + clip("caller-book-table").ulaw
    assert names(find_spoken(audio)) == ["caller-thanks-goodbye", "caller-book-table"]


def converted(audio: bytes) -> bytes:
    """The same audio as after a conversion: a little filtered, a little quieter, 7 ms late."""
    samples = [sample[0] for sample in struct.iter_unpack("<h", ulaw.to_pcm(ulaw.silence(7) + audio))]
    smooth = [(a + 6 * b + c) // 9 for a, b, c in zip(samples, samples[1:], samples[2:], strict=False)]
    return ulaw.from_pcm(struct.pack(f"<{len(smooth)}h", *smooth))


CALLER_CLIPS = [spoken for spoken in clips() if spoken.speaker == "caller"]


@pytest.mark.parametrize("spoken", CALLER_CLIPS, ids=lambda c: c.name)
def test_converted_audio_is_not_understood_but_can_be_guessed(spoken: Clip) -> None:
    audio = converted(ulaw.silence(300) + spoken.ulaw + ulaw.silence(500))
    assert find_spoken(audio) == ()
    assert find_similar(audio) == spoken


@pytest.mark.parametrize(
    "audio",
    [
        b"",
        ulaw.silence(500),
        bytes(range(64)) * 200,
        clip("agent-hours").ulaw,
        clip("caller-menu").ulaw[:4000],
    ],
    ids=["nothing", "silence", "hum", "another voice", "half a line"],
)
def test_what_resembles_no_line_is_not_guessed(audio: bytes) -> None:
    assert find_similar(audio) is None


def test_silence_is_not_speech() -> None:
    assert not is_speech(ulaw.silence(20))
    assert not is_speech(b"\x7f" * FRAME)
    assert not is_speech(b"")


def test_an_unknown_clip_names_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"caller-boo.*caller-book-table"):
        clip("caller-boo")


def test_a_wav_file_gives_back_what_was_put_in() -> None:
    assert ulaw.from_wav(ulaw.to_wav(b"\x01\x02\x03")) == b"\x01\x02\x03"


@pytest.mark.parametrize(
    ("wav", "complaint"),
    [
        (b"ID3 an mp3 file", "not a WAV file"),
        (ulaw.to_wav(bytes(20), channels=2), "2 channels"),
    ],
)
def test_a_file_of_another_form_is_refused(wav: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ulaw.from_wav(wav)


def test_the_committed_music_is_the_music_that_the_code_makes() -> None:
    with wave.open(io.BytesIO((MEDIA / "hold-music.wav").read_bytes())) as music:
        assert (music.getframerate(), music.getnchannels(), music.getsampwidth()) == (RATE, 1, 2)
        committed = struct.iter_unpack("<h", music.readframes(music.getnframes()))
    made = struct.iter_unpack("<h", hold_music())
    # One step of difference: the sine of another C library may round the other way.
    assert all(abs(a - b) <= 1 for (a,), (b,) in zip(committed, made, strict=True))


def test_the_music_loops_without_a_seam() -> None:
    samples = [sample[0] for sample in struct.iter_unpack("<h", hold_music())]
    assert len(samples) == LOOP_SECONDS * RATE
    largest_step = max(abs(b - a) for a, b in itertools.pairwise(samples))
    assert abs(samples[0] - samples[-1]) <= largest_step
