"""The caller speaks into the answer: who is cut off, what is told, and what the model remembers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.model import Script, say
from sandbox.speech import clip
from sandbox.speech.ulaw import silence
from tests.sandbox.model.virtual import Client, Event, audio_of, phone_client, phone_session, types

MENU = Script(greeting=(say("agent-menu"),))
CUT_OFF = [
    "input_audio_buffer.speech_started",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


def speaking_client(**input_fields: object) -> Client:
    """A client to whom the menu is being spoken, 500 ms after the response began."""
    client = phone_client(MENU, **input_fields)
    client.send({"type": "response.create"})
    client.wait(500)
    assert client.of("response.output_audio.delta")
    client.events.clear()
    client.at.clear()
    return client


def truncate(item_id: str, ms: int, **fields: object) -> Event:
    event = {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": ms}
    return {**event, **fields}


def code_of(came: list[Event]) -> str:
    (event,) = came
    assert event["type"] == "error"
    code: str = event["error"]["code"]
    return code


def test_speech_cuts_the_answer_off_and_nothing_more_is_sent_of_it() -> None:
    client = speaking_client()
    client.hear(clip("caller-friday-two").ulaw[: 8 * 400])
    started = types(client.events).index("input_audio_buffer.speech_started")
    assert types(client.events)[started:] == CUT_OFF
    done = client.of("response.done")[0]["response"]
    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert client.of("response.output_item.done")[0]["item"]["status"] == "incomplete"


def test_a_caller_who_speaks_while_the_model_thinks_cancels_what_was_never_said() -> None:
    client = phone_client(Script(think_ms=3000))
    client.send({"type": "response.create"})
    client.hear(clip("caller-no").ulaw)
    assert types(client.events) == [
        "response.created",
        "input_audio_buffer.speech_started",
        "response.done",
        "rate_limits.updated",
    ]
    assert client.of("response.done")[0]["response"]["output"] == []


def test_after_the_generation_has_ended_nothing_is_cancelled() -> None:
    client = phone_client()
    client.send({"type": "response.create"})
    client.wait(5000)
    client.speak("caller-no")
    assert [e["response"]["status"] for e in client.of("response.done")] == ["completed"]


def test_an_answer_that_may_not_be_interrupted_goes_on() -> None:
    client = speaking_client(turn_detection={"type": "server_vad", "interrupt_response": False})
    client.speak("caller-no")
    client.wait(5000)
    assert [e["response"]["status"] for e in client.of("response.done")] == ["completed"]
    assert code_of(client.of("error")) == "conversation_already_has_active_response"


def test_the_client_may_cancel() -> None:
    client = speaking_client()
    came = client.send({"type": "response.cancel"})
    assert types(came) == CUT_OFF[1:]
    details = client.of("response.done")[0]["response"]["status_details"]
    assert details == {"type": "cancelled", "reason": "client_cancelled"}
    assert client.wait(5000) == []


@pytest.mark.parametrize("response_id", [None, "resp_unknown"])
def test_cancelling_nothing_is_an_error_that_harms_nobody(response_id: str | None) -> None:
    client = phone_client()
    event: Event = {"type": "response.cancel", "event_id": "mine"}
    if response_id:
        event["response_id"] = response_id
    (came,) = client.send(event)
    assert (came["error"]["code"], came["error"]["event_id"]) == ("response_cancel_not_active", "mine")


def test_the_truncated_words_are_forgotten() -> None:
    client = speaking_client()
    client.send({"type": "response.cancel"})
    item_id = client.of("response.output_item.done")[0]["item"]["id"]
    (came,) = client.send(truncate(item_id, 700))
    assert (came["type"], came["audio_end_ms"]) == ("conversation.item.truncated", 700)
    (item,) = client.send({"type": "conversation.item.retrieve", "item_id": item_id})
    assert item["item"]["content"] == [{"type": "output_audio", "transcript": None}]
    assert code_of(client.send(truncate(item_id, 701))) == "invalid_value"


def test_a_truncation_past_the_end_of_the_sent_audio_is_refused() -> None:
    client = phone_client()
    client.send({"type": "response.create"})
    client.wait(4000)
    item_id = client.of("response.output_item.done")[0]["item"]["id"]
    length = clip("agent-hello").ms
    (refused,) = client.send(truncate(item_id, length + 1, event_id="mine"))
    assert refused["error"]["event_id"] == "mine"
    assert f"{length}ms is already shorter than {length + 1}ms" in refused["error"]["message"]
    assert client.send(truncate(item_id, length))[0]["type"] == "conversation.item.truncated"


def test_only_the_agents_speech_can_be_truncated() -> None:
    client = phone_client()
    client.speak("caller-no")
    caller_item = client.of("input_audio_buffer.committed")[0]["item_id"]
    assert code_of(client.send(truncate(caller_item, 100))) == "invalid_value"
    assert code_of(client.send(truncate("item_unknown", 100))) == "item_truncate_invalid_item_id"


@settings(max_examples=60, deadline=None)
@given(begins_ms=st.integers(0, 4000), seed=st.integers(0, 1000))
def test_whenever_the_caller_speaks_each_response_ends_once_and_is_silent_after(
    begins_ms: int, seed: int
) -> None:
    client = Client(MENU, seed=seed)
    client.send(phone_session())
    client.send({"type": "response.create"})
    client.hear(silence(begins_ms) if begins_ms % 2 else silence(begins_ms // 4))
    client.speak(random.Random(seed).choice(["caller-yes", "caller-menu"]))
    client.wait(12_000)
    assert_every_response_ends_once(client.events)


def assert_every_response_ends_once(events: list[Event]) -> None:
    active: str | None = None
    open_items: set[str] = set()
    for event in events:
        match event["type"]:
            case "response.created":
                assert active is None
                active = event["response"]["id"]
            case "response.output_item.added":
                open_items.add(event["item"]["id"])
            case "response.output_item.done":
                open_items.remove(event["item"]["id"])
            case "response.done":
                assert (active, open_items) == (event["response"]["id"], set())
                active = None
            case name if name.startswith("response."):
                assert event["response_id"] == active
    assert active is None
    assert audio_of(events)
