"""CPU per frame of a call's core: decode, decide, encode, both ways. Run: python -m bench.call_core.

Caller to model: a Media Streams `media` message of 20 ms becomes an `input_audio_buffer.append`.
Model to caller: 20 ms in an `output_audio.delta` become Media Streams messages; marks are sent and come back.
The budget is 10 µs per frame each way.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable

from runtime.call.actions import ClearPlayback, HearCaller, PlayAudio, PlayMark
from runtime.call.events import Event, ModelConfigured, ModelConnected, StreamStarted
from runtime.call.machine import CallMachine
from runtime.call.plan import CallPlan
from runtime.engines.realtime import RealtimeEngine
from runtime.engines.realtime_session import RealtimeSettings
from runtime.legs import media_streams

FRAMES = 50_000
FRAME_SECONDS = 0.02
STREAM = "MZ" + "0" * 32
PAYLOAD = b64encode(bytes(range(160))).decode()
ENGINE = RealtimeEngine(RealtimeSettings("Be kind."))


def main() -> None:
    """Print µs per frame for both directions."""
    for name, measure in (("caller to model", caller_to_model), ("model to caller", model_to_caller)):
        print(f"{name}: {best_of(measure, 5):.1f} µs per 20 ms frame")


def best_of(measure: Callable[[], float], runs: int) -> float:
    """Return the lowest of several measurements, in µs per frame: the one that was disturbed least."""
    return min(measure() for _ in range(runs)) / FRAMES * 1e6


def caller_to_model() -> float:
    """Return the seconds that all frames of a caller take."""
    machine = talking()
    frames = [media_frame(number) for number in range(FRAMES)]
    started = time.perf_counter()
    for number, frame in enumerate(frames):
        event = media_streams.decode(frame)
        assert event is not None
        for action in machine.handle(event, 1 + number * FRAME_SECONDS):
            assert isinstance(action, HearCaller)
            ENGINE.encode(action)
        machine.wake_at()
    return time.perf_counter() - started


def media_frame(number: int) -> str:
    """Return the caller's frame of this number, with the time that it says."""
    media = {"track": "inbound", "chunk": str(number + 1), "timestamp": str(number * 20), "payload": PAYLOAD}
    return json.dumps(
        {"event": "media", "sequenceNumber": str(number + 3), "streamSid": STREAM, "media": media}
    )


def model_to_caller() -> float:
    """Return the seconds that all frames of an agent take, at the pace of a model that echoes."""
    machine = talking()
    delta = {"type": "response.output_audio.delta", "event_id": "e", "response_id": "r", "item_id": "i"}
    message = json.dumps({**delta, "output_index": 0, "content_index": 0, "delta": PAYLOAD}).encode()
    started = time.perf_counter()
    for number in range(FRAMES):
        now = 1 + number * FRAME_SECONDS
        event = ENGINE.decode(message)
        assert event is not None
        marks = send(machine, event, now)
        for name in marks:
            echo = media_streams.decode(
                f'{{"event":"mark","streamSid":"{STREAM}","mark":{{"name":"{name}"}}}}'
            )
            assert echo is not None
            machine.handle(echo, now)
        machine.wake_at()
    return time.perf_counter() - started


def send(machine: CallMachine, event: Event, now: float) -> list[str]:
    """Let the machine handle the event, encode what it sends and return the marks among it."""
    marks = []
    for action in machine.handle(event, now):
        assert isinstance(action, PlayAudio | PlayMark | ClearPlayback)
        media_streams.encode(action, STREAM)
        if isinstance(action, PlayMark):
            marks.append(action.name)
    return marks


def talking() -> CallMachine:
    """Return a call in which both sides are there."""
    machine = CallMachine(CallPlan(max_call_seconds=1e9), now=0.0)
    for event in (ModelConnected(), ModelConfigured(True), StreamStarted(STREAM)):
        machine.handle(event, 0.5)
    return machine


if __name__ == "__main__":
    main()
