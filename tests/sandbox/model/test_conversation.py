"""Whole turns with the model server's session, in virtual time, every event judged by OpenAI's types."""

from __future__ import annotations

import struct

import pytest

from sandbox.model import Call, Fail, Say, Script, say, when
from sandbox.speech import clip
from sandbox.speech.ulaw import silence, to_pcm
from tests.sandbox.model.virtual import Client, Event, audio_of, phone_client, phone_session, types

GREET = {
    "type": "response.create",
    "response": {"instructions": f"Say exactly: {clip('agent-greeting-bistro').text}"},
}

TURN_BEGINS = [
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "response.created",
]
ANSWER = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


def test_the_first_event_is_the_whole_default_session() -> None:
    client = Client()
    assert types(client.events) == ["session.created"]
    session = client.events[0]["session"]
    assert session["object"] == "realtime.session"
    assert session["expires_at"] == 1_800_003_600
    assert session["audio"]["input"]["transcription"] is None
    assert session["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "voice": "marin",
        "speed": 1.0,
    }


def test_a_spoken_question_is_answered_in_the_order_that_openai_documents() -> None:
    client = phone_client()
    client.speak("caller-book-table")
    client.wait(5000)
    assert types(client.events) == ["input_audio_buffer.speech_started", *TURN_BEGINS, *ANSWER]
    assert audio_of(client.events) == clip("agent-ask-day").ulaw
    done = client.of("response.done")[0]["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [
        {"type": "output_audio", "transcript": clip("agent-ask-day").text}
    ]


def test_one_item_is_the_callers_turn_from_its_begin_to_its_transcript() -> None:
    client = phone_client(transcription={"model": "gpt-transcribe"})
    client.speak("caller-menu")
    client.wait(5000)
    started, committed = (
        client.of("input_audio_buffer.speech_started"),
        client.of("input_audio_buffer.committed"),
    )
    (written,) = client.of("conversation.item.input_audio_transcription.completed")
    assert written["transcript"] == clip("caller-menu").text
    assert started[0]["item_id"] == committed[0]["item_id"] == written["item_id"]
    deltas = client.of("conversation.item.input_audio_transcription.delta")
    assert "".join(delta["delta"] for delta in deltas) == clip("caller-menu").text


def test_transcripts_come_before_during_and_after_the_response() -> None:
    places = set()
    for seed in range(20):
        client = Client(seed=seed)
        client.send(phone_session(transcription={"model": "gpt-transcribe"}))
        client.speak("caller-opening-hours")
        client.wait(5000)
        order = [event["type"] for event in client.events]
        written = order.index("conversation.item.input_audio_transcription.completed")
        places.add(
            (written > order.index("response.output_item.added"), written > order.index("response.done"))
        )
    assert places == {(False, False), (True, False), (True, True)}


def test_speech_positions_count_received_audio_with_padding_and_silence() -> None:
    client = phone_client(
        turn_detection={"type": "server_vad", "prefix_padding_ms": 200, "silence_duration_ms": 400}
    )
    spoken = clip("caller-no")
    client.hear(silence(1000) + spoken.ulaw + silence(1000))
    (started,) = client.of("input_audio_buffer.speech_started")
    (stopped,) = client.of("input_audio_buffer.speech_stopped")
    assert 800 <= started["audio_start_ms"] <= 900
    assert 1000 + spoken.ms + 300 <= stopped["audio_end_ms"] <= 1000 + spoken.ms + 420


def test_a_longer_silence_is_needed_when_the_client_asks_for_it() -> None:
    client = phone_client(turn_detection={"type": "server_vad", "silence_duration_ms": 900})
    client.speak("caller-yes", silence_ms=800)
    assert not client.of("input_audio_buffer.speech_stopped")
    client.hear(silence(200))
    assert client.of("input_audio_buffer.speech_stopped")


