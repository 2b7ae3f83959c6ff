"""A client in virtual time: no sockets, no sleeping, every event judged by the oracle."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass, field
from typing import Any

from sandbox.model import Script, Session
from sandbox.model.server_events import to_json
from sandbox.model.session import Quirks
from sandbox.speech import clip
from sandbox.speech.ulaw import silence
from tests.sandbox.model.oracle import judge_client_event, judge_server_event

FRAME = 160

PCMU: dict[str, object] = {"type": "audio/pcmu"}

Event = dict[str, Any]


def phone_session(**input_fields: object) -> Event:
    """A `session.update` as a telephone bridge sends it."""
    return {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "audio": {"input": {"format": PCMU, **input_fields}, "output": {"format": PCMU}},
        },
    }


@dataclass
class Client:
    """Speaks to a `Session`; `events` is all that came back, each with the time `at` of its coming."""

    script: Script = field(default_factory=Script)
    quirks: Quirks = field(default_factory=Quirks)
    seed: int = 0
    now: float = 0.0
    events: list[Event] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session = Session(
            model="gpt-realtime-2.1",
            script=self.script,
            rng=random.Random(self.seed),
            now=self.now,
            epoch_s=1_800_000_000,
            quirks=self.quirks,
        )
        self._take(self.session.begin())

    def send(self, event: Event, *, judged: bool = True) -> list[Event]:
        """Send one event and return what came back at once."""
        if judged:
            judge_client_event(event)
        return self.send_raw(json.dumps(event))

    def send_raw(self, frame: str) -> list[Event]:
        return self._take(self.session.handle(frame, self.now))

    def wait(self, ms: float) -> list[Event]:
        """Let time pass, waking the session whenever it wants to be woken."""
        until = self.now + ms
        came: list[Event] = []
        while (due := self.session.wake_at()) is not None and due <= until:
            self.now = max(self.now, due)
            came += self._take(self.session.wake(self.now))
        self.now = until
        return came

    def hear(self, ulaw: bytes) -> list[Event]:
        """Send audio in real time, 20 ms at a time."""
        came: list[Event] = []
        for start in range(0, len(ulaw), FRAME):
            came += self.append(ulaw[start : start + FRAME])
            came += self.wait(20)
        return came

    def append(self, audio: bytes) -> list[Event]:
        return self.send(
            {"type": "input_audio_buffer.append", "audio": base64.b64encode(audio).decode()}, judged=False
        )

    def speak(self, name: str, *, silence_ms: int = 700) -> list[Event]:
        """Say a clip, with the silence that ends the turn."""
        return self.hear(clip(name).ulaw + silence(silence_ms))

    def of(self, event_type: str) -> list[Event]:
        return [event for event in self.events if event["type"] == event_type]

    def _take(self, came: Any) -> list[Event]:
        taken = [json.loads(json.dumps(to_json(event, f"event_{len(self.events)}"))) for event in came]
        for event in taken:
            judge_server_event(event)
        self.events += taken
        self.at += [self.now] * len(taken)
        return taken


def types(events: list[Event]) -> list[str]:
    """The types in order, runs of one type and interleaved deltas folded into one."""
    folded: list[str] = []
    for event in events:
        name = event["type"]
        if name.endswith(".delta"):
            name = "delta"
        if not (name == "delta" and folded and folded[-1] == "delta"):
            folded.append(name)
    return folded


def audio_of(events: list[Event]) -> bytes:
    """All the sound in these events."""
    return b"".join(
        base64.b64decode(event["delta"]) for event in events if event["type"] == "response.output_audio.delta"
    )


def phone_client(script: Script | None = None, **input_fields: object) -> Client:
    """A client whose session is set up for the telephone."""
    client = Client(script or Script())
    assert types(client.send(phone_session(**input_fields))) == ["session.updated"]
    client.events.clear()
    client.at.clear()
    return client
