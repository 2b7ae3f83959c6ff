"""Gather mode through real sockets: what its turns of one request each bring."""

from __future__ import annotations

from pathlib import Path

from sandbox.network import HangUp, Interrupt, Kind, Listen, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.text_calls import LONG_GREETING, ask, call

GATHER = "mode: gather"


def test_a_caller_who_interrupts_is_answered_and_the_record_ends_where_they_stopped_hearing(
    tmp_path: Path,
) -> None:
    steps = (Interrupt("caller-yes", 1500), Wait(3000), HangUp())
    caller, record = call(tmp_path, GATHER, *steps, greeting=LONG_GREETING)

    greeting = record["transcript"][0]
    assert greeting["interrupted"] is True
    assert LONG_GREETING.startswith(greeting["text"])
    assert abs(len(greeting["text"]) - len(caller.heard_words[0])) <= 12  # less than a second
    assert said(record, "agent")[1] == "Yes?"


def test_a_caller_hears_a_sound_while_a_tool_takes_long(tmp_path: Path) -> None:
    steps = (Listen(), ask("caller-friday-two"), Wait(9000), HangUp())
    caller, record = call(tmp_path, GATHER, *steps, tool_seconds=4.8)

    assert "It is booked." in said(record, "agent")
    assert caller.heard_words[-1] == "It is booked."
    assert any(event.kind is Kind.REQUESTED and "/media/" in event.detail for event in caller.events)


def test_a_caller_waits_for_the_first_word_with_a_sound_and_is_fetched_out_of_it(tmp_path: Path) -> None:
    steps = (Wait(6000), HangUp())
    hold = "hold: {strategy: text, text: Please hold.}\n"
    caller, record = call(tmp_path, GATHER, *steps, greeting=None, text_ms=2500, more=hold)

    assert said(record, "agent") == [clip("agent-hello").text]
    assert caller.heard_words == ("Please hold.", clip("agent-hello").text)
