"""Transfers of a node in virtual time: documents, requests to Twilio, and callbacks that come late."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import httpx2
import pytest

from tests.runtime.fakes import Phone
from tests.runtime.office import AGENT, FRONT_DESK, PUBLIC_URL, Office, open_office
from tests.runtime.virtual_time import run

PERSON = "+14155550177"
WARM = AGENT + f"transfer: {{number: '{PERSON}', mode: warm, timeout: 20}}\n"
COLD = AGENT + f"transfer: {{number: '{PERSON}', caller_id: '+14155550166'}}\n"
LEG = "RE1"  # what the fake account calls everything that it makes


@dataclass
class Scene:
    """A call in which the agent has asked for a transfer, and the caller is out of the stream."""

    office: Office
    document: str

    def url(self, step: str) -> str:
        """Return the path of a step, from the document or the request that made the person's leg."""
        known = [
            self.document,
            *self.office.twilio.of("Url"),
            *self.office.twilio.of("AsyncAmdStatusCallback"),
        ]
        found = re.search(rf"{PUBLIC_URL}(/[^\"]*(?:step={step}[^\"<]*|{step}\?[^\"<]*))", " ".join(known))
        assert found is not None, (step, known)
        return unescape(found[1]).split(" ")[0]

    async def tell(self, step: str, **parameters: str) -> httpx2.Response:
        """Send a callback about the person's leg."""
        token = re.search(r"transfer=([\w-]+)", unescape(self.document))
        assert token is not None
        path = f"/voice/front-desk/conference?transfer={token[1]}&step={step}"
        return await self.office.webhook(path, **{"CallSid": LEG, "CallStatus": "in-progress", **parameters})

    async def machine(self, found: str) -> httpx2.Response:
        """Tell who has answered."""
        (path,) = self.office.twilio.of("AsyncAmdStatusCallback")
        path = path.removeprefix(PUBLIC_URL)
        return await self.office.webhook(path, CallSid=LEG, AnsweredBy=found)

    async def after(self, **parameters: str) -> httpx2.Response:
        """Ask what the caller hears next."""
        told = {"CallStatus": "in-progress", **parameters}
        return await self.office.webhook("/voice/front-desk/after", **told)

    def asked_of(self, call: str) -> list[dict[str, str]]:
        """Return what Twilio was asked to do with a call."""
        return [asked.form for asked in self.office.twilio.asked if asked.path == f"Calls/{call}"]

    @property
    def cancelled(self) -> bool:
        return {"Status": "completed"} in self.asked_of(LEG)

    @property
    def brought_back(self) -> bool:
        return {"Url": f"{PUBLIC_URL}/voice/front-desk/after", "Method": "POST"} in self.asked_of("CA1")


def ask_for_transfer(office: Office) -> None:
    """Let the model call the function."""
    item = {
        "type": "function_call",
        "id": "item_f",
        "call_id": "call_1",
        "name": "transfer",
        "arguments": json.dumps({"summary": "A table <for two>."}),
        "status": "completed",
    }
    model = office.model
    model.say({"type": "response.created", "response": {"id": "resp_f", "status": "in_progress"}})
    model.say({"type": "response.output_item.done", "response_id": "resp_f", "output_index": 0, "item": item})
    model.say(
        {"type": "response.done", "response": {"id": "resp_f", "status": "completed", "output": [item]}}
    )


async def until_left(phone: Phone) -> None:
    await phone.until(lambda phone: phone.close_code is not None)


def play(folder: Path, story: Callable[[Scene], Awaitable[None]], declarations: str = WARM) -> None:
    async def in_office() -> None:
        async with open_office(folder, declarations) as office:
            async with await office.phone(await office.webhook()) as phone:
                phone.start()
                await phone.until(lambda phone: len(phone.heard) >= 8000)
                ask_for_transfer(office)
                await until_left(phone)
            scene = Scene(office, "")
            scene.document = (await scene.after()).text
            await asyncio.sleep(0.1)
            await story(scene)

    run(in_office())


async def accept(scene: Scene) -> None:
    await scene.tell("brief")
    joins = await scene.tell("accept", Digits="1")
    assert "<Conference" in joins.text
    await scene.tell("room", StatusCallbackEvent="participant-join")