def test_a_high_threshold_does_not_hear_quiet_speech() -> None:
    client = phone_client(turn_detection={"type": "server_vad", "threshold": 1.0})
    quiet_hum = bytes([0xD0, 0x50]) * 4000
    client.hear(quiet_hum)
    assert client.events == []
    client.send(phone_session(turn_detection={"type": "server_vad", "threshold": 0.1}))
    client.hear(quiet_hum)
    assert client.of("input_audio_buffer.speech_started")


def test_a_click_is_not_a_turn() -> None:
    client = phone_client()
    client.hear(silence(500) + bytes([0x80, 0x00]) * 80 + silence(500))
    assert client.events == []


def test_the_greeting_named_in_the_instructions_is_spoken() -> None:
    client = phone_client()
    client.send(GREET)
    client.wait(3000)
    assert audio_of(client.events) == clip("agent-greeting-bistro").ulaw


def test_a_greeting_without_instructions_says_hello() -> None:
    client = phone_client()
    client.send({"type": "response.create"})
    client.wait(3000)
    assert audio_of(client.events) == clip("agent-hello").ulaw


def test_the_model_thinks_before_it_speaks_and_speaks_faster_than_real_time() -> None:
    client = phone_client(Script(think_ms=400, speed=6))
    client.send({"type": "response.create"})
    client.wait(5000)
    times = [
        t for t, e in zip(client.at, client.events, strict=True) if e["type"] == "response.output_audio.delta"
    ]
    assert times[0] == 400
    assert clip("agent-hello").ms / 8 < times[-1] - times[0] < clip("agent-hello").ms / 5


def test_audio_comes_in_odd_pieces_with_a_tiny_last_one_and_words_ahead() -> None:
    client = phone_client()
    client.send(GREET)
    client.wait(3000)
    sizes = [len(audio_of([event])) for event in client.of("response.output_audio.delta")]
    assert any(size % 2 for size in sizes)
    assert sizes[-1] < 160
    assert max(sizes) <= 3200
    order = [event["type"] for event in client.events]
    assert order.index("response.output_audio_transcript.delta") < order.index("response.output_audio.delta")
    words = "".join(event["delta"] for event in client.of("response.output_audio_transcript.delta"))
    assert words == clip("agent-greeting-bistro").text


def test_the_same_seed_gives_the_same_call() -> None:
    calls = []
    for _ in range(2):
        client = phone_client(transcription={"model": "gpt-transcribe"})
        client.speak("caller-menu")
        client.wait(9000)
        calls.append(client.events)
    assert calls[0] == calls[1]


def test_what_matches_no_clip_gets_an_empty_transcript_and_a_note() -> None:
    client = phone_client(transcription={"model": "gpt-transcribe"})
    noise = bytes(range(40)) * 200
    client.hear(noise + silence(800))
    client.wait(5000)
    assert client.of("conversation.item.input_audio_transcription.completed")[0]["transcript"] == ""
    assert "match no clip" in client.session.notes[0]
    assert audio_of(client.events) == clip("agent-repeat").ulaw


def test_turns_can_be_found_without_answering_them() -> None:
    client = phone_client(turn_detection={"type": "server_vad", "create_response": False})
    client.speak("caller-menu")
    client.wait(2000)
    assert types(client.events) == ["input_audio_buffer.speech_started", *TURN_BEGINS[:-1]]


def test_a_client_may_find_the_turns_itself() -> None:
    client = phone_client(turn_detection=None)
    client.speak("caller-menu")
    assert client.events == []
    assert types(client.send({"type": "input_audio_buffer.commit"})) == TURN_BEGINS[1:4]
    client.send({"type": "response.create"})
    client.wait(4000)
    assert audio_of(client.events) == clip("agent-menu").ulaw


def test_written_words_are_answered_like_spoken_ones() -> None:
    client = phone_client(Script((when("parking", say("agent-hours")),)))
    client.send(
        {
            "type": "conversation.item.create",
            "item": {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Is there PARKING?"}],
            },
        }
    )
    client.send({"type": "response.create"})
    client.wait(4000)
    assert audio_of(client.events) == clip("agent-hours").ulaw


