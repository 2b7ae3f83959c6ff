"""Many calls of every kind through one node in virtual time, and what of them stays in memory.

`soak` runs its waves one after the other; each holds every kind of call at once. After each wave nothing may
be left of its calls: no task, timer, open file or entry in the registry. What remains in memory is measured,
for the caller to judge.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import tracemalloc
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import httpx2
import structlog

from runtime import calls
from tests.runtime.fakes import SECOND_OF_SPEECH, FakeModel, Json, Phone
from tests.runtime.office import FRONT_DESK, Office, open_office
from tests.runtime.virtual_time import VirtualTimeLoop, run

# Ended calls whose answers are kept, here: fewer than one wave has, so that no more come to be kept later.
REMEMBERED = 10
SHORT_LINE = "+14155550124"
STAFF_LINE = "+14155550125"
DECLARATIONS = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
greeting: Good evening.
instructions: Take reservations.
fallback_message: Please call again later.
tools: [{{builtin: [send_digits, take_message]}}]
---
kind: Agent
name: short-line
numbers: {SHORT_LINE}
instructions: Be brief.
hold: {{strategy: text, text: One moment.}}
max_call_seconds: 30
---
kind: Agent
name: staff-line
numbers: {STAFF_LINE}
instructions: Help the staff.
allow_callers: +49*
"""
NUMBERS = {"front-desk": FRONT_DESK, "short-line": SHORT_LINE, "staff-line": STAFF_LINE}
BARGE_IN = {"type": "input_audio_buffer.speech_started", "item_id": "item_c", "audio_start_ms": 100}
SPOKEN = bytes(range(160))


class Models:
    """Connects each call to a model of its own; those of calls in `refusing` cannot be had."""

    def __init__(self) -> None:
        self.refusing: set[str] = set()
        self._of: defaultdict[str, FakeModel] = defaultdict(FakeModel)

    async def __call__(self, model: str) -> FakeModel:
        call_sid: str = structlog.contextvars.get_contextvars()["call"]
        fake = self.of(call_sid)
        fake.refuses = call_sid in self.refusing
        fake.closed = False
        return await fake(model)

    def of(self, call_sid: str) -> FakeModel:
        """Return the model of a call."""
        return self._of[call_sid]

    def forget(self) -> None:
        """Forget the models of calls that are over; their connections must be closed."""
        assert [sid for sid, model in self._of.items() if not (model.closed or model.refuses)] == []
        self._of.clear()
        self.refusing.clear()


@dataclass
class Scene:
    """One call of the soak."""

    office: Office
    models: Models
    sid: str
    agent: str

    @property
    def model(self) -> FakeModel:
        """The model that the call has now."""
        return self.models.of(self.sid)

    async def ring(self) -> httpx2.Response:
        """Let the call come in."""
        return await self.tell("", To=NUMBERS[self.agent])

    async def tell(self, step: str, **parameters: str) -> httpx2.Response:
        """Send one of the call's webhooks."""
        return await self.office.webhook(f"/voice/{self.agent}{step}", CallSid=self.sid, **parameters)

    @asynccontextmanager
    async def answered(self, answer: httpx2.Response | None = None) -> AsyncIterator[Phone]:
        """Open the stream that the answer asks for, and start it."""
        phone = await self.office.phone(answer or await self.ring(), call_sid=self.sid)
        async with phone:
            phone.start()
            yield phone

    @asynccontextmanager
    async def greeted(self) -> AsyncIterator[Phone]:
        """Open the stream, and let the agent say its first words."""
        async with self.answered() as phone:
            await phone.until(lambda phone: phone.heard.endswith(SECOND_OF_SPEECH))
            await asyncio.sleep(2)
            yield phone

    def call_tool(self, name: str, arguments: Json) -> None:
        """Let the model call a function."""
        about = {"type": "function_call", "id": f"item_{name}", "call_id": f"call_{name}", "name": name}
        item = {**about, "arguments": json.dumps(arguments), "status": "completed"}
        response = {"id": f"resp_{name}", "status": "in_progress"}
        self.model.say({"type": "response.created", "response": response})
        self.model.say({"type": "response.output_item.done", "response_id": f"resp_{name}", "item": item})
        self.model.say({"type": "response.done", "response": {**response, "status": "completed"}})

    async def over(self) -> None:
        """Wait until the node has let go of the call."""
        async with asyncio.timeout(60):
            for task in asyncio.all_tasks():
                if task.get_name() == f"call {self.sid}":
                    await asyncio.wait((task,))


