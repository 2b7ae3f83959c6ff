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
    CarrierEvent,
    Complaint,
    Interrupted,
    Prompted,
    SendKeys,
    SpeakText,
)
from runtime.legs.conversation_relay import END, decode, encode
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


def test_the_end_is_one_that_twilio_knows() -> None:
    assert relay_wire.read_message(END) == relay_wire.End()
