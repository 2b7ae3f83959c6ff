"""Calls that are connected with somebody else, and every way in which that ends."""

from __future__ import annotations

import asyncio

import pytest

from sandbox import HangUp, Kind, Listen, Phone, Press, Sandbox, Say, Step, Wait, voicemail
from sandbox.network.phones import beep
from sandbox.speech import clip
from sandbox.speech.hearing import find_spoken
from tests.e2e.sandbox.network.app import BISTRO, GUEST, App, play
from tests.e2e.sandbox.network.office import EMPTY, PERSON, asked, rest, until

DIAL = '<Response><Dial action="/dialled">+14155550177</Dial></Response>'
PATIENT: tuple[Step, ...] = (Wait(90_000),)


def _documents(voice: str = DIAL) -> dict[str, str]:
    return {"/voice": voice, "/dialled": EMPTY, "/status": EMPTY, "/progress": EMPTY}


def test_two_people_hear_each_other_byte_for_byte() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        box.network.phones[PERSON] = Phone(
            caller=[Say("caller-hello"), Listen(), Say("caller-yes"), HangUp()]
        )
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Listen(), Say("caller-menu"), Wait(90_000)])
        assert await call.ended() == "completed"
        person = await box.network.called(PERSON)
        assert clip("caller-menu").ulaw in person.heard
        assert [one.name for one in find_spoken(call.heard)] == ["caller-hello", "caller-yes"]
        (form,) = asked(app, "/dialled")
        assert (form["DialCallStatus"], form["DialCallSid"]) == ("completed", person.sid)
        assert int(form["DialCallDuration"]) >= 1
        assert form["CallStatus"] == "in-progress"
        assert (person.call.direction, person.call.parent_call_sid) == ("outbound-dial", call.sid)
        assert person.call.from_ == GUEST

    play(story)


@pytest.mark.parametrize(
    ("phone", "status"),
    [
        (Phone(outcome="busy"), "busy"),
        (Phone(outcome="rejects"), "busy"),
        (Phone(outcome="no-answer"), "no-answer"),
        (Phone(outcome="failed"), "failed"),
        (Phone(ring_ms=60_000), "no-answer"),
        (None, "no-answer"),
    ],
)
def test_who_does_not_answer_brings_the_caller_back(phone: Phone | None, status: str) -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents(DIAL.replace("<Dial ", '<Dial timeout="2" ')))
        if phone is not None:
            box.network.phones[PERSON] = phone
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        assert await call.ended() == "completed"
        (form,) = asked(app, "/dialled")
        assert form["DialCallStatus"] == status
        assert (await box.network.called(PERSON)).status == status

    play(story)


def test_a_caller_who_hangs_up_while_it_rings_cancels_the_other_side() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        box.network.phones[PERSON] = Phone(ring_ms=20_000)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        person = await box.network.called(PERSON)
        await until(person, Kind.RINGING)
        call.hang_up()
        assert await person.ended(5) == "canceled"
        assert await call.ended(5) == "completed"
        (form,) = asked(app, "/dialled")
        assert (form["DialCallStatus"], form["CallStatus"]) == ("canceled", "completed")

    play(story)


def test_a_caller_who_hangs_up_while_they_talk_ends_both_calls() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        box.network.phones[PERSON] = Phone(caller=PATIENT)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await until(call, Kind.CONNECTED)
        call.hang_up()
        person = await box.network.called(PERSON)
        assert (await person.ended(5), await call.ended(5)) == ("completed", "completed")
        assert asked(app, "/dialled")[0]["DialCallStatus"] == "completed"

    play(story)


def test_a_redirected_caller_leaves_the_person_who_is_hung_up_on() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        box.network.phones[PERSON] = Phone(caller=PATIENT)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await until(call, Kind.CONNECTED)
        bye = "<Response><Say>Thank you for calling. Goodbye.</Say></Response>"
        await rest(box, lambda twilio: twilio.calls(call.sid).update(twiml=bye))
        assert await (await box.network.called(PERSON)).ended(5) == "completed"
        assert await call.ended(5) == "completed"
        assert call.heard == clip("agent-goodbye").ulaw
        assert asked(app, "/dialled") == []

    play(story)


