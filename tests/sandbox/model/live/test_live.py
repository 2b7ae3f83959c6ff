"""GPT-Live: a session in virtual time, judged by the openai package's types."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any

import pytest
from openai.types.live import ClientEvent, ServerEvent
from openai.types.responses import ResponseStreamEvent
from pydantic import Field, TypeAdapter

from sandbox.model import Call, Say, Script, say, when
from sandbox.model.live.session import LiveSession
from sandbox.speech import clip
from sandbox.speech.ulaw import silence
from tests.sandbox.model.text_oracle import judge

Event = dict[str, Any]

_SERVER: TypeAdapter[object] = TypeAdapter(Annotated[ServerEvent, Field(discriminator="type")])
_CLIENT: TypeAdapter[object] = TypeAdapter(Annotated[ClientEvent, Field(discriminator="type")])
_RESPONSE: TypeAdapter[object] = TypeAdapter(Annotated[ResponseStreamEvent, Field(discriminator="type")])

PCMU = {"type": "audio/pcmu", "rate": 8000}
MENU = Script(
    (
        when("caller-menu", (Say("One moment."), Call("read_menu", {"day": "today"}))),
        when("read_menu", say("agent-menu")),
    ),
    think_ms=100,
)
TOOLS = [{"type": "function", "name": "read_menu", "parameters": {"type": "object"}}]
DELEGATION = {"type": "responses", "responses": {"model": "gpt-5.6-luna", "tools": TOOLS}}


@dataclass
class Client:
    """Speaks to a session; `events` is all that came back."""

    script: Script = field(default_factory=lambda: Script(think_ms=100))
    lasts_ms: float | None = None
    now: float = 0.0
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session = LiveSession(
            script=self.script, rng=random.Random(1), now=0, epoch_s=1_800_000_000, lasts_ms=self.lasts_ms
        )

    def start(self, **session: object) -> Event:
        fields = {"model": "gpt-live-1", "audio": {"format": PCMU}, "delegation": DELEGATION, **session}
        (started,) = self.send("session.start", session=fields)
        return started

    def send(self, kind: str, **fields: object) -> list[Event]:
        event = {"type": kind, **fields}
        judge(_CLIENT, event)
        return self._take(self.session.handle(json.dumps(event), self.now))

    def wait(self, ms: float) -> list[Event]:
        until, came = self.now + ms, list[Event]()
        while (due := self.session.wake_at()) is not None and due <= until:
            self.now = max(self.now, due)
            came += self._take(self.session.wake(self.now))
        self.now = until
        return came

    def hear(self, ulaw: bytes) -> list[Event]:
        """Send sound in real time."""
        came: list[Event] = []
        for at in range(0, len(ulaw), 160):
            audio = base64.b64encode(ulaw[at : at + 160]).decode()
            came += self.send("session.input_audio.append", audio=audio) + self.wait(20)
        return came

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["type"] == kind]

    def sound(self) -> bytes:
        """All the sound so far."""
        deltas = self.of("session.output_audio.delta")
        return b"".join(base64.b64decode(event["delta"]) for event in deltas)

    def said(self) -> str:
        return "".join(event["delta"] for event in self.of("session.output_transcript.delta"))

    def _take(self, came: Any) -> list[Event]:
        taken = [event.json(f"event_{len(self.events) + n}") for n, event in enumerate(came)]
        for event in taken:
            judge(_SERVER, event)
            if event["type"] == "response.event":
                judge(_RESPONSE, event["event"])
        self.events += taken
        return taken


def called(**session: object) -> Client:
    client = Client()
    client.start(**session)
    return client


def test_nothing_is_done_before_the_start() -> None:
    client = Client()
    (error,) = client.send("session.input_audio.mute", event_id="e1")
    assert (error["error"]["code"], error["error"]["client_event_id"]) == ("session_not_started", "e1")
    started = client.start()
    assert started["session"]["audio"]["format"] == PCMU
    assert started["session"]["expires_at"] == 1_800_000_000 + 3600
    (again,) = client.send("session.start", session={"model": "gpt-live-1"})
    assert again["type"] == "error"


@pytest.mark.parametrize(
    "session",
    [
        {"audio": {"format": {"type": "audio/pcmu"}}},
        {"audio": {"format": {"type": "audio/pcm", "rate": 8000}}},
        {"turn_detection": None},
        {"instructions": "x" * 70_000},
        {"input": [{"role": "user", "content": [{"text": "x"}]}] * 129},
    ],
)
def test_a_session_that_openai_refuses_is_refused(session: dict[str, object]) -> None:
    client = Client()
    event = {"type": "session.start", "session": {"model": "gpt-live-1", **session}}
    (error,) = client.session.handle(json.dumps(event), 0)
    assert error.type == "error"
    assert client.session.config is None


def test_sound_never_stops_and_comes_at_the_pace_of_real_time() -> None:
    client = called()
    client.wait(3000)
    assert client.sound() == silence(3000)
    assert "event_id" not in client.of("session.output_audio.delta")[0]


def test_a_question_is_transcribed_and_answered_without_turns() -> None:
    client = called()
    client.hear(clip("caller-opening-hours").ulaw + silence(700))
    client.wait(clip("agent-hours").ms + 1000)
    heard = client.of("session.input_transcript.delta")
    assert "".join(event["delta"] for event in heard) == clip("caller-opening-hours").text
    assert all(one["end_ms"] == two["start_ms"] for one, two in pairwise(heard))
    assert clip("agent-hours").ulaw in client.sound()
    assert client.said() == clip("agent-hours").text


def test_it_falls_silent_by_itself_when_the_caller_speaks() -> None:
    client = called()
    client.hear(clip("caller-menu").ulaw + silence(700))
    client.wait(2000)
    client.hear(clip("caller-yes").ulaw)
    client.wait(5000)
    assert 0 < len(client.said()) < len(clip("agent-menu").text)
    assert clip("agent-menu").text.startswith(client.said())
    assert client.sound().endswith(silence(3000))


def test_an_instruction_is_how_to_greet_and_a_line_in_it_is_spoken() -> None:
    client = called()
    (appended,) = client.send("session.instructions.append", content="Greet the caller now.", event_id="e7")
    assert appended["client_event_id"] == "e7"
    client.wait(clip("agent-hello").ms + 200)
    client.send("session.instructions.append", content=f"Say: {clip('agent-warning').text}")
    client.send("session.commentary.append", content="Any words.")
    client.send("session.thinking.append", content="The caller is Ada.")
    client.wait(20_000)
    assert client.said() == f"{clip('agent-hello').text}{clip('agent-warning').text}Any words."


def test_a_function_is_delegated_and_its_result_is_spoken() -> None:
    client = Client(MENU)
    client.start()
    client.hear(clip("caller-menu").ulaw + silence(800))
    (created,) = client.of("session.delegation.created")
    assert created["delegation"]["target"] == "responses"
    events = client.of("response.event")
    assert {event["delegation_id"] for event in events} == {created["delegation"]["id"]}
    (call,) = [
        event["event"]["item"] for event in events if event["event"]["type"] == "response.output_item.done"
    ]
    assert (call["name"], call["status"], json.loads(call["arguments"])) == (
        "read_menu",
        "completed",
        {"day": "today"},
    )
    (early,) = client.send("response.create")
    assert early["type"] == "error"
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sea bass"}
    assert client.send("response.item.create", item=output) == []
    came = client.send("response.create")
    assert [came[0]["type"], came[-1]["type"]] == ["response.event", "session.usage.updated"]
    client.wait(clip("agent-menu").ms + 2000)
    assert client.said() == f"One moment.{clip('agent-menu').text}"


def test_a_client_may_do_the_work_itself() -> None:
    client = Client(MENU)
    client.start(delegation={"type": "client"})
    client.hear(clip("caller-menu").ulaw + silence(800))
    (created,) = client.of("session.delegation.created")
    assert created["delegation"]["target"] == "client"
    assert client.of("response.event") == []


def test_the_muted_caller_is_not_heard() -> None:
    client = called()
    assert client.send("session.input_audio.mute")[0]["type"] == "session.input_audio.muted"
    client.hear(clip("caller-menu").ulaw + silence(700))
    assert client.of("session.input_transcript.delta") == []
    assert client.send("session.input_audio.unmute")[0]["type"] == "session.input_audio.unmuted"


def test_a_recording_is_played_without_a_transcript_and_without_interruption() -> None:
    client = called()
    pcm = base64.b64encode(b"\x00\x20" * 24_000).decode()
    client.send("session.output_audio.fixture.play", audio=pcm)
    client.hear(clip("caller-yes").ulaw)
    client.wait(1000)
    kinds = [event["type"].rpartition(".")[2] for event in client.events if "fixture" in event["type"]]
    assert kinds == ["playing", "played"]
    assert client.said() == ""


def test_seconds_are_counted_silence_included_and_the_end_is_confirmed() -> None:
    client = called()
    client.wait(25_000)
    assert [event["usage"]["seconds"] for event in client.of("session.usage.updated")] == [10, 20]
    (closed,) = client.send("session.close", event_id="bye")
    assert (closed["reason"], closed["usage"], closed["client_event_id"]) == (
        "close_requested",
        {"seconds": 25},
        "bye",
    )
    assert client.session.closing is not None


def test_a_session_expires() -> None:
    client = Client(lasts_ms=5000)
    client.start()
    client.wait(6000)
    assert client.events[-1]["reason"] == "expired"
