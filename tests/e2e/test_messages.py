"""Messages through real sockets: people write by WhatsApp and SMS, and a text model answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
from twilio.request_validator import RequestValidator

from sandbox import Attachment, Button, Inbox, NumberSeed, Seed, Sender
from sandbox.account.formats import stable_sid
from sandbox.account.messages import Message
from sandbox.model import Call, Script, when
from sandbox.model import Say as Write
from sandbox.model.text.faults import Deny
from sandbox.model.text.thread import Told
from sandbox.network.message_forms import inbound_form
from sandbox.speech import clip
from tests.e2e.test_calls import said
from tests.e2e.test_tools import Service
from tests.e2e.world import CALLER, FRONT_DESK, World, play, until

SENDER, PERSON = f"whatsapp:{FRONT_DESK}", f"whatsapp:{CALLER}"
TEMPLATE = stable_sid("HX", "table ready")
AGENT = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
sms: true
whatsapp:
  sender: {FRONT_DESK}
  templates:
    - {{name: ready, content_sid: {TEMPLATE}, description: Says that a table is ready., variables: ["1"]}}
instructions: Take reservations.
fallback_message: Write again later.
tool_hosts: 127.0.0.1
tools:
  - name: find_table
    description: Finds a free table.
    parameters: {{type: object, properties: {{day: {{type: string}}}}, required: [day]}}
    http: {{url: "http://127.0.0.1:PORT/tables/{{{{ day }}}}"}}
  - builtin: [send_media]
"""


def write(text: str) -> Write:
    return Write(text, b"")


LONG = "\n\n".join(f"Course {number} is **very** good. " * 20 for number in range(1, 9))
SCRIPT = Script(
    (
        when("open", write("Until *ten*, **every** day.")),
        when("friday", Call("find_table", {"day": "friday"})),
        when("find_table", write("Table four is yours.")),
        when("menu", write(LONG)),
        when("picture", Call("send_media", {"url": "https://bistro.example/menu.jpg"})),
        when("send_media", write("Here it is.")),
        when("is it ready", Call("send_template", {"name": "ready", "variables": {"1": "nine"}})),
        when("send_template", write("Yes.")),
        when(clip("caller-opening-hours").text, write("Until ten.")),
        when("bye", (write("Goodbye."), Call("hang_up", {}))),
    ),
    otherwise=(write("Pardon?"),),
)

Story = Callable[[World], Awaitable[None]]


def converse(tmp_path: Path, story: Story, *, tool_seconds: float = 0.0) -> None:
    """Run a story with an agent that is applied and served; no message may alert anybody."""

    async def run(world: World) -> None:
        world.box.model.script = SCRIPT
        async with Service(seconds=tool_seconds).running() as port:
            world.declare(front_desk=AGENT.replace("PORT", str(port)))
            applied = await world.tm("apply", "--yes")
            assert applied.code == 0, applied.err
            async with world.serving():
                await story(world)
        assert world.box.alerts == []

    seed = Seed(
        numbers=(NumberSeed(FRONT_DESK),),
        senders=(Sender(SENDER),),
        templates={TEMPLATE: "Your table at {{1}} is ready."},
    )
    play(tmp_path, run, seed=seed, front_desk=AGENT.replace("PORT", "1"))


async def answers(world: World, count: int, person: str = PERSON, seconds: float = 15) -> list[str]:
    """The bodies of what somebody has got, once there are so many."""

    async def got() -> list[str] | None:
        received = world.box.network.messenger.received(person)
        return [message.body for message in received] if len(received) >= count else None

    return await until(got, what=f"message {count}", seconds=seconds)


async def record(world: World, sid: str, *, over: bool = False) -> dict[str, Any]:
    """The record of the conversation that a message began."""

    async def found() -> dict[str, Any] | None:
        answer = await world.get(f"/api/calls/{sid}")
        if answer.status_code != 200:
            return None
        body: dict[str, Any] = answer.json()
        return None if over and body["status"] not in {"completed", "rejected"} else body

    return await until(found, what=f"a record of {sid}")


async def ask(world: World, text: str, person: str = PERSON, ours: str = SENDER, **more: Any) -> Message:
    return await world.box.network.messenger.write(person, ours, text, **more)


