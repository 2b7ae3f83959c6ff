"""Relay mode through real sockets: what its one connection brings, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

from sandbox import StreamFaults
from sandbox.model.text.faults import BreakOff
from sandbox.network import HangUp, Interrupt, Kind, Listen, Press, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.text_calls import BYE, GREETING, LONG_GREETING, ask, call
from tests.runtime.audio.sounds import pcm16, tone, wav

RELAY = "mode: relay"
POLYGLOT = "mode: relay, language: en-US, hints: [Bistro], languages: {de-DE: {name: Polly.Vicki-Neural}}"


def test_an_answer_that_breaks_off_in_the_middle_is_gone_on_from(tmp_path: Path) -> None:
    faults = (BreakOff(1),)  # of the answer to a key: nothing is drafted before it
    caller, record = call(tmp_path, RELAY, Listen(), Press("1"), Wait(5000), *BYE[1:], faults=faults)

    assert record["end_reason"] == "agent_completed"
    assert said(record, "agent") == [GREETING, "That", "That is noted.", "Goodbye."]
    assert caller.heard_words[-1] == "Goodbye."


def test_what_is_told_of_an_agent_who_was_interrupted_is_what_the_caller_heard(tmp_path: Path) -> None:
    steps = (Interrupt("caller-yes", after_ms=1200), *BYE)
    caller, record = call(tmp_path, RELAY, *steps, greeting=LONG_GREETING)

    greeting = record["transcript"][0]
    assert greeting["interrupted"]
    assert greeting["text"] == caller.heard_words[0]
    assert 0 < len(greeting["text"]) < len(LONG_GREETING)
    assert abs(greeting["heard_ms"] - 1200) < 500


def test_an_agent_that_cannot_be_interrupted_is_heard_to_its_end_and_answers_then(tmp_path: Path) -> None:
    steps = (Interrupt("caller-yes", after_ms=1200), Wait(6000), HangUp())
    caller, record = call(tmp_path, f"{RELAY}, interrupt: never", *steps, greeting=LONG_GREETING)

    assert caller.heard_words == (LONG_GREETING, "Yes?")
    assert [entry["role"] for entry in record["transcript"]] == ["agent", "caller", "agent"]
    assert not record["transcript"][0]["interrupted"]


def test_keys_reach_the_agent_as_one_message(tmp_path: Path) -> None:
    _, record = call(tmp_path, RELAY, Listen(), Press("12"), *BYE)

    assert said(record, "caller")[0] == "[keys: 12]"


def test_a_caller_is_heard_and_spoken_to_in_another_language(tmp_path: Path) -> None:
    caller, record = call(tmp_path, POLYGLOT, Listen(), ask("caller-hello"), *BYE)

    assert record["end_reason"] == "agent_completed"
    assert record["tools"][0]["result"] == {"switched": True}
    assert caller.heard_words == (GREETING, "Gern.", "Goodbye.")


def test_a_caller_hears_something_while_a_tool_takes_long(tmp_path: Path) -> None:
    steps = (Listen(), ask("caller-friday-two"), Wait(9000), HangUp())
    caller, record = call(tmp_path, RELAY, *steps, tool_seconds=7)

    assert said(record, "agent")[-1] == "It is booked."
    assert caller.heard_words[-1] == "It is booked."
    assert any(event.kind is Kind.REQUESTED and "/media/" in event.detail for event in caller.events)


def test_a_caller_who_waits_for_the_first_word_hears_the_whole_recording_and_then_music(
    tmp_path: Path,
) -> None:
    for name, hertz in (("voice", 500), ("music", 1200)):
        (tmp_path / f"{name}.wav").write_bytes(wav(pcm16(tone(hertz, 1.0))))
    hold = f"hold: {{strategy: audio_then_music, audio: {tmp_path}/voice.wav, music: {tmp_path}/music.wav}}\n"
    caller, record = call(tmp_path, RELAY, Wait(7000), HangUp(), greeting=None, text_ms=4000, more=hold)

    assert said(record, "agent") == [clip("agent-hello").text]
    assert caller.heard_words == (clip("agent-hello").text,)
    files = [event for event in caller.events if event.kind is Kind.REQUESTED and "/media/" in event.detail]
    assert len(files) == 2
    assert files[1].at_ms - files[0].at_ms > 1000


def test_a_caller_whose_connection_breaks_is_back_in_the_same_conversation(tmp_path: Path) -> None:
    steps = (Listen(), ask("caller-friday-two"), Wait(5000), *BYE[1:])
    broken = StreamFaults(drop_after_ms=3500, streams=1)
    caller, record = call(tmp_path, RELAY, *steps, stream=broken, alerts=frozenset({64105}))

    assert (record["status"], record["end_reason"]) == ("completed", "agent_completed")
    assert sum(event.kind is Kind.STREAM_OPENED for event in caller.events) == 2
    assert said(record, "agent")[0] == GREETING
    assert said(record, "agent")[-1] == "Goodbye."


def test_a_caller_who_hangs_up_ends_the_call(tmp_path: Path) -> None:
    _, record = call(tmp_path, RELAY, Listen(), HangUp())

    assert (record["status"], record["end_reason"]) == ("completed", "caller_hangup")
