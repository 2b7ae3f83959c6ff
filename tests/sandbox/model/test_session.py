"""What a client may ask of a session, and how it is told that it asked for something wrong."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.model.config import SessionConfig, merge, updated
from sandbox.model.session import Quirks
from sandbox.speech import clip
from sandbox.speech.ulaw import silence
from tests.sandbox.model.virtual import Client, Event, audio_of, phone_client, phone_session, types


def update(**session: object) -> Event:
    return {"type": "session.update", "event_id": "mine", "session": {"type": "realtime", **session}}


def refused(client: Client, event: Event) -> Event:
    """Send something wrong; return the error, which names the client's event and changed nothing."""
    before = client.session.config
    (came,) = client.send(event, judged=False)
    assert came["type"] == "error"
    assert came["error"]["type"] == "invalid_request_error"
    assert came["error"]["event_id"] == event.get("event_id")
    assert client.session.config == before
    error: Event = came["error"]
    return error


def test_an_update_changes_what_it_names_and_echoes_everything() -> None:
    client = Client()
    client.send(update(audio={"input": {"transcription": {"model": "gpt-transcribe", "language": "en"}}}))
    (came,) = client.send(update(audio={"output": {"voice": "cedar"}}, instructions="Be kind."))
    session = came["session"]
    assert session["instructions"] == "Be kind."
    assert session["audio"]["output"]["voice"] == "cedar"
    assert session["audio"]["input"]["transcription"]["language"] == "en"
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500
    assert session["id"] == client.events[0]["session"]["id"]


def test_null_turns_turn_detection_off_and_brings_other_defaults_back() -> None:
    client = phone_client(turn_detection=None, transcription={"model": "gpt-transcribe"})
    (came,) = client.send(update(audio={"input": {"transcription": None}}, instructions=None))
    assert came["session"]["audio"]["input"]["turn_detection"] is None
    assert came["session"]["audio"]["input"]["transcription"] is None
    assert came["session"]["instructions"].startswith("You are")


def test_changing_the_kind_of_turn_detection_leaves_no_field_of_the_old_one() -> None:
    client = phone_client(turn_detection={"type": "server_vad", "threshold": 0.7})
    (came,) = client.send(update(audio={"input": {"turn_detection": {"type": "semantic_vad"}}}))
    assert "threshold" not in came["session"]["audio"]["input"]["turn_detection"]


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        (
            {"audio": {"input": {"format": {"type": "audio/opus"}}}},
            "invalid_value",
            "session.audio.input.format.type",
        ),
        (
            {"audio": {"output": {"format": {"type": "audio/pcmu", "rate": 8000}}}},
            "unknown_parameter",
            "session.audio.output.format.rate",
        ),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        ({"audio": {"output": {"voice": "bob"}}}, "invalid_value", "session.audio.output.voice"),
        ({"voice": "marin"}, "unknown_parameter", "session.voice"),
        ({"input_audio_format": "g711_ulaw"}, "unknown_parameter", "session.input_audio_format"),
        ({"temperature": None}, "unknown_parameter", "session.temperature"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"instructions": 5}, "invalid_type", "session.instructions"),
        ({"model": "gpt-realtime-mini"}, "invalid_value", "session.model"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        (
            {"tools": [{"type": "function", "description": "x"}]},
            "missing_required_parameter",
            "session.tools[0].name",
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_whole_path(session: Event, code: str, param: str) -> None:
    error = refused(Client(), update(**session))
    assert (error["code"], error["param"]) == (code, param)


def test_the_session_type_is_required() -> None:
    event = {"type": "session.update", "session": {"instructions": "x"}}
    assert refused(Client(), event)["param"] == "session.type"


def test_the_voice_stays_once_it_was_heard() -> None:
    client = phone_client()
    client.send(update(audio={"output": {"voice": "cedar"}}))
    client.send({"type": "response.create"})
    client.wait(3000)
    assert refused(client, update(audio={"output": {"voice": "marin"}}))["code"] == "cannot_update_voice"
    assert types(client.send(update(audio={"output": {"voice": "cedar"}}))) == ["session.updated"]


def test_an_unknown_event_type_is_told_with_its_id() -> None:
    error = refused(Client(), {"type": "response.audio.start", "event_id": "mine"})
    assert (error["code"], error["param"]) == ("invalid_event", "type")


@pytest.mark.parametrize("frame", ["{", "[]", '"hello"', "{}", '{"type": 5}', "null", "\u0000"])
def test_a_frame_that_is_no_event_is_told(frame: str) -> None:
    (came,) = Client().send_raw(frame)
    assert came["error"]["code"] == "invalid_event"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter"),
        ({"type": "input_audio_buffer.append", "audio": "%%%"}, "invalid_value"),
        ({"type": "input_audio_buffer.append", "audio": "", "track": "inbound"}, "unknown_parameter"),
        ({"type": "output_audio_buffer.clear"}, "invalid_event"),
        ({"type": "conversation.item.delete", "item_id": "item_no"}, "item_delete_invalid_item_id"),
        ({"type": "conversation.item.retrieve", "item_id": "item_no"}, "item_retrieve_invalid_item_id"),
        ({"type": "response.create", "response": {"voice": "marin"}}, "unknown_parameter"),
    ],
)
def test_a_wrong_event_is_refused_with_a_code(event: Event, code: str) -> None:
    assert refused(Client(), {**event, "event_id": "mine"})["code"] == code