def test_the_caller_waits_in_a_conference_with_music_and_the_person_is_called(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        assert 'endConferenceOnExit="true"' in scene.document
        (call,) = [asked.form for asked in scene.office.twilio.asked if asked.path == "Calls"]
        assert (call["To"], call["From"], call["Timeout"]) == (PERSON, FRONT_DESK, "20")
        assert (call["MachineDetection"], call["AsyncAmd"]) == ("Enable", "true")
        music = (await scene.office.webhook(scene.url("wait"), CallStatus="in-progress")).text
        (file,) = re.findall(rf"{PUBLIC_URL}(/media/[^<]+)", music)
        answer = await scene.office.client.get(file)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
        assert unescape(music).count(scene.url("wait")) == 1  # and then again

    play(tmp_path, story)


def test_the_person_hears_what_it_is_about_and_the_call_ends_as_transferred(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        brief = (await scene.tell("brief")).text
        assert "A table &lt;for two&gt;." in brief
        assert "press 1" in brief
        await scene.tell("accept", Digits="1")
        assert (await scene.office.record())["status"] == "active"
        await scene.tell("room", StatusCallbackEvent="participant-join")
        await scene.office.over()
        record = await scene.office.record()
        assert (record["status"], record["end_reason"]) == ("completed", "transferred")
        assert scene.asked_of("CA1")[-1] == {"TimeLimit": "14400"}
        assert not scene.cancelled
        # The two have talked, and the person has hung up.
        assert "<Hangup/>" in (await scene.after(DialCallStatus="answered")).text

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("step", "parameters", "why"),
    [
        ("person", {"CallStatus": "busy"}, "busy"),
        ("person", {"CallStatus": "no-answer"}, "nobody answered"),
        ("accept", {"Digits": "2"}, "did not take"),
        ("accept", {}, "did not take"),
    ],
)
def test_a_caller_comes_back_to_the_same_agent_with_the_reason(
    tmp_path: Path, step: str, parameters: dict[str, str], why: str
) -> None:
    async def story(scene: Scene) -> None:
        if step == "accept":
            await scene.tell("brief")
        await scene.tell(step, **parameters)
        await asyncio.sleep(0.1)
        assert scene.brought_back
        opened = scene.office.model.opened
        async with await scene.office.phone(await scene.after()) as phone:
            phone.start()
            await phone.until(lambda phone: len(phone.heard) >= 8000)
            (output,) = [
                item["item"]["output"]
                for item in scene.office.model.heard("conversation.item.create")
                if item["item"]["type"] == "function_call_output"
            ]
            assert why in output
            phone.stop()
            await scene.office.over()
        assert scene.office.model.opened == opened
        assert (await scene.office.record())["end_reason"] == "caller_hangup"

    play(tmp_path, story)


def test_voicemail_is_hung_up_on(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.tell("brief")
        assert (await scene.machine("machine_start")).status_code == 204
        await asyncio.sleep(0.1)
        assert scene.cancelled
        assert scene.brought_back
        await scene.office.webhook("/voice/front-desk/status", CallStatus="completed")

    play(tmp_path, story)


def test_a_human_is_left_alone(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.tell("brief")
        await scene.machine("human")
        await asyncio.sleep(0.1)
        assert not scene.cancelled
        await accept(scene)
        await scene.office.over()

    play(tmp_path, story)


@pytest.mark.parametrize("how", ["status", "after", "hang up", "drain"])
def test_a_call_that_ends_stops_the_persons_phone(tmp_path: Path, how: str) -> None:
    async def story(scene: Scene) -> None:
        office = scene.office
        (call,) = office.node.calls.live()
        if how == "status":
            await office.webhook("/voice/front-desk/status", CallStatus="completed")
        elif how == "after":
            await scene.after(CallStatus="completed", DialCallStatus="answered")
        elif how == "hang up":
            await office.client.post(f"/api/calls/{call.opening.id}/hangup")
        else:
            await office.node.calls.end_all()
        await office.over()
        await asyncio.sleep(0.1)
        assert scene.cancelled
        late = await scene.tell("brief")
        assert "<Hangup/>" in late.text
        assert (await office.record())["end_reason"] in {"caller_hangup", "cancelled", "drained"}

    play(tmp_path, story)


def test_callbacks_of_a_transfer_that_is_over_change_nothing(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await accept(scene)
        await scene.office.over()
        before = await scene.office.record()
        await scene.tell("person", CallStatus="busy")
        await scene.tell("accept", Digits="2")
        await scene.machine("machine_start")
        assert await scene.office.record() == before
        assert not scene.brought_back

    play(tmp_path, story)


def test_a_caller_who_leaves_as_the_person_enters_leaves_nobody_waiting(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await accept(scene)
        await scene.office.webhook("/voice/front-desk/status", CallStatus="completed")
        await scene.office.over()
        await asyncio.sleep(0.1)
        assert scene.cancelled

    play(tmp_path, story)


def test_a_caller_who_was_put_through_leaves_the_agent_free_for_the_next(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        assert "<Reject" in (await scene.office.webhook(CallSid="CA2")).text
        await accept(scene)
        await scene.office.over()
        assert "<Stream" in (await scene.office.webhook(CallSid="CA3")).text
        await scene.office.webhook("/voice/front-desk/status", CallSid="CA3", CallStatus="completed")
        await scene.office.over()

    play(tmp_path, story, WARM + "max_concurrent_calls: 1\n")


def test_a_cold_transfer_is_dialled_by_twilio_with_the_declared_caller_id(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        assert 'callerId="+14155550166"' in scene.document
        assert f">{PERSON}</Number>" in scene.document
        await scene.tell("person", CallStatus="in-progress", ParentCallSid="CA1")
        await scene.office.over()
        assert (await scene.office.record())["end_reason"] == "transferred"

    play(tmp_path, story, COLD)


def test_a_cold_transfer_that_fails_brings_the_caller_back(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        async with await scene.office.phone(await scene.after(DialCallStatus="no-answer")) as phone:
            phone.start()
            await phone.until(lambda phone: len(phone.heard) >= 8000)
            phone.stop()
            await scene.office.over()

    play(tmp_path, story, COLD)


def test_a_caller_whom_a_dead_node_left_in_a_conference_is_fetched_by_another(tmp_path: Path) -> None:
    """Its own node would have brought them back, or somebody to them, by then."""

    async def story() -> None:
        async with open_office(tmp_path, WARM, name="another") as office:
            now = asyncio.get_running_loop().time()
            for until in (round(now + 60), round(now - 60)):
                path = f"/voice/front-desk/conference?transfer=gone&step=wait&until={until}"
                assert "<Play" in (await office.webhook(path, CallSid="CA7")).text
                await asyncio.sleep(0.1)
            fetched = [asked.form for asked in office.twilio.asked if asked.path == "Calls/CA7"]
            assert fetched == [{"Url": f"{PUBLIC_URL}/voice/front-desk/after", "Method": "POST"}]

    run(story())


def test_a_caller_who_has_talked_to_a_person_needs_no_word_of_a_node_that_knows_nothing(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with open_office(tmp_path, COLD) as office:
            told = {"CallStatus": "in-progress", "DialCallStatus": "completed"}
            document = (await office.webhook("/voice/front-desk/fallback", **told)).text
            assert "<Hangup/>" in document
            assert "<Say>" not in document

    run(story())


@pytest.mark.parametrize(
    "path",
    [
        "/voice/front-desk/conference?transfer=unknown&step=brief",
        "/voice/front-desk/conference?transfer=unknown&step=accept",
        "/voice/front-desk/conference",
    ],
)
def test_a_leg_that_nobody_knows_is_hung_up(tmp_path: Path, path: str) -> None:
    async def story() -> None:
        async with open_office(tmp_path, WARM) as office:
            assert "<Hangup/>" in (await office.webhook(path)).text

    run(story())


@pytest.mark.parametrize("path", ["conference?step=wait&until=1", "conference?step=brief", "amd?transfer=x"])
def test_nobody_but_twilio_speaks_about_transfers(tmp_path: Path, path: str) -> None:
    async def story() -> None:
        async with open_office(tmp_path, WARM) as office:
            answer = await office.webhook(f"/voice/front-desk/{path}", token="f" * 32)
            assert answer.status_code == 403

    run(story())