def test_the_called_side_hears_its_document_first_and_may_decline() -> None:
    async def story(box: Sandbox, app: App) -> None:
        events = 'statusCallback="/progress" statusCallbackEvent="initiated ringing answered completed"'
        number = f'<Number url="/brief" {events}>{PERSON}</Number>'
        app.documents.update(_documents(f'<Response><Dial action="/dialled">{number}</Dial></Response>'))
        app.documents["/brief"] = (
            '<Response><Gather numDigits="1" action="/accepted" timeout="2">'
            "<Say>Hello. How can I help you?</Say></Gather><Hangup/></Response>"
        )
        app.documents["/accepted"] = EMPTY
        box.network.phones[PERSON] = Phone(caller=[Wait(90_000)])
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await call.ended()
        assert not call.happened(Kind.CONNECTED)
        assert asked(app, "/dialled")[0]["DialBridged"] == "false"
        box.network.phones[PERSON] = Phone(caller=[Wait(500), Press("1"), Wait(1000), HangUp()])
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await call.ended()
        assert call.happened(Kind.CONNECTED)
        assert asked(app, "/dialled")[1]["DialBridged"] == "true"
        states = [form["CallStatus"] for form in asked(app, "/progress")][4:]
        assert states == ["initiated", "ringing", "in-progress", "completed"]
        assert asked(app, "/brief")[0]["ParentCallSid"] == asked(app, "/voice")[0]["CallSid"]

    play(story)


def test_the_first_of_several_to_answer_is_connected() -> None:
    async def story(box: Sandbox, app: App) -> None:
        other = "+14155550178"
        both = f"<Number>{other}</Number><Number>{PERSON}</Number>"
        app.documents.update(_documents(DIAL.replace(PERSON, both)))
        box.network.phones[other] = Phone(ring_ms=10_000)
        box.network.phones[PERSON] = Phone(caller=[Wait(500), HangUp()])
        await box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT).ended()
        assert asked(app, "/dialled")[0]["DialCallSid"] == (await box.network.called(PERSON)).sid
        assert (await box.network.called(other)).status == "canceled"

    play(story)


def test_the_star_and_the_time_limit_end_the_talk_but_not_the_call() -> None:
    async def story(box: Sandbox, app: App) -> None:
        box.network.phones[PERSON] = Phone(caller=PATIENT)
        app.documents.update(_documents(DIAL.replace("<Dial ", '<Dial hangupOnStar="true" ')))
        await box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(1000), Press("*"), *PATIENT]).ended()
        app.documents["/voice"] = DIAL.replace("<Dial ", '<Dial timeLimit="1" ')
        await box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT).ended()
        assert [form["DialCallStatus"] for form in asked(app, "/dialled")] == ["completed"] * 2
        assert [form["CallStatus"] for form in asked(app, "/dialled")] == ["in-progress"] * 2
        assert {one.status for one in box.network.calls_to(PERSON)} == {"completed"}

    play(story)


def test_a_call_answers_on_the_bridge_when_it_is_told_to() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents(DIAL.replace("<Dial ", '<Dial answerOnBridge="true" ')))
        box.network.phones[PERSON] = Phone(ring_ms=2000, caller=[Wait(500), HangUp()])
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await call.ended()
        (person,) = box.network.calls_to(PERSON)
        assert call.answered_at_ms is not None
        assert call.answered_at_ms >= 2000
        assert person.status == "completed"

    play(story)


def test_a_voicemail_greets_beeps_and_records() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        box.network.phones[PERSON] = voicemail("agent-hello", message_ms=5000)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Listen(), Say("caller-menu"), Wait(90_000)])
        await asyncio.wait_for(call.ended(), 10)
        assert [one.name for one in find_spoken(call.heard)] == ["agent-hello"]
        assert call.heard.endswith(beep())
        assert (await box.network.called(PERSON)).heard.startswith(clip("caller-menu").ulaw)

    play(story)
