"""What callers hear of media files and of words without a voice."""

from __future__ import annotations

import io
import wave

import pytest

from sandbox.network.media_files import media_audio, spoken_words
from sandbox.speech import clip, is_speech
from sandbox.speech.ulaw import to_wav


def _pcm_wav(*, rate: int, channels: int, seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"\x00\x10" * int(rate * channels * seconds))
    return file.getvalue()


def test_a_ulaw_file_is_heard_byte_for_byte() -> None:
    assert media_audio(to_wav(clip("agent-hello").ulaw)) == clip("agent-hello").ulaw


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 2), (24_000, 1)])
def test_a_pcm_file_lasts_as_long_as_it_does(rate: int, channels: int) -> None:
    audio = media_audio(_pcm_wav(rate=rate, channels=channels, seconds=0.5))
    assert abs(len(audio) - 4000) <= 8


def test_a_format_that_is_not_decoded_is_a_hum_of_about_its_length() -> None:
    audio = media_audio(b"ID3" + bytes(16_000))
    assert len(audio) == 1000 * 8
    assert is_speech(audio[:160])


def test_known_words_have_their_voice_and_others_a_hum() -> None:
    assert spoken_words("Hello! How can I help you?") == clip("agent-hello").ulaw
    assert len(spoken_words("x" * 50)) == 50 * 60 * 8
