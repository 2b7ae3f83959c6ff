"""A caller who hangs up while a tool runs: what changes something is finished, and the record tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.runtime.office import AGENT, Office, open_office
from tests.runtime.tools.test_http_call import Wire
from tests.runtime.virtual_time import run

UNANSWERED = {"error": "the call ended before the answer"}


class Booking:
    """A service that takes its time; `begun` and `done` count its requests."""

    def __init__(self, seconds: float) -> None:
        self.begun = self.done = 0
        self._seconds = seconds

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.begun += 1
        await asyncio.sleep(self._seconds)
        self.done += 1
        headers = {"content-type": "application/json"}
        return httpx2.Response(200, headers=headers, stream=Wire(b'{"table": 4}'))


def declarations(method: str, timeout: float) -> str:
    http = f"{{url: 'https://crm.example.com/bookings', method: {method}, timeout: {timeout}}}"
    return f"{AGENT}tools:\n  - {{name: book, description: Books a table., http: {http}}}\n"


def hung_up(folder: Path, service: Booking, method: str = "POST", timeout: float = 20.0) -> list[Any]:
    """Return the use of the tool in the record: as the call ends, 30 s later, and when the node has ended."""
    seen: list[Any] = []

    async def story() -> None:
        transport = httpx2.MockTransport(service)
        async with open_office(folder, declarations(method, timeout), tool_transport=transport) as office:
            async with await office.phone(await office.webhook()) as phone:
                phone.start()
                await phone.until(lambda phone: phone.heard != b"")
                await asyncio.sleep(2)
                ask(office)
                await asyncio.sleep(1)
                assert service.begun == 1
                phone.stop()
                await office.over()
            seen.append((await office.record())["tools"])
            await asyncio.sleep(30)
            seen.append((await office.record())["tools"])

    run(story())
    return [uses[0] for uses in seen]


def ask(office: Office) -> None:
    item = {"type": "function_call", "id": "f1", "call_id": "c1", "name": "book", "arguments": "{}"}
    response = {"id": "r-tool", "status": "in_progress"}
    done = {"response_id": "r-tool", "output_index": 0, "item": {**item, "status": "completed"}}
    office.model.say({"type": "response.created", "response": response})
    office.model.say({"type": "response.output_item.done", **done})
    office.model.say({"type": "response.done", "response": {**response, "status": "completed"}})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_booking_under_way_is_made_and_its_answer_added_to_the_record(tmp_path: Path, method: str) -> None:
    service = Booking(10.0)
    first, last = hung_up(tmp_path, service, method)
    assert service.done == 1
    assert (first["result"], first["ms"]) == (UNANSWERED, None)
    assert last["result"] == {"table": 4}
    assert last["ms"] == pytest.approx(10_000, abs=200)


def test_one_that_never_answers_is_given_up_within_its_own_time(tmp_path: Path) -> None:
    _, last = hung_up(tmp_path, Booking(3_600.0), timeout=8.0)
    assert last["result"] == {"error": "no answer within 8 s"}


def test_a_question_is_dropped_with_its_call_and_the_record_says_so(tmp_path: Path) -> None:
    service = Booking(10.0)
    first, last = hung_up(tmp_path, service, "GET")
    assert service.done == 0
    assert first == last
    assert (last["result"], last["ms"]) == (UNANSWERED, None)


@pytest.mark.parametrize(("seconds", "result"), [(5.0, {"table": 4}), (50.0, UNANSWERED)])
def test_a_node_that_stops_waits_a_while_for_what_is_being_booked(
    tmp_path: Path, seconds: float, result: Mapping[str, object]
) -> None:
    service = Booking(seconds)

    async def story() -> None:
        transport = httpx2.MockTransport(service)
        agents = declarations("POST", 60.0)
        async with open_office(tmp_path, agents, tool_transport=transport) as office:
            async with await office.phone(await office.webhook()) as phone:
                phone.start()
                await phone.until(lambda phone: phone.heard != b"")
                ask(office)
                await asyncio.sleep(0.5)
                phone.stop()
                await office.over()
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 10
        async with open_office(tmp_path, agents) as office:
            assert (await office.record())["tools"][0]["result"] == result

    run(story())
