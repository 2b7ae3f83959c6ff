"""The record that the API promises."""

from __future__ import annotations

import json

from runtime.call_record import Caller, CallRecord, Latency, ToolUse, TranscriptEntry, TurnLatency

KEYS = (
    "id call_sid channel direction agent agent_revision caller caller_profile status reject_reason "
    "end_reason model started_at ended_at duration_seconds transcript tools latency cost recordings summary"
)


def test_every_key_is_there_and_unknown_ones_are_null() -> None:
    record = CallRecord("1", "front-desk", "inbound", "incoming", 1_790_000_000_000).to_json()
    assert list(record) == KEYS.split()
    known = {"id", "channel", "direction", "agent", "status", "started_at", "transcript", "tools"}
    assert {key for key, value in record.items() if value is not None} == known


def test_a_full_record_is_plain_json() -> None:
    record = CallRecord(
        "1",
        "front-desk",
        "inbound",
        "completed",
        1_790_000_000_000,
        caller=Caller("+14155550123", "US"),
        transcript=(TranscriptEntry("agent", "Good", 120, 480, True, "item_1"),),
        tools=(ToolUse("hang_up", {}, None, 0),),
        latency=Latency(120, (TurnLatency(520, 250, 300, 430), TurnLatency(None, 400, 450))),
        recordings=("call.wav",),
    ).to_json()
    assert record["caller"] == {"number": "+14155550123", "country": "US"}
    assert record["transcript"] == [
        {
            "role": "agent",
            "text": "Good",
            "at_ms": 120,
            "heard_ms": 480,
            "interrupted": True,
            "item_id": "item_1",
        }
    ]
    assert record["tools"] == [{"name": "hang_up", "arguments": {}, "result": None, "ms": 0}]
    assert record["latency"] == {
        "first_word_ms": 120,
        "turn_ms": [300, 450],
        "turns": [
            {"pause_ms": 520, "model_ms": 250, "frame_ms": 300, "heard_ms": 430},
            {"pause_ms": None, "model_ms": 400, "frame_ms": 450, "heard_ms": None},
        ],
    }
    assert json.loads(json.dumps(record)) == record
