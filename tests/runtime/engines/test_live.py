"""The GPT-Live codec: what is sent for an action, and what server events mean."""

from __future__ import annotations

import itertools
import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.call import events as ev
from runtime.call.actions import (
    AnswerTool,
    CancelResponse,
    ConfigureModel,
    DeleteItem,
    EngineAction,
    HearCaller,
    Recall,
    Respond,
    TellModel,
    TruncateItem,
)
from runtime.call.usage import Usage
from runtime.engines.live import GO_ON, LiveEngine
from runtime.engines.live_session import MOST_HISTORY, LiveSettings
from sandbox.speech import clip
from tests.sandbox.model.live.oracle import judge_live_client_event

SOUND = clip("agent-hours").ulaw[2400:3200]  # 100 ms of a voice
SILENCE = b"\xff" * 800
PCMU = {"type": "audio/pcmu", "rate": 8000}
Json = dict[str, Any]


def tell(engine: LiveEngine, kind: str, **fields: object) -> list[ev.ModelEvent]:
    """Let the engine read a server event."""
    return [*engine.read(json.dumps({"type": kind, "event_id": "event_1", **fields}))]


def sound(engine: LiveEngine, *pieces: bytes) -> list[ev.ModelEvent]:
    """Let the model send sound."""
    events: list[ev.ModelEvent] = []
    for piece in pieces:
        events += tell(engine, "session.output_audio.delta", delta=b64encode(piece).decode())
    return events


def started(engine: LiveEngine | None = None, **audio: object) -> LiveEngine:
    """Return an engine whose session has started."""
    engine = engine or LiveEngine(LiveSettings("Be kind."))
    engine.write(ConfigureModel())
    session = {"id": "live_1", "expires_at": 1_800_000_000, "audio": audio or {"format": PCMU}}
    assert tell(engine, "session.started", session=session) == [
        ev.ModelConfigured(matches=True, expires_at=1_800_000_000)
    ]
    return engine


def wrote(engine: LiveEngine, action: EngineAction) -> list[Json]:
    """Return what is sent for an action; OpenAI's own types must know it."""
    frames = engine.write(action)
    for frame in frames:
        judge_live_client_event(frame)
    return [json.loads(frame) for frame in frames]


