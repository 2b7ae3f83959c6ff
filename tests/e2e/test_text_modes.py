"""What holds for relay and gather mode alike: the same talk gives the same record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sandbox.model.text.faults import BreakOff, Deny, TextFault
from sandbox.network import HangUp, Listen, Press, Wait
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.text_calls import BYE, GREETING, SORRY, ask, call

MODES = ("relay", "gather")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("api", "faults"), [("responses", ()), ("chat", (None, BreakOff(0)))])
def test_a_caller_books_a_table_and_says_goodbye(
    tmp_path: Path, mode: str, api: str, faults: Sequence[TextFault | None]
) -> None:
    voice = f"mode: {mode}, api: {api}"
    caller, record = call(tmp_path, voice, Listen(), ask("caller-friday-two"), *BYE, faults=faults)

    assert (record["status"], record["end_reason"]) == ("completed", "agent_completed")
    words = [clip("caller-friday-two").text, clip("caller-thanks-goodbye").text]
    assert said(record, "caller") == words
    assert said(record, "agent") == [GREETING, "It is booked.", "Goodbye."]
    assert caller.heard_words == (GREETING, "It is booked.", "Goodbye.")
    assert [(use["name"], use["result"]) for use in record["tools"]] == [
        ("find_table", {"table": 4}),
        ("hang_up", None),
    ]
    assert len(record["latency"]["turns"]) == 2
    assert record["cost"]["tokens"]["text_out"] > 0


@pytest.mark.parametrize("mode", MODES)
def test_keys_that_the_agent_asked_for_reach_its_tool(tmp_path: Path, mode: str) -> None:
    steps = (Listen(), ask("caller-menu"), Wait(2500), Press("4711"))
    _, record = call(tmp_path, f"mode: {mode}", *steps, *BYE)

    assert {use["name"]: use["result"] for use in record["tools"]}["collect_digits"] == {
        "digits": "4711",
        "ended_by": "max_digits",
    }


@pytest.mark.parametrize("mode", MODES)
def test_a_model_that_cannot_be_had_is_answered_for_by_the_fallback_message(
    tmp_path: Path, mode: str
) -> None:
    faults = (Deny(500),) * 20
    steps = (Listen(), ask("caller-friday-two"), Wait(8000), HangUp())
    caller, record = call(tmp_path, f"mode: {mode}", *steps, faults=faults)

    assert (record["status"], record["end_reason"]) == ("completed", "model_error")
    assert caller.heard_words[-1] == SORRY


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_that_was_begun_early_leaves_with_the_callers_last_words(tmp_path: Path, mode: str) -> None:
    steps = (Listen(), ask("caller-yes"), Wait(2500), HangUp())
    _, record = call(tmp_path, f"mode: {mode}", *steps, text_ms=200)

    (turn,) = record["latency"]["turns"]
    assert turn["frame_ms"] <= 50
    assert record["cost"]["tokens"]["text_out"] > 0
