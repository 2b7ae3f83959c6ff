"""Faults happen when they were asked for, once, and on the connection that they were asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from sandbox.model import (
    Close,
    Complain,
    Drip,
    Drop,
    Duplicate,
    EchoPcm,
    Expire,
    Fault,
    LastOnly,
    Malformed,
    Refuse,
    SendPcm,
    Stall,
    UnknownEvent,
    When,
)
from sandbox.model import server_events as tell
from sandbox.model.config import Pcmu
from sandbox.model.faults import Action, FaultyLine, HangUp, Send, quirks_of, refused_status
from sandbox.model.response_object import ResponseAudio, ResponseAudioOutput, ResponseObject
from sandbox.model.session import Quirks
from tests.sandbox.model.virtual import Client

CLEARED = tell.Cleared()
CREATED = tell.ResponseCreated(
    response=ResponseObject(
        id="resp_1",
        status="in_progress",
        audio=ResponseAudio(output=ResponseAudioOutput(format=Pcmu(), voice="marin")),
        conversation_id="conv_1",
        output_modalities=("audio",),
        max_output_tokens="inf",
        metadata=None,
    )
)
SOUND = tell.AudioDelta(response_id="resp_1", item_id="item_1", output_index=0, delta="AAAA")


def line(*faults: Fault, connection: int = 1) -> FaultyLine:
    return FaultyLine(faults, connection, lambda kind: f"{kind}_1", now=1000)


def pass_all(through: FaultyLine, *events: tell.ServerEvent) -> list[Action]:
    return [action for event in events for action in through.passing(event)]


def told(actions: Sequence[Action]) -> list[str]:
    return [json.loads(action.frame)["type"] for action in actions if isinstance(action, Send)]


def test_without_faults_every_event_passes_as_a_frame_with_an_id() -> None:
    (action,) = line().passing(CLEARED)
    assert isinstance(action, Send)
    assert json.loads(action.frame) == {"type": "input_audio_buffer.cleared", "event_id": "event_1"}


def test_a_fault_by_turn_waits_for_that_turns_first_sound() -> None:
    through = line(Drop(When(turn=2)))
    assert HangUp() not in pass_all(through, CREATED, SOUND, SOUND, CREATED)
    assert pass_all(through, SOUND)[-1] == HangUp()


def test_a_fault_by_count_follows_that_event() -> None:
    actions = pass_all(line(Close(1011, "oops", When(events=2))), CLEARED, CLEARED)
    assert actions[-1] == HangUp(1011, "oops")
    assert len(actions) == 3


def test_a_fault_by_time_happens_at_its_time_and_once() -> None:
    through = line(Drop(When(ms=500)))
    due = through.wake_at
    happened = [through.wake(now) for now in (1499, 1500, 1600)]
    assert happened == [[], [HangUp()], []]
    assert (due, through.wake_at) == (1500, None)


def test_a_fault_is_of_the_first_connection_unless_told_otherwise() -> None:
    assert pass_all(line(Drop(), connection=2), CLEARED) == pass_all(line(), CLEARED)
    assert HangUp() in pass_all(line(Drop(When(events=1, connection=None)), connection=2), CLEARED)


def test_an_expired_session_says_so_and_closes_with_1001() -> None:
    actions = pass_all(line(Expire()), CLEARED)
    assert told(actions) == ["input_audio_buffer.cleared", "error"]
    assert actions[-1] == HangUp(1001)


def test_a_benign_error_is_an_event_like_others() -> None:
    through = line(Complain("item_truncate_invalid_item_id", "no such item", When(events=2)))
    actions = pass_all(through, CLEARED, CLEARED, CLEARED)
    assert told(actions) == ["input_audio_buffer.cleared"] * 2 + ["error", "input_audio_buffer.cleared"]
    assert isinstance(actions[2], Send)
    assert json.loads(actions[2].frame)["error"]["code"] == "item_truncate_invalid_item_id"


def test_a_short_session_is_of_its_connection() -> None:
    faults = [LastOnly(300), LastOnly(20, connection=2)]
    assert [quirks_of(faults, number).lasts_ms for number in (1, 2, 3)] == [300_000, 20_000, None]


def test_a_stalled_server_says_nothing_more() -> None:
    through = line(Stall(When(events=2)))
    assert len(pass_all(through, CLEARED, CLEARED, CLEARED, CLEARED)) == 2


def test_a_dripping_server_takes_its_time() -> None:
    through = line(Drip(300))
    assert [a.after_ms for a in pass_all(through, CLEARED, CLEARED) if isinstance(a, Send)] == [0, 300]


def test_a_malformed_frame_is_half_of_one() -> None:
    whole, half = pass_all(line(Malformed()), CLEARED)
    assert isinstance(whole, Send)
    assert isinstance(half, Send)
    assert whole.frame.startswith(half.frame)
    with pytest.raises(ValueError, match=r"\w"):
        json.loads(half.frame)


def test_an_unknown_event_is_valid_json() -> None:
    assert told(pass_all(line(UnknownEvent()), CLEARED)) == [
        "input_audio_buffer.cleared",
        "response.mood.delta",
    ]


def test_a_duplicate_has_the_same_event_id() -> None:
    first, second = pass_all(line(Duplicate()), CLEARED)
    assert first == second


def test_the_first_connections_are_refused() -> None:
    faults = [Refuse(503, connections=2)]
    assert [refused_status(faults, number) for number in (1, 2, 3)] == [503, 503, None]


def test_format_faults_are_of_the_session() -> None:
    faults: list[Fault] = [EchoPcm(times=2), SendPcm(connection=None)]
    first, second = quirks_of(faults, 1), quirks_of(faults, 2)
    assert (first.echo_pcm, first.send_pcm) == (2, True)
    assert (second.echo_pcm, second.send_pcm) == (0, True)


def test_a_short_session_announces_its_end_and_keeps_to_it() -> None:
    client = Client(quirks=Quirks(lasts_ms=300_000))
    assert client.events[0]["session"]["expires_at"] == 1_800_000_300
    assert client.wait(299_000) == []
    (error,) = client.wait(2000)
    assert error["error"]["code"] == "session_expired"
    assert client.session.closing is not None
    assert client.session.closing.code == 1001
