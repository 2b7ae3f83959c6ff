"""Whatever is said to a model passes the types of OpenAI's own package, and the sandbox's model takes it."""

from __future__ import annotations

import json
import random
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from runtime.call.tools.built_in import HANG_UP_FUNCTION, OPTIONAL, transfer_function
from runtime.call.tools.toolset import Function, Toolset
from runtime.engines.realtime import RealtimeEngine
from runtime.engines.realtime_session import RealtimeSettings
from sandbox.model import Script, Session
from sandbox.model.server_events import to_json
from schemas.tools import McpServer
from schemas.voice import REALTIME_VOICES, SemanticVad, ServerVad
from tests.sandbox.model.oracle import judge_client_event, judge_server_event

SAID = [
    ConfigureModel(),
    HearCaller("//9/"),
    Respond(),
    Respond(say='Say "hello".'),
    Respond(guidance="Ask for the name."),
    Respond(guidance="Tell the caller to wait.", acts=False),
    Recall("caller", "I would like a table."),
    Recall("agent", "For how many?", "item_7"),
    Recall("system", "The call went on elsewhere."),
    TellModel("[keys: 12]"),
    AnswerTool("c1", '{"ok": true}'),
    CancelResponse("r1"),
    TruncateItem("i1", 640),
    DeleteItem("i1"),
]
TOOLS = [
    HANG_UP_FUNCTION,
    *OPTIONAL.values(),
    transfer_function([(None, None)]),
    transfer_function([("kitchen", "the menu"), ("owner", None)]),
    Function(
        "find_booking", "Looks a booking up", {"type": "object", "properties": {"name": {"type": "string"}}}
    ),
]
SERVERS = [
    McpServer(label="crm", url="https://crm.example/mcp"),
    McpServer(label="till", url="https://till.example/mcp", allowed_tools=("total", "refund")),
]

settings = st.builds(
    RealtimeSettings,
    instructions=st.text(max_size=200),
    voice=st.sampled_from([*REALTIME_VOICES, "voice_123"]),
    turn_detection=st.one_of(
        st.builds(
            ServerVad,
            threshold=st.floats(0, 1),
            prefix_padding_ms=st.integers(0, 2000),
            silence_duration_ms=st.integers(100, 5000),
        ),
        st.builds(SemanticVad, eagerness=st.sampled_from(["low", "medium", "high", "auto"])),
    ),
    noise_reduction=st.sampled_from([None, "near_field", "far_field"]),
    language=st.sampled_from([None, "en", "de"]),
    speed=st.one_of(st.none(), st.floats(0.25, 1.5)),
    acts_on_speech=st.booleans(),
    tools=st.lists(st.sampled_from(TOOLS), unique_by=lambda function: function.name).map(
        lambda functions: Toolset.of(*functions)
    ),
    mcp=st.lists(st.sampled_from(SERVERS), unique_by=lambda server: server.label).map(tuple),
)


def test_nothing_that_can_be_said_to_a_model_is_left_out_below() -> None:
    assert {type(action) for action in SAID} == set(get_args(EngineAction))


@pytest.mark.parametrize("action", SAID)
def test_what_is_sent_passes_the_strict_types_without_an_invented_field(action: EngineAction) -> None:
    judge_client_event(json.loads(RealtimeEngine(RealtimeSettings("Be kind.")).encode(action)))


@given(settings)
def test_every_agents_session_is_understood_and_echoed_as_it_was_meant(asked: RealtimeSettings) -> None:
    engine = RealtimeEngine(asked)
    model = Session(model=engine.model, script=Script(), rng=random.Random(1), now=0, epoch_s=1_790_000_000)
    frame = engine.encode(ConfigureModel())
    judge_client_event(json.loads(frame))
    (answer,) = model.handle(frame, 0)
    event = json.loads(json.dumps(to_json(answer, "event_1")))
    judge_server_event(event)
    configured = engine.decode(json.dumps(event))
    assert configured is not None
    assert getattr(configured, "matches", None) is True, configured
