"""The end of a session that is billed for as long as it is open, in a whole call in virtual time."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.model.connection import ModelGoneError
from sandbox.speech import clip
from tests.runtime.office import AGENT, open_office
from tests.runtime.virtual_time import run

LIVE = f"{AGENT}voice: {{model: gpt-live-1}}\n"
GREETING = clip("agent-greeting-bistro").ulaw
CHUNK = 800  # bytes: 100 ms
SESSION = {"id": "live_1", "audio": {"format": {"type": "audio/pcmu", "rate": 8000}}}


class LiveModel:
    """A model that speaks a greeting, then silence. With `closes` it ends its session when it is told to."""

    def __init__(self, *, closes: bool) -> None:
        self.told: list[str] = []
        self.closed_at: float | None = None
        self._closes = closes
        self._said = 0
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __call__(self, model: str) -> LiveModel:
        assert model == "gpt-live-1"
        return self

    async def listen(self, hear: Callable[[bytes], None]) -> None:
        while True:
            try:
                async with asyncio.timeout(0.1):
                    event = await self._events.get()
            except TimeoutError:
                event = self._sound()
            hear(json.dumps(event).encode())

    def _sound(self) -> dict[str, Any]:
        self._said += CHUNK
        piece = GREETING[self._said - CHUNK : self._said].ljust(CHUNK, b"\xff")
        return {"type": "session.output_audio.delta", "delta": b64encode(piece).decode()}

    def write(self, text: str) -> bool:
        event = json.loads(text)
        self.told.append(event["type"])
        if event["type"] == "session.start":
            self._events.put_nowait({"type": "session.started", "session": SESSION})
        elif event["type"] == "session.close" and self._closes:
            closed = {"type": "session.closed", "reason": "close_requested", "usage": {"seconds": 30.5}}
            self._events.put_nowait(closed)
        return True

    async def send(self, text: str) -> None:
        if self.closed_at is not None:
            raise ModelGoneError("closed with 1000")
        self.write(text)

    async def close(self) -> None:
        self.closed_at = asyncio.get_running_loop().time()


def call_of(folder: Path, model: LiveModel) -> tuple[dict[str, Any], float]:
    """Hold a call of ten seconds, and return its record and how long its end took."""

    async def story() -> tuple[dict[str, Any], float]:
        async with open_office(folder, LIVE, connect=model) as office:
            async with await office.phone(await office.webhook()) as phone:
                phone.start()
                await phone.until(lambda phone: GREETING[-CHUNK:] in phone.heard)
                await asyncio.sleep(10)
                phone.stop()
                stopped_at = asyncio.get_running_loop().time()
                await office.over()
            took = asyncio.get_running_loop().time() - stopped_at
            return {**await office.record()}, took

    return run(story())


def test_the_record_has_the_last_word_of_the_session_on_what_it_took(tmp_path: Path) -> None:
    model = LiveModel(closes=True)
    record, took = call_of(tmp_path, model)
    assert model.told.count("session.close") == 1
    assert record["cost"]["tokens"]["session_seconds"] == 30.5
    assert record["end_reason"] == "caller_hangup"
    assert took < 1.5


def test_a_session_that_does_not_say_goodbye_is_counted_by_its_sound_and_waited_for_in_vain_once(
    tmp_path: Path,
) -> None:
    model = LiveModel(closes=False)
    record, took = call_of(tmp_path, model)
    assert record["cost"]["tokens"]["session_seconds"] == pytest.approx(18, abs=2)
    assert 4 < took < 7
    assert model.closed_at is not None
