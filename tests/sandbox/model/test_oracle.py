"""The judge of all events is strict: what is missing, wrong or invented does not pass."""

from __future__ import annotations

import json
import random

import pytest
from pydantic import ValidationError

from sandbox.model import Complain, Duplicate, Expire, Script, Session
from sandbox.model.faults import FaultyLine, Send, Timed
from sandbox.model.server_events import Cleared, to_json
from tests.sandbox.model.oracle import judge_client_event, judge_server_event
from tests.sandbox.model.virtual import Event


def session_created() -> Event:
    session = Session(model="gpt-realtime-2.1", script=Script(), rng=random.Random(1), now=0, epoch_s=1)
    event: Event = json.loads(json.dumps(to_json(next(iter(session.begin())), "event_1")))
    return event


@pytest.mark.parametrize(
    "change",
    [
        {"mood": "sunny"},
        {"object": "realtime.sofa"},
        {"expires_at": "tomorrow"},
        {"type": "realtime", "audio": {"input": {"format": {"type": "audio/mp3"}}}},
        {"audio": {"input": {"format": {"type": "audio/pcmu", "loudness": 3}}}},
    ],
)
def test_a_session_with_a_wrong_or_invented_field_does_not_pass(change: Event) -> None:
    event = session_created()
    judge_server_event(event)
    event["session"] |= change
    with pytest.raises((ValidationError, AssertionError)):
        judge_server_event(event)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "nope"},
        {"type": "response.cancel", "response": "r1"},
        {"type": "conversation.item.truncate", "item_id": "i1", "audio_end_ms": 1},
        {"type": "session.update", "session": {"type": "realtime", "voice": "marin"}},
        {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": 7}}}},
    ],
)
def test_a_client_event_with_a_missing_wrong_or_invented_field_does_not_pass(event: Event) -> None:
    with pytest.raises((ValidationError, AssertionError)):
        judge_client_event(event)


@pytest.mark.parametrize("fault", [Complain(), Expire(), Duplicate()])
def test_a_fault_that_is_meant_to_be_well_formed_is(fault: Timed) -> None:
    line = FaultyLine([fault], 1, lambda kind: f"{kind}_1", now=0)
    frames = [action.frame for action in line.passing(Cleared()) if isinstance(action, Send)]
    assert len(frames) == 2
    for frame in frames:
        judge_server_event(json.loads(frame))