def test_more_than_fifteen_megabytes_at_once_are_refused() -> None:
    too_much = base64.b64encode(bytes(15 * 1024 * 1024 + 1)).decode()
    error = refused(phone_client(), {"type": "input_audio_buffer.append", "audio": too_much})
    assert "15 MiB" in error["message"]


def test_a_second_response_is_refused_while_one_is_active() -> None:
    client = phone_client()
    client.send({"type": "response.create"})
    error = refused(client, {"type": "response.create", "event_id": "mine"})
    assert error["code"] == "conversation_already_has_active_response"
    client.wait(5000)
    assert types(client.send({"type": "response.create"})) == ["response.created"]


def test_less_than_100_ms_cannot_be_committed() -> None:
    client = phone_client(turn_detection=None)
    client.append(silence(80))
    error = refused(client, {"type": "input_audio_buffer.commit", "event_id": "mine"})
    assert error["code"] == "input_audio_buffer_commit_empty"
    assert "80.00ms" in error["message"]
    client.append(silence(20))
    assert types(client.send({"type": "input_audio_buffer.commit"}))[0] == "input_audio_buffer.committed"


def test_cleared_audio_is_gone() -> None:
    client = phone_client(turn_detection=None)
    client.append(clip("caller-menu").ulaw)
    assert types(client.send({"type": "input_audio_buffer.clear"})) == ["input_audio_buffer.cleared"]
    assert refused(client, {"type": "input_audio_buffer.commit"})["code"] == "input_audio_buffer_commit_empty"


def message(role: str, content: Event, **fields: object) -> Event:
    item = {"type": "message", "role": role, "content": [content], **fields}
    return {"type": "conversation.item.create", "item": item}


def test_items_are_put_where_the_client_wants_them() -> None:
    client = phone_client()
    text = {"type": "input_text", "text": "x"}
    client.send(message("user", text, id="second"))
    client.send({**message("user", text, id="first"), "previous_item_id": "root"})
    client.send({**message("user", text, id="between"), "previous_item_id": "first"})
    ids = [entry.item.id for entry in client.session.conversation.entries]
    assert ids == ["first", "between", "second"]
    assert [e["previous_item_id"] for e in client.of("conversation.item.done")] == [None, None, "first"]
    assert types(client.send({"type": "conversation.item.delete", "item_id": "between"})) == [
        "conversation.item.deleted"
    ]


def test_an_item_id_is_used_once() -> None:
    client = phone_client()
    event = message("user", {"type": "input_text", "text": "x"}, id="same")
    client.send(event)
    assert refused(client, event)["code"] == "item_create_duplicate_item_id"


def test_the_agents_sound_cannot_be_replayed() -> None:
    audio = {"type": "output_audio", "audio": "AAAA"}
    assert refused(phone_client(), message("assistant", audio))["code"] == "unknown_parameter"


def test_an_agent_cannot_have_said_input() -> None:
    error = refused(phone_client(), message("assistant", {"type": "input_text", "text": "x"}))
    assert error["param"] == "item.content[0].type"


def test_replayed_history_is_answered_like_the_call_it_came_from() -> None:
    client = phone_client()
    client.send(message("user", {"type": "input_text", "text": clip("caller-menu").text}))
    client.send(message("assistant", {"type": "output_text", "text": "Tonight we"}))
    client.send({"type": "response.create"})
    client.wait(4000)
    assert audio_of(client.events) == clip("agent-menu").ulaw


def test_a_server_that_echoes_pcm_means_pcm() -> None:
    client = Client(quirks=Quirks(echo_pcm=1))
    (wrong,) = client.send(phone_session())
    assert wrong["session"]["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    (right,) = client.send(phone_session())
    assert right["session"]["audio"]["output"]["format"] == {"type": "audio/pcmu"}


def test_a_server_that_echoes_pcmu_and_sends_pcm_sends_six_times_the_bytes() -> None:
    client = Client(quirks=Quirks(send_pcm=True))
    (echo,) = client.send(phone_session())
    assert echo["session"]["audio"]["output"]["format"] == {"type": "audio/pcmu"}
    client.send({"type": "response.create"})
    client.wait(3000)
    assert len(audio_of(client.events)) == pytest.approx(6 * len(clip("agent-hello").ulaw), rel=0.01)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["type", "session", "audio", "item", "event_id", "response", "item_id", "input"])
TYPES = st.sampled_from(["session.update", "response.create", "conversation.item.create", "response.cancel"])


@given(st.dictionaries(NAMES, JSON, max_size=4), TYPES)
def test_nothing_that_a_client_sends_breaks_the_session(event: Event, event_type: str) -> None:
    client = Client()
    client.send_raw(json.dumps({**event, "type": event_type}))
    client.send_raw(json.dumps({"type": "session.update", "session": {**event, "type": "realtime"}}))
    assert types(client.send(phone_session())) == ["session.updated"]


KEYS = st.sampled_from(["type", "a", "b"])
SETTINGS = st.recursive(
    st.booleans() | st.integers(0, 2), lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


@given(*[st.dictionaries(KEYS, SETTINGS, max_size=3)] * 2)
def test_merging_the_same_update_twice_changes_nothing_more(current: Event, change: Event) -> None:
    once = merge(current, change)
    assert merge(once, change) == once


def test_an_empty_update_changes_nothing() -> None:
    config = SessionConfig(type="realtime", model="gpt-realtime-2.1")
    assert updated(config, {"type": "realtime"}) == config
