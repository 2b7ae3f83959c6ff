"""A strange server for our runtime: speech-to-speech's Realtime server, with a brain of a few lines.

    python speech_server.py [--claims-mulaw]

It prints its base URL and serves until its standard input ends. Heard speech is answered after half a second
of silence; the sound is a tone, of another pitch for each answer. It runs in the witnesses' environment and
imports nothing of the project.

speech-to-speech 1.1 hears and speaks PCM16 only, yet echoes `audio/pcmu` where that is asked for. So that its
word can be taken for it, each `session.update` has its formats replaced by 24 kHz PCM on the way in, which
the echo then says; with `--claims-mulaw` it goes unchanged.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from itertools import count
from queue import Queue

import numpy as np
import uvicorn
from speech_to_speech.api.openai_realtime.pipeline_unit import PipelineUnit
from speech_to_speech.api.openai_realtime.service import RealtimeService
from speech_to_speech.api.openai_realtime.websocket_router import create_app
from speech_to_speech.pipeline.cancel_scope import CancelScope
from speech_to_speech.pipeline.control import SESSION_END, is_control_message
from speech_to_speech.pipeline.events import (
    AssistantOutputEvent,
    AssistantResponseDoneEvent,
    SpeechStartedEvent,
    SpeechStoppedEvent,
    TranscriptionCompletedEvent,
)
from speech_to_speech.pipeline.messages import AUDIO_RESPONSE_DONE, AssistantTextPart, AudioOutput
from starlette.types import ASGIApp, Message, Receive, Scope, Send

RATE = 16_000  # Hz, of its pipeline
CHUNK = 512  # samples, of what it hears
LOUD = 500  # root mean square of 16-bit samples
PATIENCE = 16  # chunks of silence that end a turn: half a second
PITCHES = (400, 800, 1200)  # Hz
TONE_SECONDS = 1.5
PCM = {"type": "audio/pcm", "rate": 24_000}


def unit() -> PipelineUnit:
    """Return a place for one session at a time."""
    listening = threading.Event()
    listening.set()
    prompts: Queue[object] = Queue()
    return PipelineUnit(
        index=0,
        service=RealtimeService(text_prompt_queue=prompts, should_listen=listening),
        cancel_scope=CancelScope(),
        should_listen=listening,
        response_playing=threading.Event(),
        input_queue=Queue(),
        output_queue=Queue(),
        text_output_queue=Queue(),
        text_prompt_queue=prompts,
        handlers=[],
    )


def hear(place: PipelineUnit) -> None:
    """Find the caller's turns by loudness, for ever."""
    heard = spoken = quiet = turn = 0
    while True:
        item = place.input_queue.get()
        if is_control_message(item, SESSION_END.kind):
            heard = spoken = quiet = 0
            place.output_queue.put(item)
            continue
        loud = np.sqrt(np.mean(np.frombuffer(item[0], np.int16).astype(np.float64) ** 2)) > LOUD
        at_ms, heard = heard * CHUNK * 1000 // RATE, heard + 1
        quiet = 0 if loud else quiet + 1
        if loud and not spoken:
            turn += 1
            place.text_output_queue.put(
                SpeechStartedEvent(audio_start_ms=at_ms, turn_id=f"turn{turn}", turn_revision=0)
            )
        spoken = spoken + 1 if spoken or loud else 0
        if spoken and quiet >= PATIENCE:
            about = {"turn_id": f"turn{turn}", "turn_revision": 0}
            seconds = spoken * CHUNK / RATE
            place.text_output_queue.put(SpeechStoppedEvent(duration_s=seconds, audio_end_ms=at_ms, **about))
            place.text_output_queue.put(TranscriptionCompletedEvent(transcript=f"question {turn}", **about))
            spoken = 0


def answer(place: PipelineUnit) -> None:
    """Answer each prompt with a tone, for ever."""
    for number in count():
        prompt = place.text_prompt_queue.get()
        about = {
            "response_key": prompt.response_key,
            "turn_id": prompt.turn_id,
            "turn_revision": prompt.turn_revision,
        }
        text = AssistantTextPart(text=f"answer {number}")
        place.output_queue.put(AssistantOutputEvent(parts=[text], **about))
        for piece in tone(PITCHES[number % len(PITCHES)]):
            place.output_queue.put(AudioOutput(audio=piece, response_key=prompt.response_key))
        place.output_queue.put(AssistantResponseDoneEvent(**about))
        place.output_queue.put(AudioOutput(audio=AUDIO_RESPONSE_DONE, response_key=prompt.response_key))


def tone(pitch: int) -> Iterator[bytes]:
    """Yield a tone in pieces of 32 ms."""
    moments = np.arange(int(RATE * TONE_SECONDS)) / RATE
    samples = (8000 * np.sin(2 * np.pi * pitch * moments)).astype(np.int16)
    for start in range(0, len(samples), CHUNK):
        yield samples[start : start + CHUNK].tobytes()


class SpeaksPcm:
    """Stands before the server and replaces the formats that a client asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""

        async def received() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and '"session.update"' in (message.get("text") or ""):
                event = json.loads(message["text"])
                for way in event["session"].get("audio", {}).values():
                    way["format"] = PCM
                return {**message, "text": json.dumps(event)}
            return message

        await self._app(scope, received, send)


def main() -> None:
    """Serve on a free port of this machine until the input ends."""
    place = unit()
    for duty in (hear, answer):
        threading.Thread(target=duty, args=(place,), daemon=True).start()
    stopped = threading.Event()
    app: ASGIApp = create_app(pool=[place], stop_event=stopped)
    if "--claims-mulaw" not in sys.argv:
        app = SpeaksPcm(app)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))

    def stop() -> None:
        sys.stdin.read()
        stopped.set()
        server.should_exit = True

    threading.Thread(target=stop, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}/v1\n")
    sys.stdout.flush()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
