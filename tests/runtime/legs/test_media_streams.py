"""Twilio's frames, read and written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.call import events as ev
from runtime.call.actions import ClearPlayback, PlayAudio, PlayMark
from runtime.legs.media_streams import decode, encode

SID = "MZ18ad3ab5a668481ce02b83e7395059f0"
START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": SID,
    "start": {
        "accountSid": "AC1",
        "streamSid": SID,
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"k": "v"},
    },
}


def media(payload: str, **fields: object) -> str:
    inner = {"track": "inbound", "chunk": "1", "timestamp": "5", "payload": payload, **fields}
    return json.dumps({"event": "media", "sequenceNumber": "3", "streamSid": SID, "media": inner})


def test_a_start_names_the_stream_and_the_call() -> None:
    assert decode(json.dumps(START)) == ev.StreamStarted(SID, "CA1")


def test_audio_keeps_its_text_and_tells_its_time() -> None:
    assert decode(media("//9/")) == ev.CallerAudio("//9/", 5)
    assert decode(media("//9/").encode()) == ev.CallerAudio("//9/", 5)


@pytest.mark.parametrize("timestamp", ["", "soon", "-20", "1.5", "9" * 5000, None])
def test_a_time_that_is_none_does_no_harm(timestamp: object) -> None:
    assert decode(media("//9/", timestamp=timestamp)) == ev.CallerAudio("//9/")


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (
            {"event": "mark", "streamSid": SID, "sequenceNumber": "4", "mark": {"name": "g1.2"}},
            ev.MarkPlayed("g1.2"),
        ),
        (
            {"event": "dtmf", "streamSid": SID, "dtmf": {"track": "inbound_track", "digit": "#"}},
            ev.KeyPressed("#"),
        ),
        (
            {"event": "stop", "streamSid": SID, "stop": {"accountSid": "AC1", "callSid": "CA1"}},
            ev.StreamStopped(),
        ),
        ({"event": "stop"}, ev.StreamStopped()),
        ({"event": "connected", "protocol": "Call", "version": "1.0.0"}, None),
    ],
)
def test_the_other_frames(frame: dict[str, object], event: ev.LegEvent | None) -> None:
    assert decode(json.dumps(frame)) == event


def test_new_fields_and_missing_optional_ones_do_no_harm() -> None:
    assert decode(media("//9/", codec="new")) == ev.CallerAudio("//9/", 5)
    assert decode('{"event":"media","media":{"payload":"//9/"}}') == ev.CallerAudio("//9/")
    assert decode(f'{{"event":"start","start":{{"streamSid":"{SID}"}}}}') == ev.StreamStarted(SID, None)


def test_our_own_audio_that_comes_back_is_not_the_callers() -> None:
    assert decode(media("//9/", track="outbound")) is None


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "no json",
        "[]",
        "null",
        "{}",
        '{"event":7}',
        '{"event":"surprise"}',
        '{"event":"media"}',
        '{"event":"media","media":{}}',
        '{"event":"media","media":{"payload":7}}',
        media("not base64"),
        media('//9/"},"event":"clear'),
        media("ÿÿ"),
        '{"event":"mark"}',
        '{"event":"dtmf","dtmf":{"digit":"12"}}',
        '{"event":"start","start":{}}',
        '{"event":"start","streamSid":"MZ\\"x","start":{}}',
        json.dumps(START).replace("audio/x-mulaw", "audio/l16"),
        json.dumps(START).replace("8000", "16000"),
        b"\xff\xfe",
    ],
)
def test_what_cannot_be_read_is_a_bad_frame(frame: str | bytes) -> None:
    assert isinstance(decode(frame), ev.BadFrame)


def test_a_frame_of_another_stream_is_a_bad_frame() -> None:
    assert isinstance(decode(media("//9/"), "MZother"), ev.BadFrame)
    assert decode(media("//9/"), SID) == ev.CallerAudio("//9/", 5)


@given(st.one_of(st.text(), st.binary()))
def test_nothing_makes_the_codec_raise(message: str | bytes) -> None:
    decode(message)


def test_frames_to_twilio_have_exactly_the_documented_fields() -> None:
    assert json.loads(encode(PlayAudio("//9/"), SID)) == {
        "event": "media",
        "streamSid": SID,
        "media": {"payload": "//9/"},
    }
    assert json.loads(encode(PlayMark("g1.2"), SID)) == {
        "event": "mark",
        "streamSid": SID,
        "mark": {"name": "g1.2"},
    }
    assert json.loads(encode(ClearPlayback(), SID)) == {"event": "clear", "streamSid": SID}


def test_a_frame_that_is_nested_without_end_is_a_bad_frame_and_no_crash() -> None:
    assert isinstance(decode('{"event": "x", "more": ' + "[" * 60_000), ev.BadFrame)