def test_a_function_is_called_and_its_result_answered() -> None:
    script = Script(
        (
            when("caller-friday-two", Call("book", {"guests": 2, "day": "Friday"})),
            when("book", say("agent-booked")),
        )
    )
    client = phone_client(script)
    client.speak("caller-friday-two")
    client.wait(3000)
    (item,) = client.of("response.done")[0]["response"]["output"]
    assert (item["type"], item["name"], item["status"]) == ("function_call", "book", "completed")
    (done,) = client.of("response.function_call_arguments.done")
    assert done["arguments"] == '{"guests": 2, "day": "Friday"}'
    deltas = client.of("response.function_call_arguments.delta")
    assert "".join(delta["delta"] for delta in deltas) == done["arguments"]
    output = {"type": "function_call_output", "call_id": item["call_id"], "output": "booked"}
    client.send({"type": "conversation.item.create", "item": output})
    client.send({"type": "response.create"})
    client.wait(3000)
    assert audio_of(client.events) == clip("agent-booked").ulaw


def test_replies_of_one_rule_follow_each_other_and_the_last_stays() -> None:
    client = phone_client(
        Script((when("caller-yes", say("agent-hello"), (say("agent-hours"), say("agent-goodbye"))),))
    )
    heard = []
    for _ in range(3):
        client.events.clear()
        client.speak("caller-yes")
        client.wait(4000)
        heard.append(audio_of(client.events))
    both = clip("agent-hours").ulaw + clip("agent-goodbye").ulaw
    assert heard == [clip("agent-hello").ulaw, both, both]


def test_of_two_lines_in_one_turn_the_last_is_answered() -> None:
    client = phone_client()
    client.hear(clip("caller-friday-two").ulaw + clip("caller-book-table").ulaw)
    client.speak("caller-menu")
    client.wait(5000)
    assert audio_of(client.events) == clip("agent-menu").ulaw


def test_any_sound_can_be_said() -> None:
    client = phone_client(Script(greeting=(Say("La la.", b"\x01\x02\x03"),)))
    client.send({"type": "response.create"})
    client.wait(1000)
    assert audio_of(client.events) == b"\x01\x02\x03"


def test_a_failed_response_is_no_error_event() -> None:
    client = phone_client(Script(greeting=(Fail("inference_rate_limit_exceeded", "Too many."),)))
    client.send({"type": "response.create"})
    client.wait(1000)
    assert types(client.events) == ["response.created", "response.done", "rate_limits.updated"]
    details = client.events[1]["response"]["status_details"]
    assert details["type"] == "failed"
    assert details["error"]["code"] == "inference_rate_limit_exceeded"


def test_a_response_that_runs_into_its_limit_is_incomplete() -> None:
    client = phone_client(Script(greeting=(say("agent-menu", stops_after_ms=2000),)))
    client.send({"type": "response.create"})
    client.wait(3000)
    assert audio_of(client.events) == clip("agent-menu").ulaw[:16000]
    done = client.of("response.done")[0]["response"]
    assert (done["status"], done["status_details"]["reason"]) == ("incomplete", "max_output_tokens")
    assert done["output"][0]["status"] == "incomplete"
    transcript = done["output"][0]["content"][0]["transcript"]
    assert transcript and clip("agent-menu").text.startswith(transcript)


def test_text_responses_have_no_sound() -> None:
    client = phone_client()
    client.send({"type": "response.create", "response": {"output_modalities": ["text"]}})
    client.wait(1000)
    assert "".join(e["delta"] for e in client.of("response.output_text.delta")) == clip("agent-hello").text
    assert client.of("response.content_part.added")[0]["part"] == {"type": "text", "text": ""}
    assert audio_of(client.events) == b""


