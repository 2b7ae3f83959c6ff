"""ConversationRelay's messages: what they mean, what is refused, and what is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.call.events import BadFrame, KeyPressed, StreamStarted
from runtime.call.text.relay_steps import (
    AgentSounds,
    CallerSounds,
    CarrierEvent,
    Complaint,
    EndRelay,
    Interrupted,
    PlayHold,
    Prompted,
    SendKeys,
    SpeakLanguage,
    SpeakText,
    ToCarrier,
)
from runtime.legs.conversation_relay import decode, encode
from runtime.legs.relay_outcome import HandOff, SessionOutcome
from runtime.signature import Parameters
from sandbox.network import relay_wire


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"type": "setup", "sessionId": "VX1", "callSid": "CA1", "new": [1]}, StreamStarted("VX1", "CA1")),
        (
            {"type": "prompt", "voicePrompt": " A table ", "lang": "en-US", "last": False},
            Prompted("A table", last=False),
        ),
        ({"type": "prompt", "voicePrompt": "Two.", "last": True}, Prompted("Two.", last=True)),
        ({"type": "dtmf", "digit": "#"}, KeyPressed("#")),
        (
            {"type": "interrupt", "utteranceUntilInterrupt": "Life is", "durationUntilInterruptMs": 460},
            Interrupted("Life is", 460),
        ),
        ({"type": "info", "name": "agentSpeaking", "value": "off"}, AgentSounds(speaking=False)),
        ({"type": "info", "name": "clientSpeaking", "value": "on"}, CallerSounds(speaking=True)),
        ({"type": "info", "name": "roundTripDelayMs", "value": "148"}, None),
        ({"type": "error", "description": "Invalid message"}, Complaint("Invalid message")),
    ],
)
def test_what_twilio_tells_is_understood(message: dict[str, Any], event: CarrierEvent | None) -> None:
    assert decode(json.dumps(message)) == event


@pytest.mark.parametrize(
    "message",
    [
        b"{}",
        "",
        "[]",
        "null",
        '{"type": "setup"}',
        '{"type": "setup", "sessionId": "", "callSid": "CA1"}',
        '{"type": "prompt", "voicePrompt": 7}',
        '{"type": "dtmf", "digit": "12"}',
        '{"type": "interrupt", "durationUntilInterruptMs": "soon"}',
        '{"type": "news"}',
    ],
)
def test_what_is_no_message_is_counted_and_harms_nothing(message: str | bytes) -> None:
    assert isinstance(decode(message), BadFrame)


@given(st.text() | st.binary())
def test_nothing_that_comes_raises(message: str | bytes) -> None:
    decode(message)


@given(st.text(), st.booleans())
def test_whatever_the_agent_writes_arrives_as_it_is(token: str, last: bool) -> None:
    token = token.encode(errors="ignore").decode()
    written = encode(SpeakText(token, last))
    assert written is not None
    assert relay_wire.read_message(written) == relay_wire.Text(token, last)


def test_keys_are_written_as_far_as_twilio_takes_them() -> None:
    written = encode(SendKeys("1W2 A#"))
    assert written is not None
    assert relay_wire.read_message(written) == relay_wire.SendDigits("1w2#")
    assert encode(SendKeys("AB")) is None


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            PlayHold("https://a.example/hold.wav", 0),
            relay_wire.Play("https://a.example/hold.wav", 0, preemptible=True),
        ),
        (SpeakLanguage("de-DE"), relay_wire.SwitchLanguage("de-DE", "de-DE")),
        (EndRelay(), relay_wire.End('{"reason":"hang_up"}')),
        (EndRelay("Goodbye."), relay_wire.End('{"reason":"farewell"}')),
        (EndRelay(away=True), relay_wire.End('{"reason":"away"}')),
    ],
)
def test_what_is_asked_of_twilio_is_a_message_that_it_knows(
    action: ToCarrier, message: relay_wire.FromApp
) -> None:
    written = encode(action)
    assert written is not None
    assert relay_wire.read_message(written) == message


def outcome(**parameters: str) -> SessionOutcome | None:
    return SessionOutcome.read(Parameters(parameters))


def test_why_a_session_was_ended_comes_back_with_the_question_what_follows() -> None:
    assert outcome(CallStatus="in-progress") is None
    assert outcome(SessionStatus="ended", HandoffData="somebody else's") == SessionOutcome("ended")
    ended = outcome(SessionStatus="ended", HandoffData=HandOff("farewell").write())
    assert ended is not None
    assert ended.is_over
    away = outcome(SessionStatus="ended", HandoffData=HandOff("away").write())
    assert away is not None
    assert not away.is_over


@pytest.mark.parametrize(
    ("code", "is_final"), [("64101", True), ("64106", True), ("64102", False), ("64105", False), ("x", False)]
)
def test_what_twilio_refuses_would_be_refused_again_and_what_broke_would_not(
    code: str, is_final: bool
) -> None:
    failed = outcome(SessionStatus="failed", ErrorCode=code, ErrorMessage="no such voice")
    assert failed is not None
    assert failed.failed
    assert failed.detail == "no such voice"
    assert failed.is_final is is_final