def kinds(events: list[ev.ModelEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_session_is_asked_for_with_its_rate_its_tools_and_what_was_said_before() -> None:
    engine = LiveEngine(LiveSettings("Be kind.", voice="vesper", delegate="gpt-6-luna"))
    said = (Recall("caller", "A table, please."), Recall("agent", "For when?"), Recall("system", "Go on."))
    (start,) = wrote(engine, ConfigureModel(history=said))
    session = start["session"]
    assert session["audio"] == {"format": PCMU, "output": {"voice": "vesper"}}
    assert session["delegation"]["responses"]["model"] == "gpt-6-luna"
    assert [tool["name"] for tool in session["delegation"]["responses"]["tools"]] == ["hang_up"]
    assert [each["role"] for each in session["input"]] == ["user", "assistant", "developer"]


def test_of_a_long_history_the_newest_part_is_told() -> None:
    said = tuple(Recall("caller", str(number)) for number in range(500))
    (start,) = wrote(LiveEngine(LiveSettings("Be kind.")), ConfigureModel(history=said))
    told = [each["content"][0]["text"] for each in start["session"]["input"]]
    assert told == [str(number) for number in range(500 - MOST_HISTORY, 500)]


def test_a_long_history_of_long_words_stays_within_what_a_session_takes() -> None:
    said = tuple(Recall("agent", "word " * 1000) for _ in range(20))
    (start,) = wrote(LiveEngine(LiveSettings("Be kind.")), ConfigureModel(history=said))
    assert len(start["session"]["input"]) == 4


@pytest.mark.parametrize(
    "audio",
    [
        {"format": {"type": "audio/pcma", "rate": 8000}},
        {"format": {"type": "audio/pcm", "rate": 16000}},
        {"format": PCMU, "output": {"voice": "cedar"}},
    ],
)
def test_a_session_that_is_not_the_one_asked_for_is_refused_at_once(audio: Json) -> None:
    engine = LiveEngine(LiveSettings("Be kind."))
    (event,) = tell(engine, "session.started", session={"id": "live_1", "audio": audio})
    assert isinstance(event, ev.ModelUnavailable)
    assert not event.may_pass


def test_a_session_of_24_khz_pcm_is_heard_and_spoken_to_through_a_conversion() -> None:
    engine = started(format={"type": "audio/pcm", "rate": 24000})
    frame = engine.write(HearCaller(b64encode(SILENCE[:160]).decode()))
    assert len(json.loads(frame[0])["audio"]) == 960 / 3 * 4


def test_a_refused_start_is_asked_for_again() -> None:
    error = {"code": "unknown_parameter", "message": "No.", "type": "x", "client_event_id": "tm-start"}
    (event,) = tell(LiveEngine(LiveSettings("Be kind.")), "error", error=error)
    assert event == ev.ModelConfigured(matches=False, detail="unknown_parameter: No.")


def test_a_billing_problem_is_fatal_and_a_refused_instruction_is_known_as_one() -> None:
    engine = started()
    (fatal,) = tell(engine, "error", error={"code": "insufficient_quota", "message": "Pay.", "type": "x"})
    assert fatal == ev.ModelProblem("insufficient_quota", "Pay.", fatal=True)
    error = {"code": "rate", "message": "Slow.", "type": "x", "client_event_id": "tm-respond"}
    assert tell(engine, "error", error=error) == [ev.RequestRefused("rate", "Slow.")]


def test_what_cannot_be_read_is_a_problem_and_what_is_unknown_is_nothing() -> None:
    engine = started()
    (event,) = engine.read(b'{"type": "session.output_audio.delta", "delta": 3}')
    assert isinstance(event, ev.ModelProblem)
    assert event.code == ev.MALFORMED
    assert kinds(tell(engine, "session.output_audio.delta", delta="###")) == ["ModelProblem"]
    assert tell(engine, "info", code="x", message="y") == []
    assert tell(engine, "something.new", delta=["what"]) == []


def test_exact_words_and_guidance_are_instructions() -> None:
    engine = started()
    (say,) = wrote(engine, Respond(say="Good evening."))
    assert '"Good evening."' in say["content"]
    (guide,) = wrote(engine, Respond(guidance="Ask whether they are there."))
    assert guide["content"] == "Ask whether they are there."
    (go_on,) = wrote(engine, Respond())
    assert go_on["content"] == GO_ON


def test_keys_and_what_was_said_before_are_thoughts_of_a_length_that_is_taken() -> None:
    engine = started()
    (keys,) = wrote(engine, TellModel("[keys: 12]"))
    assert (keys["type"], keys["content"]) == ("session.thinking.append", "[keys: 12]")
    parts = wrote(engine, Recall("caller", "word " * 1000))
    assert "".join(part["content"] for part in parts).endswith("word " * 1000)
    assert all(len(part["content"]) <= 2000 for part in parts)


def test_a_model_that_falls_silent_by_itself_is_told_of_no_cut() -> None:
    engine = started()
    for action in (CancelResponse("x"), TruncateItem("x", 100), DeleteItem("x")):
        assert engine.write(action) == ()


# --- tools


def delegated(engine: LiveEngine, *calls: str, usage: Json | None = None) -> list[ev.ModelEvent]:
    """Let the delegated model call functions, each named as its call."""
    events = tell(engine, "response.event", delegation_id="del_1", event=nested("response.created"))
    for name in calls:
        item = {"type": "function_call", "call_id": f"call-{name}", "name": name, "arguments": "{}"}
        done = {"type": "response.output_item.done", "item": {**item, "id": "i", "status": "completed"}}
        events += tell(engine, "response.event", delegation_id="del_1", event=done)
    over = nested("response.completed", usage=usage)
    return [*events, *tell(engine, "response.event", delegation_id="del_1", event=over)]


def nested(kind: str, **response: object) -> Json:
    return {"type": kind, "response": {"id": "resp_1", **response}}


def test_the_model_goes_on_when_the_last_of_its_calls_is_answered() -> None:
    engine = started()
    asked = delegated(engine, "one", "two")
    assert kinds(asked) == ["ToolRequested", "ToolRequested", "ResponseEnded"]
    assert [each["type"] for each in wrote(engine, AnswerTool("call-one", "1"))] == ["response.item.create"]
    last = wrote(engine, AnswerTool("call-two", "2"))
    assert [each["type"] for each in last] == ["response.item.create", "response.create"]
    assert engine.write(Respond()) == ()  # it has been let go on
    assert len(engine.write(Respond())) == 1


def test_requests_are_passed_on_together_when_their_response_is_complete() -> None:
    engine = started()
    tell(engine, "response.event", event=nested("response.created"))
    item = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"}
    assert tell(engine, "response.event", event={"type": "response.output_item.done", "item": item}) == []
    late = sound(engine, *[SILENCE] * 6)  # its end is not told
    assert kinds(late) == ["ToolRequested"]


def test_what_the_delegated_model_took_is_counted_and_its_failure_is_one() -> None:
    engine = started()
    usage = {"input_tokens": 90, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 30}}
    (ended,) = delegated(engine, usage=usage)
    assert isinstance(ended, ev.ResponseEnded)
    assert ended.usage == Usage(text_in=90, text_cached=30, text_out=7)
    failure = nested("response.failed", error={"code": "insufficient_quota", "message": "Pay."})
    (failed,) = tell(engine, "response.event", event=failure)
    assert isinstance(failed, ev.ResponseEnded)
    assert (failed.status, failed.fatal) == ("failed", True)


def test_a_goodbye_is_spoken_before_the_request_to_hang_up_counts() -> None:
    engine = started()
    assert kinds(delegated(engine, "hang_up")) == ["ResponseEnded"]
    assert "ToolRequested" not in kinds(sound(engine, SILENCE, SOUND, SOUND, *[SILENCE] * 9))
    assert kinds(sound(engine, SILENCE)) == ["ToolRequested"]


# --- turns


def loud(engine: LiveEngine, ms: int) -> None:
    """Let the caller be loud into the model's ear."""
    for at in range(0, ms * 8, 160):
        piece = clip("caller-menu").ulaw[4000 + at : 4160 + at]
        engine.write(HearCaller(b64encode(piece).decode()))


def test_an_utterance_begins_with_its_first_sound_and_ends_after_a_silence() -> None:
    engine = started()
    assert sound(engine, SILENCE, SILENCE) == []
    begun = sound(engine, SOUND)
    assert kinds(begun) == ["ResponseStarted", "ModelAudio"]
    assert begun[1] == ev.ModelAudio("live_1-1", "live_1-1", b64encode(SILENCE + SOUND).decode())
    ended = sound(engine, *[SILENCE] * 8)
    assert kinds(ended) == ["ModelAudio"] * 3 + ["ModelAudioDone", "ResponseEnded"]
    assert kinds(sound(engine, SOUND)) == ["ResponseStarted", "ModelAudio"]


def test_silence_is_passed_on_for_a_breath_and_sound_after_it_has_a_head_start() -> None:
    engine = started()
    sound(engine, SOUND)
    assert kinds(sound(engine, *[SILENCE] * 6)) == ["ModelAudio"] * 3
    assert sound(engine, SOUND) == [
        ev.ModelAudio("live_1-1", "live_1-1", b64encode(SILENCE + SOUND).decode())
    ]


@given(sizes=st.lists(st.integers(1, 2000), min_size=1, max_size=40))
def test_whatever_the_pieces_a_voice_arrives_whole_and_in_one_utterance(sizes: list[int]) -> None:
    engine = started()
    said = clip("agent-hours").ulaw[2400:8000]
    stream = SILENCE * 3 + said + SILENCE * 12
    events: list[ev.ModelEvent] = []
    at = 0
    for size in itertools.cycle(sizes):
        if at >= len(stream):
            break
        events += sound(engine, stream[at : at + size])
        at += size
    audio = [event.payload for event in events if isinstance(event, ev.ModelAudio)]
    assert said in b"".join(map(b64decode, audio))
    assert kinds(events).count("ResponseStarted") == kinds(events).count("ResponseEnded") == 1


def test_a_start_that_is_told_twice_changes_nothing() -> None:
    engine = started()
    sound(engine, SOUND)
    assert tell(engine, "session.started", session={"id": "live_2", "audio": {"format": PCMU}}) == []
    assert kinds(sound(engine, SOUND)) == ["ModelAudio"]


def test_words_belong_to_the_utterance_in_whose_time_they_are_spoken() -> None:
    engine = started()
    said = "session.output_transcript.delta"
    assert tell(engine, said, delta="Good ", start_ms=100, end_ms=200) == []  # their sound is to come
    begun = sound(engine, SILENCE, SOUND)
    assert begun[1] == ev.ModelWords("live_1-1", "Good ")
    late = tell(engine, said, delta="evening.", start_ms=150, end_ms=300)
    assert late == [ev.ModelWords("live_1-1", "evening.")]
    sound(engine, *[SILENCE] * 30, SOUND)
    assert tell(engine, said, delta="!", start_ms=200, end_ms=300) == [ev.ModelWords("live_1-1", "!")]


def test_an_agent_that_falls_silent_for_a_loud_caller_was_interrupted() -> None:
    engine = started()
    sound(engine, SOUND, SOUND)
    loud(engine, 300)
    events = sound(engine, SOUND, *[SILENCE] * 3)
    assert kinds(events)[-2:] == ["CallerSpeechStarted", "ResponseEnded"]
    assert isinstance(events[-1], ev.ResponseEnded)
    assert events[-1].status == "cancelled"


def test_a_caller_who_speaks_after_the_agent_has_paused_answers() -> None:
    engine = started()
    sound(engine, SOUND, SOUND, *[SILENCE] * 2)
    loud(engine, 300)
    assert "CallerSpeechStarted" not in kinds(sound(engine, *[SILENCE] * 3))


def test_a_caller_who_is_loud_while_the_agent_speaks_on_interrupts_nothing() -> None:
    engine = started()
    sound(engine, SOUND)
    loud(engine, 300)
    assert kinds(sound(engine, *[SOUND] * 10)) == ["ModelAudio"] * 10


def test_a_hang_up_that_the_caller_spoke_into_belongs_to_what_they_interrupted() -> None:
    engine = started()
    sound(engine, SOUND, SOUND)
    delegated(engine, "hang_up")
    loud(engine, 300)
    events = sound(engine, SOUND, *[SILENCE] * 3)
    (asked,) = [event for event in events if isinstance(event, ev.ToolRequested)]
    assert asked.response_id == "live_1-1"
    assert kinds(events)[-3:] == ["CallerSpeechStarted", "ToolRequested", "ResponseEnded"]


def test_the_callers_words_are_a_turn_that_ends_when_the_agent_speaks() -> None:
    engine = started()
    heard = "session.input_transcript.delta"
    engine.write(HearCaller(b64encode(SILENCE[:160]).decode()))
    sound(engine, *[SILENCE] * 10)
    first = tell(engine, heard, delta="A table", start_ms=100, end_ms=400)
    more = tell(engine, heard, delta=" for two.", start_ms=500, end_ms=900)
    assert first == [
        ev.CallerSpeechStarted("live_1-caller-1", 100),
        ev.CallerWords("live_1-caller-1", "A table"),
    ]
    assert more == [ev.CallerWords("live_1-caller-1", "A table for two.")]
    assert sound(engine, SOUND)[0] == ev.CallerSpeechStopped("live_1-caller-1", 900)


def test_the_callers_turn_is_over_when_nobody_says_anything_more() -> None:
    engine = started()
    tell(engine, "session.input_transcript.delta", delta="Hm.", start_ms=0, end_ms=200)
    assert sound(engine, *[SILENCE] * 9) == []
    assert kinds(sound(engine, SILENCE)) == ["CallerSpeechStopped"]


# --- the end


def test_seconds_are_counted_once_and_to_the_end() -> None:
    engine = started()
    told = tell(engine, "session.usage.updated", usage={"seconds": 10.0})
    told += tell(engine, "session.usage.updated", usage={"seconds": 15.5})
    told += tell(engine, "session.closed", reason="close_requested", usage={"seconds": 16.0})
    used = [event.usage.session_seconds for event in told if isinstance(event, ev.ModelUsed)]
    assert used == [10.0, 5.5, 0.5]
    assert told[-1] == ev.ModelLost("closed: close_requested")
    assert (engine.closed, engine.farewell(), engine.untold_usage()) == (True, None, None)


def test_a_session_that_breaks_off_is_counted_by_the_sound_that_came() -> None:
    engine = started()
    tell(engine, "session.usage.updated", usage={"seconds": 1.0})
    sound(engine, *[SILENCE] * 15)
    assert engine.untold_usage() == Usage(session_seconds=0.5)
    assert engine.untold_usage() is None


def test_only_a_session_that_has_started_is_asked_to_end() -> None:
    engine = LiveEngine(LiveSettings("Be kind."))
    assert engine.farewell() is None
    farewell = started(engine).farewell()
    assert farewell is not None
    judge_live_client_event(farewell)
