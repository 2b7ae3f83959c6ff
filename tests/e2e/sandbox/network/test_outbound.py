"""Calls that the account places: who answers, what is detected, and how long they may last."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import Kind, Phone, PhoneCall, Sandbox, Wait, voicemail
from sandbox.speech import clip
from tests.e2e.sandbox.network.app import BISTRO, App, play
from tests.e2e.sandbox.network.office import EMPTY, PERSON, asked, rest, until

HELLO = "<Response><Say>Hello. How can I help you?</Say></Response>"


async def _call(box: Sandbox, app: App, **how: Any) -> PhoneCall:
    app.documents = {"/hello": HELLO, "/amd": EMPTY, "/progress": EMPTY, **app.documents}
    made = await rest(
        box, lambda twilio: twilio.calls.create(to=PERSON, from_=BISTRO, url=f"{app.base}/hello", **how)
    )
    return box.network.calls[made.sid]


@pytest.mark.parametrize(
    ("phone", "mode", "answered_by"),
    [
        (Phone(caller=[Wait(90_000)]), "Enable", "human"),
        (voicemail(), "Enable", "machine_start"),
        (voicemail("agent-hello"), "DetectMessageEnd", "machine_end_beep"),
        (Phone(who="fax", caller=[Wait(90_000)]), "Enable", "fax"),
        (Phone(who="unknown", caller=[Wait(90_000)]), "Enable", "unknown"),
        (Phone(detected_ms=9000, caller=[Wait(90_000)]), "Enable", "unknown"),
    ],
)
def test_the_document_is_asked_for_once_it_is_known_who_answered(
    phone: Phone, mode: str, answered_by: str
) -> None:
    async def story(box: Sandbox, app: App) -> None:
        box.network.phones[PERSON] = phone
        call = await _call(box, app, machine_detection=mode, machine_detection_timeout=4)
        await call.ended()
        (form,) = asked(app, "/hello")
        assert form["AnsweredBy"] == answered_by
        assert 0 < int(form["MachineDetectionDuration"]) <= 4000
        fetched = await rest(box, lambda twilio: twilio.calls(call.sid).fetch())
        assert fetched.answered_by == answered_by

    play(story)


def test_asynchronous_detection_tells_its_callback_and_does_not_hold_the_call_up() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents["/hello"] = '<Response><Say>Hi</Say><Pause length="20"/></Response>'
        box.network.phones[PERSON] = voicemail()
        call = await _call(
            box,
            app,
            machine_detection="DetectMessageEnd",
            async_amd="true",
            async_amd_status_callback=f"{app.base}/amd",
        )
        await until(call, Kind.DETECTED)
        await box.network.quiet()
        assert "AnsweredBy" not in asked(app, "/hello")[0]
        assert asked(app, "/amd")[0]["AnsweredBy"] == "machine_end_beep"
        await rest(box, lambda twilio: twilio.calls(call.sid).update(status="completed"))
        assert await call.ended() == "completed"

    play(story)


def test_a_call_that_ends_before_it_is_known_who_answered_tells_nothing() -> None:
    async def story(box: Sandbox, app: App) -> None:
        box.network.phones[PERSON] = Phone(caller=[Wait(200)])
        how = {"async_amd": "true", "async_amd_status_callback": f"{app.base}/amd"}
        call = await _call(box, app, machine_detection="Enable", **how)
        assert await call.ended() == "completed"
        await box.network.quiet()
        assert asked(app, "/amd") == []

    play(story)


def test_a_ringing_call_is_canceled_and_an_answered_one_is_not() -> None:
    async def story(box: Sandbox, app: App) -> None:
        box.network.phones[PERSON] = Phone(ring_ms=30_000)
        call = await _call(box, app, status_callback=f"{app.base}/progress")
        await until(call, Kind.RINGING)
        await rest(box, lambda twilio: twilio.calls(call.sid).update(status="canceled"))
        assert await call.ended() == "canceled"
        assert [form["CallStatus"] for form in asked(app, "/progress")] == ["canceled"]

    play(story)


def test_a_new_time_limit_ends_a_live_call() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents["/hello"] = '<Response><Say>Hi</Say><Pause length="60"/></Response>'
        box.network.phones[PERSON] = Phone(caller=[Wait(90_000)])
        call = await _call(box, app, time_limit=80)
        await until(call, Kind.ANSWERED)
        await rest(box, lambda twilio: twilio.calls(call.sid).update(time_limit=3))
        assert await call.ended(5) == "completed"
        assert call.happened(Kind.HUNG_UP)[0].detail == "time_limit"

    play(story)


def test_digits_are_heard_after_the_answer_and_where_a_document_plays_them() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents["/hello"] = HELLO.replace("<Say>", '<Play digits="w5#"/><Say>')
        box.network.phones[PERSON] = Phone(caller=[Wait(90_000)])
        call = await _call(box, app, send_digits="ww12")
        await call.ended()
        assert [event.detail for event in call.happened(Kind.HEARS_KEYS)] == ["ww12", "w5#"]
        assert call.heard == clip("agent-hello").ulaw

    play(story)


def test_a_person_who_hangs_up_while_it_rings_has_declined() -> None:
    async def story(box: Sandbox, app: App) -> None:
        box.network.phones[PERSON] = Phone(ring_ms=30_000)
        call = await _call(box, app)
        await until(call, Kind.RINGING)
        call.hang_up()
        assert await call.ended(5) == "busy"

    play(story)
