"""A stranger who holds a call with our model: a RealtimeRunner of openai-agents, in a process of its own.

    python agents_client.py ws://127.0.0.1:PORT/v1/realtime?model=NAME QUESTION.ulaw ...

It asks each question (8 kHz µ-law) in real time, as soon as the answer to the one before is there; one with
a `+` before its name interrupts that answer a second after its begin. At the end it prints one JSON object of
what it met with. It runs in the witnesses' environment and imports nothing of the project.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession

FRAME = 160  # bytes: 20 ms
SILENCE = b"\xff" * FRAME
PATIENCE_S = 20.0
PAUSE_S = 0.3
INTERRUPT_S = 1.0
SESSION = {
    "model_name": "gpt-realtime-2.1",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": "g711_ulaw",
            "transcription": {"model": "gpt-transcribe"},
            "turn_detection": {"type": "server_vad", "interrupt_response": True},
        },
        "output": {"format": "g711_ulaw", "voice": "marin"},
    },
}


@dataclass(frozen=True)
class Question:
    """What is said, and whether it cuts the answer before it off."""

    ulaw: bytes
    interrupts: bool


def question(name: str) -> Question:
    """Read a question's file."""
    return Question(Path(name.removeprefix("+")).read_bytes(), name.startswith("+"))


def read_menu(day: str) -> str:
    """Read the menu of a day."""
    return f"the menu of {day}"


@dataclass
class Met:
    """What the session told, by type; the sound that came; the tools that ran, and the errors."""

    events: Counter[str] = field(default_factory=Counter)
    audio: int = 0
    tools: list[list[str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)


async def listen(session: RealtimeSession, met: Met) -> None:
    """Note every event until the session ends."""
    async for event in session:
        met.events[event.type] += 1
        if event.type == "audio":
            met.audio += len(event.audio.data)
            met.begun.set()
        elif event.type == "audio_end":
            met.answered.set()
        elif event.type == "tool_end":
            met.tools.append([event.tool.name, str(event.output)])
        elif event.type == "error":
            met.errors.append(str(event.error))


async def speak(session: RealtimeSession, spoken: asyncio.Queue[bytes]) -> None:
    """Send a frame every 20 ms, as a telephone does: what is to be said, else silence."""
    clock = asyncio.get_running_loop().time
    due = clock()
    line = b""
    while True:
        if not line and not spoken.empty():
            line = spoken.get_nowait()
        frame, line = line[:FRAME], line[FRAME:]
        await session.send_audio(frame.ljust(FRAME, b"\xff") if frame else SILENCE)
        due += FRAME / 8000
        await asyncio.sleep(max(0.0, due - clock()))


async def ask(questions: Sequence[Question], met: Met, spoken: asyncio.Queue[bytes]) -> None:
    """Ask one question after the other, and wait for the last answer."""
    for question in questions:
        async with asyncio.timeout(PATIENCE_S):
            await (met.begun if question.interrupts else met.answered).wait()
        await asyncio.sleep(INTERRUPT_S if question.interrupts else PAUSE_S)
        met.begun.clear()
        met.answered.clear()
        spoken.put_nowait(question.ulaw)
    async with asyncio.timeout(PATIENCE_S):
        await met.answered.wait()


async def call(url: str, questions: Sequence[Question]) -> Met:
    """Hold the call."""
    met = Met()
    met.answered.set()
    agent = RealtimeAgent(
        name="stranger", instructions="You wait at tables.", tools=[function_tool(read_menu)]
    )
    runner = RealtimeRunner(agent, config={"model_settings": SESSION, "tracing_disabled": True})
    spoken: asyncio.Queue[bytes] = asyncio.Queue()
    async with await runner.run(model_config={"url": url, "api_key": "sk-stranger"}) as session:
        duties = [asyncio.create_task(listen(session, met)), asyncio.create_task(speak(session, spoken))]
        try:
            await ask(questions, met, spoken)
        finally:
            for duty in duties:
                duty.cancel()
            await asyncio.gather(*duties, return_exceptions=True)
    return met


def main() -> None:
    """Hold one call and say how it went."""
    url, *names = sys.argv[1:]
    met = asyncio.run(call(url, [question(name) for name in names]))
    report = {"events": met.events, "audio": met.audio, "tools": met.tools, "errors": met.errors}
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