def test_somebody_asks_books_and_says_goodbye(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        first = await ask(world, "How long are you open?", name="Ada")
        assert await answers(world, 1) == ["Until _ten_, *every* day."]
        await ask(world, "A table on friday, please")
        await answers(world, 2)
        await ask(world, "Thanks, bye")
        assert (await answers(world, 3))[1:] == ["Table four is yours.", "Goodbye."]

        kept = await record(world, first.sid, over=True)
        assert (kept["channel"], kept["status"], kept["end_reason"]) == (
            "whatsapp",
            "completed",
            "agent_completed",
        )
        assert said(kept, "agent") == ["Until *ten*, **every** day.", "Table four is yours.", "Goodbye."]
        assert [(use["name"], use["result"]) for use in kept["tools"]] == [
            ("find_table", {"table": 4}),
            ("hang_up", None),
        ]
        assert kept["caller"]["number"] == CALLER
        assert kept["cost"]["tokens"]["text_out"] > 0

    converse(tmp_path, story)


def test_sender_and_sms_are_pointed_to_a_runtime_that_answers_them(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving():
            applied = await world.tm("apply", "--yes", "--format", "json", preflight=True)
        assert applied.code == 0, applied.err
        report = applied.json()
        assert report["skipped"] == []
        assert {item["resource"] for item in report["updated"]} == {
            "incoming_phone_number",
            "whatsapp_sender",
        }
        plan = await world.tm("plan", "--exit-code")
        assert plan.code == 0, plan.out

    seed = Seed(numbers=(NumberSeed(FRONT_DESK),), senders=(Sender(SENDER),))
    play(tmp_path, story, seed=seed, front_desk=AGENT.replace("PORT", "1"))


def test_what_is_read_and_what_is_lost_stands_in_the_record_in_whatever_order_it_is_reported(
    tmp_path: Path,
) -> None:
    async def story(world: World) -> None:
        messenger = world.box.network.messenger
        messenger.inboxes[PERSON] = Inbox(shuffled=True, duplicated=True)
        first = await ask(world, "open?")
        await answers(world, 1)

        async def read() -> bool:
            return (await record(world, first.sid))["transcript"][-1]["heard_ms"] is not None

        await until(read, what="a read message")
        messenger.inboxes[PERSON] = Inbox(("sent", "undelivered"), error_code=63024)
        await ask(world, "open?")

        async def lost() -> bool:
            return bool((await record(world, first.sid))["transcript"][-1]["role"] == "tool")

        await until(lost, what="a lost message")
        kept = await record(world, first.sid)
        assert kept["transcript"][-2]["interrupted"] is True
        assert "cannot get messages by WhatsApp (error 63024)" in kept["transcript"][-1]["text"]

    converse(tmp_path, story)


def test_a_webhook_that_comes_twice_is_answered_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        message = await ask(world, "open?")
        await answers(world, 1)
        form = dict(inbound_form(message))
        url = f"{world.base}/whatsapp/front-desk"
        signature = RequestValidator(world.box.auth_token).compute_signature(url, form)
        async with httpx2.AsyncClient() as client:
            again = await client.post(url, data=form, headers={"X-Twilio-Signature": signature})
        assert again.status_code == httpx2.codes.OK
        await ask(world, "friday")
        assert await answers(world, 2) == ["Until _ten_, *every* day.", "Table four is yours."]

    converse(tmp_path, story)


def test_long_answers_come_in_parts_that_twilio_takes(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await ask(world, "menu")
        parts = await answers(world, 3)
        assert all(len(part) <= 1600 for part in parts)
        assert "".join(parts).count("*very*") == 160

    converse(tmp_path, story)


def test_voice_notes_are_heard_and_pictures_seen(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        note = Attachment("audio/ogg", clip("caller-opening-hours").ulaw)
        first = await ask(world, "", media=[note])
        assert await answers(world, 1) == ["Until _ten_, *every* day."]
        assert said(await record(world, first.sid), "caller") == [clip("caller-opening-hours").text]

        picture = Attachment("image/png", b"\x89PNG\r\n\x1a\n" + bytes(100))
        await ask(world, "open at the place on this?", media=[picture])
        await answers(world, 2)
        newest = world.box.model.texts[-1].thread[-1]
        assert isinstance(newest, Told)
        assert newest.text.endswith("[image]")

    converse(tmp_path, story)


def test_files_and_templates_go_with_an_answer(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await ask(world, "a picture of the place")
        assert await answers(world, 2) == ["Here it is.", ""]
        sent = world.box.network.messenger.received(PERSON)
        assert sent[1].media_urls == ("https://bistro.example/menu.jpg",)
        await ask(world, "is it ready?")
        assert (await answers(world, 4))[2:] == ["Yes.", "Your table at nine is ready."]
        await ask(world, "", button=Button("Open hours", "open"))
        assert (await answers(world, 5))[4] == "Until _ten_, *every* day."

    converse(tmp_path, story)


def test_who_says_stop_on_whatsapp_is_told_once_and_hears_no_more_until_start(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        first = await ask(world, "open?")
        await answers(world, 1)
        await ask(world, "STOP!")
        assert "no more messages" in (await answers(world, 2))[1]
        assert (await record(world, first.sid, over=True))["end_reason"] == "caller_hangup"
        await ask(world, "open?")
        await ask(world, "stop")
        refused = await world.tm("message", "front-desk", PERSON, "Your table is ready.")
        assert refused.code == 1
        assert "opted out" in refused.err
        await ask(world, "Start")
        await ask(world, "friday")
        got = await answers(world, 4)
        assert "again" in got[2]
        assert got[3] == "Table four is yours."

    converse(tmp_path, story)


def test_sms_is_answered_by_the_same_agent_and_its_stop_is_twilios(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        first = await ask(world, "open?", CALLER, FRONT_DESK)
        assert await answers(world, 1, CALLER) == ["Until ten, every day."]
        assert (await record(world, first.sid))["channel"] == "twilio"
        await ask(world, "STOP", CALLER, FRONT_DESK)
        kept = await record(world, first.sid, over=True)
        assert kept["end_reason"] == "caller_hangup"
        assert len(world.box.network.messenger.received(CALLER)) == 1

    converse(tmp_path, story)


def test_a_model_that_is_gone_gets_an_honest_answer_and_the_conversation_goes_on(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        world.box.model.text_faults.extend([Deny(500), Deny(500)])
        first = await ask(world, "open?")
        assert await answers(world, 1) == ["Write again later."]
        await ask(world, "open?")
        await answers(world, 2)
        kept = await record(world, first.sid)
        assert said(kept, "agent") == ["Write again later.", "Until *ten*, **every** day."]
        assert kept["status"] == "active"

    converse(tmp_path, story)


def test_outside_of_the_24_hours_a_template_reaches_them_and_text_does_not(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        refused = await world.tm("message", "front-desk", PERSON, "Your table is ready.")
        assert refused.code == 1
        assert "24 hours" in refused.err
        assert "--template" in refused.err

        sent = await world.tm("message", "front-desk", PERSON, "--template", TEMPLATE, "--var", "1=nine")
        assert sent.code == 0, sent.err
        assert await answers(world, 1) == ["Your table at nine is ready."]
        await ask(world, "open?")
        await answers(world, 2)
        sent = await world.tm("message", "front-desk", PERSON, "See you *soon*.")
        assert sent.code == 0, sent.err
        assert (await answers(world, 3))[2] == "See you *soon*."

        (row,) = await world.calls()
        kept = (await world.get(f"/api/calls/{row['id']}")).json()
        assert kept["direction"] == "outbound"
        assert [entry["role"] for entry in kept["transcript"]] == ["agent", "caller", "agent", "agent"]

    converse(tmp_path, story)


def test_a_node_that_is_killed_while_it_thinks_leaves_nobody_without_an_answer(tmp_path: Path) -> None:
    async def run(world: World) -> None:
        world.box.model.script = replace(SCRIPT, text_ms=2_000)
        applied = await world.tm("apply", "--yes")
        assert applied.code == 0, applied.err
        async with world.serving() as process:
            await ask(world, "open?")
            await asyncio.sleep(0.5)
            process.kill()
            await process.wait()
        world.box.model.script = SCRIPT
        async with world.serving():
            assert await answers(world, 1) == ["Until _ten_, *every* day."]
            await asyncio.sleep(1)
            assert len(world.box.network.messenger.received(PERSON)) == 1

    seed = Seed(numbers=(NumberSeed(FRONT_DESK),), senders=(Sender(SENDER),))
    play(tmp_path, run, seed=seed, front_desk=AGENT.replace("PORT", "1"))
