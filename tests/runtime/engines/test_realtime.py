"""Realtime messages, read and written."""

from __future__ import annotations

import base64
import json
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.call import events as ev
from runtime.call.actions import (
    ConfigureModel,
    HearCaller,
    Respond,
)
from runtime.call.usage import Usage
from runtime.engines.realtime import RealtimeEngine
from runtime.engines.realtime_session import RealtimeSettings
from schemas.voice import SemanticVad, ServerVad
from tests.sandbox.model.oracle import judge_client_event

ENGINE = RealtimeEngine(
    RealtimeSettings("Be kind.", voice="cedar", turn_detection=ServerVad(silence_duration_ms=400))
)


def read(**event: object) -> ev.ModelEvent | None:
    return ENGINE.decode(json.dumps({"event_id": "event_1", **event}).encode())


def updated(
    input_type: str = "audio/pcmu", output_type: str = "audio/pcmu", voice: object = "cedar"
) -> dict[str, object]:
    audio = {
        "input": {"format": {"type": input_type, "rate": 8000}},
        "output": {"format": {"type": output_type}, "voice": voice, "speed": 1.0},
    }
    return {"type": "session.updated", "session": {"type": "realtime", "id": "sess_1", "audio": audio}}


def failed(code: str) -> dict[str, object]:
    details = {"type": "failed", "error": {"type": "server_error", "code": code, "message": "m"}}
    return {"type": "response.done", "response": {"id": "r1", "status": "failed", "status_details": details}}


def error(code: str, event_id: str | None = None) -> dict[str, object]:
    fields = {
        "type": "invalid_request_error",
        "code": code,
        "message": "m",
        "param": None,
        "event_id": event_id,
    }
    return {"type": "error", "error": fields}


ITEM = {"response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 0}
CALL = {"type": "function_call", "id": "i2", "call_id": "c1", "name": "hang_up", "arguments": "{}"}


@pytest.mark.parametrize(
    ("event", "meaning"),
    [
        ({"type": "session.created", "session": {"type": "realtime"}}, ev.ModelConnected()),
        ({"type": "response.output_audio.delta", **ITEM, "delta": "//9/"}, ev.ModelAudio("r1", "i1", "//9/")),
        ({"type": "response.output_audio.done", **ITEM}, ev.ModelAudioDone("i1")),
        (
            {"type": "response.output_audio_transcript.delta", **ITEM, "delta": "Hi"},
            ev.ModelWords("i1", "Hi"),
        ),
        (
            {"type": "response.output_audio_transcript.done", **ITEM, "transcript": "Hi."},
            ev.ModelWordsDone("i1", "Hi."),
        ),
        (
            {"type": "input_audio_buffer.speech_started", "item_id": "i3", "audio_start_ms": 320},
            ev.CallerSpeechStarted("i3", 320),
        ),
        (
            {"type": "input_audio_buffer.speech_stopped", "item_id": "i3", "audio_end_ms": 1320},
            ev.CallerSpeechStopped("i3", 1320),
        ),
        (
            {
                "type": "conversation.item.input_audio_transcription.delta",
                "item_id": "i3",
                "content_index": 0,
                "delta": "Hello",
            },
            ev.CallerWordsHeard("i3", "Hello"),
        ),
        (
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": "i3",
                "content_index": 0,
                "transcript": "Hello.",
                "usage": {"type": "duration", "seconds": 1},
            },
            ev.CallerWords("i3", "Hello.", Usage(transcribed_seconds=1.0)),
        ),
        (
            {"type": "response.created", "response": {"id": "r1", "status": "in_progress"}},
            ev.ResponseStarted("r1"),
        ),
        (
            {
                "type": "response.done",
                "response": {"id": "r1", "status": "completed", "status_details": None},
            },
            ev.ResponseEnded("r1", "completed"),
        ),
        (
            {
                "type": "response.done",
                "response": {
                    "id": "r1",
                    "status": "cancelled",
                    "status_details": {"type": "cancelled", "reason": "turn_detected"},
                },
            },
            ev.ResponseEnded("r1", "cancelled", "turn_detected"),
        ),
        (
            {
                "type": "response.output_item.done",
                "response_id": "r1",
                "item": {**CALL, "status": "completed"},
            },
            ev.ToolRequested("r1", "c1", "hang_up", "{}"),
        ),
        (
            {
                "type": "response.output_item.done",
                "response_id": "r1",
                "item": {**CALL, "status": "incomplete"},
            },
            ev.ModelWorks(),
        ),
        (
            {"type": "response.output_item.done", "response_id": "r1", "item": {"type": "message"}},
            ev.ModelWorks(),
        ),
        ({"type": "rate_limits.updated", "rate_limits": []}, None),
        ({"type": "something.new", "delta": {"of": "another form"}}, None),
    ],
)
def test_what_each_event_means(event: dict[str, object], meaning: ev.ModelEvent | None) -> None:
    assert read(**event) == meaning