# --- the kinds of calls -------------------------------------------------------------------------------


async def hangs_up_before_the_first_word(scene: Scene) -> None:
    async with scene.answered() as phone:
        phone.stop()
        await scene.over()


async def hangs_up_while_the_agent_speaks(scene: Scene) -> None:
    async with scene.answered() as phone:
        await phone.until(lambda phone: len(phone.heard) > 2000)
        phone.stop()
        await scene.over()


async def interrupts_and_presses_keys(scene: Scene) -> None:
    async with scene.answered() as phone:
        for _ in range(20):
            phone.speak(SPOKEN)
        await phone.until(lambda phone: len(phone.heard) > 2000)
        scene.model.say(BARGE_IN)
        await phone.until(lambda phone: any(frame["event"] == "clear" for frame in phone.frames))
        scene.model.say(
            {"type": "input_audio_buffer.speech_stopped", "item_id": "item_c", "audio_end_ms": 900}
        )
        for digit in "12":
            dtmf = {"track": "inbound_track", "digit": digit}
            phone.send({"event": "dtmf", "streamSid": "MZ1", "sequenceNumber": "5", "dtmf": dtmf})
        await asyncio.sleep(4)
        assert scene.model.heard("conversation.item.truncate")
        phone.stop()
        await scene.over()


async def is_told_of_by_twilio_only(scene: Scene) -> None:
    async with scene.greeted():
        await scene.tell("/status", CallStatus="completed", CallDuration="9")
        await scene.over()


async def the_agent_takes_a_message_and_hangs_up(scene: Scene) -> None:
    async with scene.greeted() as phone:
        scene.call_tool("take_message", {"message": "Call me back."})
        await phone.until(lambda phone: phone.heard.count(SECOND_OF_SPEECH) == 2)
        await asyncio.sleep(2)
        scene.call_tool("hang_up", {})
        await phone.until(lambda phone: phone.close_code is not None)
        await scene.over()


async def the_model_is_lost_and_replaced(scene: Scene) -> None:
    async with scene.greeted() as phone:
        scene.model.drop()
        await asyncio.sleep(4)
        scene.model.speak()
        await phone.until(lambda phone: phone.heard.count(SECOND_OF_SPEECH) == 2)
        phone.stop()
        await scene.over()


async def the_model_is_lost_for_good(scene: Scene) -> None:
    async with scene.greeted() as phone:
        scene.models.refusing.add(scene.sid)
        scene.model.drop()
        await phone.until(lambda phone: phone.close_code is not None)
        await scene.over()


async def the_model_cannot_be_had(scene: Scene) -> None:
    scene.models.refusing.add(scene.sid)
    async with scene.answered() as phone:
        await phone.until(lambda phone: phone.close_code is not None)
        await scene.over()


async def loses_the_line_and_comes_back(scene: Scene) -> None:
    async with scene.greeted() as phone:
        phone.vanish()
        await asyncio.sleep(0.1)
    async with scene.answered(await scene.tell("/after", CallStatus="in-progress")) as phone:
        await phone.until(lambda phone: phone.heard != b"")
        phone.stop()
        await scene.over()


async def loses_the_line_for_good(scene: Scene) -> None:
    async with scene.greeted() as phone:
        phone.vanish()
        await scene.over()


async def never_opens_its_stream(scene: Scene) -> None:
    await scene.ring()
    await scene.over()


async def stays_too_long(scene: Scene) -> None:
    async with scene.answered() as phone:
        await phone.until(lambda phone: phone.close_code is not None)
        await scene.over()