def test_a_response_out_of_band_runs_beside_and_leaves_no_trace() -> None:
    client = phone_client()
    client.send(GREET)
    said: Event = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "sum up"}]}
    params = {
        "conversation": "none",
        "input": [said],
        "metadata": {"topic": "summary"},
        "output_modalities": ["text"],
    }
    client.send({"type": "response.create", "response": params})
    client.wait(3000)
    beside = [e["response"] for e in client.of("response.done") if e["response"]["metadata"]]
    assert [(r["status"], r["conversation_id"]) for r in beside] == [("completed", None)]
    assert len(client.of("response.done")) == 2
    assert [entry.item.id for entry in client.session.conversation.entries] == [
        e["item"]["id"] for e in client.of("conversation.item.done")
    ]


def test_usage_counts_what_was_heard_and_said() -> None:
    client = phone_client()
    client.speak("caller-book-table")
    client.wait(4000)
    usage = client.of("response.done")[0]["response"]["usage"]
    assert usage["output_token_details"]["audio_tokens"] == pytest.approx(
        clip("agent-ask-day").ms / 50, abs=1
    )
    heard_ms = clip("caller-book-table").ms + 500
    assert usage["input_token_details"]["audio_tokens"] == pytest.approx(heard_ms / 100, abs=2)
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_a_silent_caller_is_asked_after_the_playback_and_the_timeout() -> None:
    client = phone_client(turn_detection={"type": "server_vad", "idle_timeout_ms": 6000})
    client.send({"type": "response.create"})
    client.wait(2000)
    done_at = client.at[[e["type"] for e in client.events].index("response.done")]
    client.wait(20_000)
    order = [event["type"] for event in client.events]
    asked_at = client.at[order.index("input_audio_buffer.timeout_triggered")]
    assert asked_at - done_at == pytest.approx(clip("agent-hello").ms + 6000, abs=1)
    assert clip("agent-still-there").ulaw in audio_of(client.events)


@pytest.mark.parametrize("eagerness", ["low", "high"])
def test_semantic_turns_end_by_eagerness(eagerness: str) -> None:
    client = phone_client(turn_detection={"type": "semantic_vad", "eagerness": eagerness})
    client.speak("caller-no", silence_ms=600)
    assert bool(client.of("input_audio_buffer.speech_stopped")) == (eagerness == "high")


def test_pcm_is_heard_and_spoken_at_24_khz() -> None:
    client = Client()
    client.send({"type": "session.update", "session": {"type": "realtime"}})
    client.send({"type": "response.create"})
    client.wait(3000)
    assert len(audio_of(client.events)) == pytest.approx(clip("agent-hello").ms * 48, rel=0.01)
    loud = b"".join(int(12000 * (-1) ** (n // 30)).to_bytes(2, "little", signed=True) for n in range(24000))
    client.append(loud)
    assert client.of("input_audio_buffer.speech_started")


def test_a_line_that_was_converted_to_24_khz_is_understood_all_the_same() -> None:
    client = Client()
    samples = struct.iter_unpack("<h", to_pcm(clip("caller-opening-hours").ulaw + silence(700)))
    quieter = [sample * 8 // 10 for (sample,) in samples]
    client.append(b"".join(struct.pack("<3h", sample, sample, sample) for sample in quieter))
    client.wait(5000)
    assert client.of("response.done")[0]["response"]["output"][0]["content"] == [
        {"type": "output_audio", "transcript": clip("agent-hours").text}
    ]


def test_ten_minutes_of_audio_at_once_is_heard_to_its_end() -> None:
    client = phone_client()
    client.append(silence(600_000) + clip("caller-menu").ulaw + silence(1000))
    (started,) = client.of("input_audio_buffer.speech_started")
    assert 599_600 <= started["audio_start_ms"] <= 600_000
    assert types(client.events)[-1] == "response.created"


def test_after_sixty_minutes_the_session_expires_and_closes_with_1001() -> None:
    client = phone_client()
    client.wait(3_599_999)
    assert client.events == []
    client.wait(1)
    assert client.events[0]["error"]["code"] == "session_expired"
    assert client.session.closing is not None
    assert client.session.closing.code == 1001
    assert client.send({"type": "response.create"}) == []