def test_the_echo_that_was_asked_for_matches() -> None:
    assert read(**updated()) == ev.ModelConfigured(True)


@pytest.mark.parametrize(
    "echo",
    [
        updated(input_type="audio/pcm"),
        updated(output_type="audio/pcm"),
        updated(voice="marin"),
        {"type": "session.updated", "session": {"type": "realtime"}},
        {"type": "session.updated"},
    ],
)
def test_an_echo_of_another_form_does_not_match(echo: dict[str, object]) -> None:
    meaning = read(**echo)
    assert isinstance(meaning, ev.ModelConfigured)
    assert not meaning.matches


def pcm_session(rate: int = 24_000) -> dict[str, object]:
    way = {"format": {"type": "audio/pcm", "rate": rate}}
    return {"audio": {"input": way, "output": way}}


def wide_session() -> RealtimeEngine:
    """A codec whose model has answered twice that it speaks 24 kHz PCM."""
    engine = RealtimeEngine(RealtimeSettings("Be kind."))
    for understood in (False, True):
        engine.encode(ConfigureModel())
        echo = engine.decode(json.dumps({"type": "session.updated", "session": pcm_session()}))
        assert isinstance(echo, ev.ModelConfigured)
        assert echo.matches is understood
    return engine


def test_a_model_that_insists_on_pcm_is_given_and_taken_pcm() -> None:
    engine = wide_session()
    sent = json.loads(engine.encode(HearCaller(base64.b64encode(b"\xff" * 160).decode())))
    assert base64.b64decode(sent["audio"]) == bytes(960)
    heard = b""
    for piece in (bytes(1001), bytes(919)):  # an odd byte at the end of a delta belongs to the next sample
        delta = base64.b64encode(piece).decode()
        event = engine.decode(
            json.dumps(
                {"type": "response.output_audio.delta", "item_id": "i1", "response_id": "r1", "delta": delta}
            )
        )
        assert isinstance(event, ev.ModelAudio)
        heard += base64.b64decode(event.payload)
    assert len(heard) == 320
    assert set(heard) <= {0xFF, 0x7F}


def test_another_session_of_the_same_agent_begins_without_a_conversion() -> None:
    fresh = wide_session().fresh()
    assert fresh.encode(HearCaller("AQID")) == '{"type":"input_audio_buffer.append","audio":"AQID"}'


def test_pcm_of_another_rate_is_refused_however_often_it_is_echoed() -> None:
    engine = RealtimeEngine(RealtimeSettings("Be kind."))
    for _ in range(3):
        engine.encode(ConfigureModel())
        echo = engine.decode(json.dumps({"type": "session.updated", "session": pcm_session(16_000)}))
        assert echo == ev.ModelConfigured(False, "input format is audio/pcm at 16000 Hz, not audio/pcmu")


def test_the_end_of_a_session_is_read_from_the_echo() -> None:
    session = {"expires_at": 1_790_003_600, **pcm_session()}
    echo = ENGINE.decode(json.dumps({"type": "session.updated", "session": session}))
    assert isinstance(echo, ev.ModelConfigured)
    assert echo.expires_at == 1_790_003_600


def test_a_configuration_that_is_refused_does_not_match() -> None:
    assert read(**error("invalid_value", "tm-configure")) == ev.ModelConfigured(False, "invalid_value: m")


def test_an_expired_session_is_lost_and_can_be_replaced() -> None:
    assert read(**error("session_expired")) == ev.ModelLost("session_expired")


@pytest.mark.parametrize(
    "code",
    [
        "account_deactivated",
        "billing_hard_limit_reached",
        "credit_balance_exhausted",
        "insufficient_quota",
        "invalid_api_key",
    ],
)
def test_errors_after_which_nothing_helps_are_fatal(code: str) -> None:
    assert read(**error(code)) == ev.ModelProblem(code, "m", fatal=True)
    assert read(**failed(code)) == ev.ResponseEnded("r1", "failed", None, code, fatal=True)


@pytest.mark.parametrize(
    "code", ["response_cancel_not_active", "input_audio_buffer_commit_empty", "no_such_code"]
)
def test_other_errors_are_not(code: str) -> None:
    assert read(**error(code)) == ev.ModelProblem(code, "m")