async def may_not_call(scene: Scene) -> None:
    assert "<Reject" in (await scene.ring()).text


@dataclass(frozen=True)
class Kind:
    """A kind of call, and how the record must say that it ended."""

    story: Callable[[Scene], Awaitable[None]]
    ending: str
    agent: str = "front-desk"


KINDS = (
    Kind(hangs_up_before_the_first_word, "caller_hangup"),
    Kind(hangs_up_while_the_agent_speaks, "caller_hangup"),
    Kind(interrupts_and_presses_keys, "caller_hangup"),
    Kind(is_told_of_by_twilio_only, "caller_hangup"),
    Kind(the_agent_takes_a_message_and_hangs_up, "agent_completed"),
    Kind(the_model_is_lost_and_replaced, "caller_hangup"),
    Kind(the_model_is_lost_for_good, "model_error"),
    Kind(the_model_cannot_be_had, "model_unavailable"),
    Kind(loses_the_line_and_comes_back, "caller_hangup"),
    Kind(loses_the_line_for_good, "media_error"),
    Kind(never_opens_its_stream, "stream_timeout"),
    Kind(stays_too_long, "max_duration", "short-line"),
    Kind(may_not_call, "not_allowed", "staff-line"),
)


# --- the measurement ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """What is in memory after so many `calls`: Python objects, and the bytes that Python has allocated."""

    calls: int
    objects: int
    bytes: int


def growth(measured: Sequence[Left]) -> tuple[float, float]:
    """Return the objects and the bytes that each call of the second half has left behind.

    The lowest of each half counts: what is in memory at a moment goes up and down with caches and lists.
    """
    half = len(measured) // 2
    first, second = measured[:half], measured[half:]
    held = sum(left.calls for left in second) / len(second) - sum(left.calls for left in first) / half
    objects = min(left.objects for left in second) - min(left.objects for left in first)
    allocated = min(left.bytes for left in second) - min(left.bytes for left in first)
    return objects / held, allocated / held


def soak(folder: Path, waves: int, *, every: int) -> list[Left]:
    """Hold `waves` of calls, one of each kind; measure after every so many waves."""

    async def story() -> list[Left]:
        models = Models()
        with mock.patch.object(calls, "MOST_REMEMBERED", REMEMBERED):
            async with open_office(folder, DECLARATIONS, connect=models) as office:
                return await _waves(office, models, waves, every)

    logging.disable(logging.WARNING)  # a test runner keeps every line, and that is memory too
    tracemalloc.start()
    try:
        return run(story())
    finally:
        tracemalloc.stop()
        logging.disable(logging.NOTSET)


async def _waves(office: Office, models: Models, waves: int, every: int) -> list[Left]:
    measured: list[Left] = []
    quiet: Mapping[str, int] = {}
    for wave in range(1, waves + 1):
        await asyncio.gather(*(_call(office, models, f"CA{wave}-{n}", kind) for n, kind in enumerate(KINDS)))
        await asyncio.sleep(30)  # virtual: until the last timer has rung
        models.forget()
        office.twilio.asked.clear()
        quiet = quiet or _live(office)
        assert _live(office) == quiet
        if wave % every == 0:
            gc.collect()
            now, _ = tracemalloc.get_traced_memory()
            measured.append(Left(wave * len(KINDS), len(gc.get_objects()), now))
    return measured


async def _call(office: Office, models: Models, sid: str, kind: Kind) -> None:
    async with asyncio.timeout(300):
        await kind.story(Scene(office, models, sid, kind.agent))
    record = await office.record(sid)
    assert record["status"] in {"completed", "rejected"}, record
    assert kind.ending == (record["end_reason"] or record["reject_reason"]), (kind, record)


def _live(office: Office) -> Mapping[str, int]:
    """Count what lives as long as a call, when there is none; only the node's own duties sleep then."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    tasks = len(asyncio.all_tasks())
    assert loop.timers <= tasks
    files = len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0
    return {"calls": len(tuple(office.node.calls.live())), "tasks": tasks, "files": files}
