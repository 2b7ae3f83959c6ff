"""Messages of a media stream, as strict as Twilio."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.network.wire import Clear, Mark, Media, RefusedMessageError, StreamWriter, parse_outgoing

SID = "MZ" + "1" * 32


@pytest.mark.parametrize(
    ("message", "read"),
    [
        ({"event": "media", "streamSid": SID, "media": {"payload": "//8A"}}, Media(b"\xff\xff\x00")),
        ({"event": "mark", "streamSid": SID, "mark": {"name": "x"}}, Mark("x")),
        ({"event": "clear", "streamSid": SID}, Clear()),
    ],
)
def test_the_three_messages_are_read(message: object, read: object) -> None:
    assert parse_outgoing(json.dumps(message), SID) == read


@pytest.mark.parametrize(
    "message",
    [
        {"event": "media", "streamSid": SID, "media": {"payload": "//8A", "track": "outbound"}},
        {"event": "media", "streamSid": SID, "media": {"payload": "//8A"}, "sequenceNumber": "1"},
        {"event": "media", "streamSid": SID, "media": {}},
        {"event": "media", "streamSid": SID, "media": {"payload": 7}},
        {"event": "media", "streamSid": SID, "media": {"payload": "not base64"}},
        {"event": "media", "streamSid": SID, "media": "//8A"},
        {"event": "media", "media": {"payload": "//8A"}},
        {"event": "media", "streamSid": "MZ" + "2" * 32, "media": {"payload": "//8A"}},
        {"event": "mark", "streamSid": SID, "mark": {"name": None}},
        {"event": "clear", "streamSid": SID, "clear": {}},
        {"event": "stop", "streamSid": SID},
        {"event": ["media"], "streamSid": SID},
        {"type": "media"},
        ["media"],
        None,
    ],
)
def test_anything_more_or_less_is_refused(message: object) -> None:
    with pytest.raises(RefusedMessageError) as caught:
        parse_outgoing(json.dumps(message), SID)
    assert caught.value.code == 31951


def test_binary_frames_are_not_decodable() -> None:
    with pytest.raises(RefusedMessageError) as caught:
        parse_outgoing(b"{}", SID)
    assert caught.value.code == 31950


@given(
    st.text()
    | st.recursive(st.text() | st.integers(), lambda x: st.dictionaries(st.text(), x)).map(json.dumps)
)
def test_no_frame_breaks_the_reader(frame: str) -> None:
    with pytest.raises(RefusedMessageError):
        parse_outgoing(frame, SID)


def test_numbers_that_twilio_writes_as_text_are_text() -> None:
    writer = StreamWriter("AC1", "CA1", SID)
    connected = json.loads(writer.connected())
    start = json.loads(writer.start({"lang": "en"}))
    media = json.loads(writer.media(b"\xff" * 160, 20))
    digit = json.loads(writer.dtmf("5"))
    mark = json.loads(writer.mark("x"))
    stop = json.loads(writer.stop())
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start["start"]["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    assert start["start"]["customParameters"] == {"lang": "en"}
    assert (media["media"]["chunk"], media["media"]["timestamp"]) == ("1", "20")
    assert digit["dtmf"] == {"track": "inbound_track", "digit": "5"}
    assert [m["sequenceNumber"] for m in (start, media, digit, mark, stop)] == ["1", "2", "3", "4", "5"]
    assert {m["streamSid"] for m in (start, media, digit, mark, stop)} == {SID}