def test_a_request_to_speak_that_is_refused_is_known_by_its_id_or_its_code() -> None:
    assert read(**error("invalid_value", "tm-respond")) == ev.RequestRefused("invalid_value", "m")
    code = "conversation_already_has_active_response"
    assert read(**error(code)) == ev.RequestRefused(code, "m")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"type":7}',
        b'{"type":"response.output_audio.delta","delta":{}}',
        b"\xff",
    ],
)
def test_a_malformed_event_is_a_harmless_problem(message: bytes) -> None:
    meaning = ENGINE.decode(message)
    assert isinstance(meaning, ev.ModelProblem)
    assert meaning.code == "malformed_event"
    assert not meaning.fatal


@given(st.one_of(st.text(), st.binary()))
def test_nothing_makes_the_codec_raise(message: str | bytes) -> None:
    ENGINE.decode(message)


def test_the_session_speaks_the_telephones_format_both_ways() -> None:
    session = cast("dict[str, dict[str, dict[str, object]]]", ENGINE.session_update()["session"])
    assert session["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert session["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "cedar"}
    assert session["audio"]["input"]["transcription"] == {"model": "gpt-transcribe"}
    assert session["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 400,
        "create_response": True,
        "interrupt_response": True,
    }


def test_an_agent_that_is_not_simply_interrupted_decides_itself_when_it_stops_and_answers() -> None:
    settings = RealtimeSettings("Be kind.", turn_detection=SemanticVad(eagerness="low"), acts_on_speech=False)
    assert configured(settings)["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "low",
        "create_response": False,
        "interrupt_response": False,
    }
    capabilities = RealtimeEngine(settings).capabilities
    assert not capabilities.cancels_on_speech
    assert not capabilities.answers_on_pause


def test_speed_and_noise_reduction_are_asked_for_only_where_they_are_declared() -> None:
    audio = configured(RealtimeSettings("Be kind.", noise_reduction="near_field", speed=1.2))
    assert audio["input"]["noise_reduction"] == {"type": "near_field"}
    assert audio["output"]["speed"] == 1.2
    plain = configured(RealtimeSettings("Be kind."))
    assert "noise_reduction" not in plain["input"]
    assert "speed" not in plain["output"]


def configured(settings: RealtimeSettings) -> dict[str, dict[str, object]]:
    """Return the audio part of what the settings ask for, once it has passed the strict types."""
    event = json.loads(RealtimeEngine(settings).encode(ConfigureModel()))
    judge_client_event(event)
    audio: dict[str, dict[str, object]] = event["session"]["audio"]
    return audio


@pytest.mark.parametrize(
    ("turns", "matches"),
    [
        ({"type": "server_vad", "create_response": True, "interrupt_response": True}, True),
        ({"type": "server_vad"}, True),
        ({"type": "server_vad", "create_response": True, "interrupt_response": False}, False),
        ({"type": "semantic_vad"}, False),
        (None, False),
    ],
)
def test_an_echo_with_another_turn_detection_does_not_match(
    turns: dict[str, object] | None, matches: bool
) -> None:
    echo = updated()
    audio = cast("dict[str, dict[str, dict[str, object]]]", echo["session"])["audio"]
    audio["input"]["turn_detection"] = turns
    meaning = read(**echo)
    assert isinstance(meaning, ev.ModelConfigured)
    assert meaning.matches == matches


def test_a_custom_voice_is_named_by_its_id() -> None:
    engine = RealtimeEngine(RealtimeSettings("Be kind.", voice="voice_123", language="de"))
    sent = json.loads(engine.encode(ConfigureModel()))["session"]["audio"]
    assert sent["output"]["voice"] == {"id": "voice_123"}
    assert sent["input"]["transcription"]["language"] == "de"
    echo = json.dumps(updated(voice={"id": "voice_123"}))
    assert engine.decode(echo) == ev.ModelConfigured(True)


def test_a_greeting_is_asked_for_word_for_word() -> None:
    sent = json.loads(ENGINE.encode(Respond(say="Good evening, this is the Harbour Bistro.")))
    assert "Good evening, this is the Harbour Bistro." in sent["response"]["instructions"]


def test_an_event_that_is_nested_without_end_is_a_problem_and_no_crash() -> None:
    problem = ENGINE.decode(b'{"type": "x", "more": ' + b"[" * 100_000)
    assert isinstance(problem, ev.ModelProblem)
    assert problem.code == "malformed_event"


def test_a_custom_voice_is_known_by_its_id_whatever_else_the_echo_tells_of_it() -> None:
    engine = RealtimeEngine(RealtimeSettings("Be kind.", voice="voice_1"))
    for echo, matches in (({"id": "voice_1", "name": None, "rate": 1}, True), ({"id": "voice_2"}, False)):
        configured = engine.decode(json.dumps(updated(voice=echo)).encode())
        assert isinstance(configured, ev.ModelConfigured)
        assert configured.matches is matches
