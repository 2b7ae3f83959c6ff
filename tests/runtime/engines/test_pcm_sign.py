"""PCM that is sent where µ-law was agreed is known by its bytes; µ-law is never taken for it."""

from __future__ import annotations

import base64
import json

import pytest

from runtime.audio.ulaw import from_linear
from runtime.audio.wideband import Widener
from runtime.call import events as ev
from runtime.engines.pcm_sign import ENOUGH, JUDGED, PcmSign, looks_like_pcm
from runtime.engines.realtime import RealtimeEngine
from runtime.engines.realtime_session import RealtimeSettings
from sandbox.speech import clip

CLIPS = ("agent-greeting-bistro", "agent-hours", "agent-menu", "caller-yes", "caller-opening-hours")


def pieces(audio: bytes, size: int = ENOUGH) -> list[bytes]:
    return [audio[at : at + size] for at in range(0, len(audio) - size, size)]


@pytest.mark.parametrize("name", CLIPS)
def test_speech_in_mu_law_is_never_taken_for_pcm(name: str) -> None:
    assert not any(looks_like_pcm(piece) for piece in pieces(clip(name).ulaw))


@pytest.mark.parametrize("name", CLIPS)
def test_speech_in_pcm_is_known_within_its_first_second(name: str) -> None:
    sign = PcmSign()
    assert any(sign.feed(piece) for piece in pieces(Widener().feed(clip(name).ulaw)[:48_000], 960))
    assert sign.over


def test_silence_is_known_in_both_forms() -> None:
    assert looks_like_pcm(bytes(ENOUGH))
    assert not looks_like_pcm(b"\xff" * ENOUGH)
    assert not looks_like_pcm(b"\x7f\xff" * ENOUGH)


def test_mu_law_at_full_volume_is_no_pcm() -> None:
    assert not looks_like_pcm(from_linear(b"\xff\x7f\x00\x80" * ENOUGH))
    assert not looks_like_pcm(b"\x00\x00\x80\x80" * ENOUGH)


def test_a_session_that_has_sent_a_second_of_mu_law_is_believed() -> None:
    sign = PcmSign()
    for piece in pieces(clip("agent-hours").ulaw)[: JUDGED // ENOUGH]:
        assert not sign.over
        assert not sign.feed(piece)
    assert sign.over


@pytest.mark.parametrize("first", [0, 101])
def test_a_model_that_sends_pcm_where_mu_law_was_agreed_is_converted_from_its_first_words(first: int) -> None:
    engine = RealtimeEngine(RealtimeSettings("Be kind."))
    wide = Widener().feed(clip("agent-hours").ulaw)
    heard = 0
    for piece in (wide[:first], *pieces(wide[first:], 4801)):
        delta = {"type": "response.output_audio.delta", "item_id": "i", "response_id": "r"}
        event = engine.decode(json.dumps({**delta, "delta": base64.b64encode(piece).decode()}))
        assert isinstance(event, ev.ModelAudio)
        heard += len(base64.b64decode(event.payload))
    assert heard == pytest.approx(len(wide) / 6, abs=4801 / 6 + first)
