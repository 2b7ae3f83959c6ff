"""Conferences: who hears whom, what waiting sounds like, and every way in which somebody leaves."""

from __future__ import annotations

import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import HangUp, Kind, Listen, Phone, PhoneCall, Sandbox, Say, Step, Wait
from sandbox.account.conferences import Conference
from sandbox.account.participants import Participant
from sandbox.network.conference_room import ConferenceRoom, Member
from sandbox.network.line import Line
from sandbox.network.mixing import Room, Seat, mixed
from sandbox.speech import clip
from sandbox.speech.hearing import find_spoken
from sandbox.speech.ulaw import SILENCE
from tests.e2e.sandbox.network.app import BISTRO, GUEST, App, play
from tests.e2e.sandbox.network.office import EMPTY, PERSON, asked, rest, until

PATIENT: tuple[Step, ...] = (Wait(90_000),)
EVENTS = "start end join leave mute hold modify announcement"
ROOM = "transfer-1"


def _conference(attributes: str = "") -> str:
    return (
        '<Response><Dial action="/after"><Conference waitUrl="" statusCallback="/conference" '
        f'statusCallbackEvent="{EVENTS}" {attributes}>{ROOM}</Conference></Dial></Response>'
    )


def _documents(attributes: str = "") -> dict[str, str]:
    return {"/voice": _conference(attributes), "/after": EMPTY, "/status": EMPTY, "/conference": EMPTY}


def _sid(box: Sandbox) -> str:
    (sid,) = box.account.conferences
    return sid


def _told(app: App) -> list[str]:
    return [form["StatusCallbackEvent"] for form in asked(app, "/conference")]


async def _invite(box: Sandbox, room: str = ROOM, **how: object) -> PhoneCall:
    made = await rest(
        box,
        lambda twilio: twilio.conferences(room).participants.create(
            from_=BISTRO, to=PERSON, early_media=True, **how
        ),
    )
    return box.network.calls[made.call_sid]


def test_those_in_a_conference_hear_each_other_byte_for_byte() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents("endConferenceOnExit='true' participantLabel='caller'"))
        box.network.phones[PERSON] = Phone(caller=[Say("caller-hello"), *PATIENT])
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Listen(), Say("caller-menu"), Wait(2000)])
        await until(call, Kind.CONNECTED)
        person = await _invite(box, label="person", end_conference_on_exit=False)
        assert await call.ended() == "completed"
        assert await person.ended() == "completed"
        await box.network.quiet()
        assert [one.name for one in find_spoken(call.heard)] == ["caller-hello"]
        assert [one.name for one in find_spoken(person.heard)] == ["caller-menu"]
        assert _told(app) == [
            *("participant-join", "participant-join", "conference-start"),
            *("participant-leave", "conference-end", "participant-leave"),
        ]
        last = asked(app, "/conference")
        assert [form["SequenceNumber"] for form in last] == [str(n) for n in range(6)]
        assert last[1]["ParticipantLabel"] == "person"
        assert last[3]["ReasonParticipantLeft"] == "participant_hung_up"
        assert last[4]["CallSidEndingConference"] == call.sid
        assert last[5]["ReasonParticipantLeft"] == "moderator_ended_conference"

    play(story)


def test_a_conference_is_found_by_name_and_status_while_it_lasts() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        box.network.phones[PERSON] = Phone(caller=PATIENT)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await until(call, Kind.CONNECTED)
        (waiting,) = await rest(box, lambda twilio: twilio.conferences.list(friendly_name=ROOM))
        assert waiting.status == "init"
        person = await _invite(box, room=waiting.sid, label="person")
        await until(person, Kind.CONNECTED)
        (live,) = await rest(box, lambda twilio: twilio.conferences.list(status="in-progress"))
        there = await rest(box, lambda twilio: twilio.conferences(live.sid).participants.list())
        assert {one.call_sid for one in there} == {call.sid, person.sid}
        assert {one.status for one in there} == {"connected"}
        labelled = await rest(box, lambda twilio: twilio.conferences(live.sid).participants("person").fetch())
        assert labelled.call_sid == person.sid
        await rest(box, lambda twilio: twilio.conferences(live.sid).update(status="completed"))
        assert await person.ended(5) == "completed"
        assert await call.ended(5) == "completed"
        over = await rest(box, lambda twilio: twilio.conferences(live.sid).fetch())
        assert (over.status, over.reason_conference_ended) == ("completed", "conference-ended-via-api")
        assert await rest(box, lambda twilio: twilio.conferences(live.sid).participants.list()) == []
        assert asked(app, "/after")[0]["DialCallStatus"] == "answered"
        assert "DialCallSid" not in asked(app, "/after")[0]

    play(story)


def test_who_is_on_hold_hears_music_and_nobody_else() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        app.documents["/music"] = "<Response><Say>Hello. How can I help you?</Say></Response>"
        box.network.phones[PERSON] = Phone(caller=[Wait(8000), Say("caller-hello"), *PATIENT])
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await until(call, Kind.CONNECTED)
        person = await _invite(box)
        await until(person, Kind.CONNECTED)
        held = {"hold": True, "hold_url": f"{app.base}/music", "hold_method": "POST"}
        await rest(box, lambda twilio: twilio.conferences(_sid(box)).participants(call.sid).update(**held))
        await until(person, Kind.SAID)
        await rest(
            box, lambda twilio: twilio.conferences(_sid(box)).participants(call.sid).update(hold=False)
        )
        call.hang_up()
        await call.ended()
        await box.network.quiet()
        assert call.heard == clip("agent-hello").ulaw
        assert _told(app)[3:5] == ["participant-hold", "participant-unhold"]
        assert asked(app, "/conference")[3]["Hold"] == "true"

    play(story)


def test_who_waits_alone_hears_the_music_until_somebody_comes() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        app.documents["/voice"] = f"<Response><Dial><Conference>{ROOM}</Conference></Dial></Response>"
        box.network.phones[PERSON] = Phone(caller=[Wait(1500), HangUp()])
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await until(call, Kind.HEARS)
        person = await _invite(box)
        await until(person, Kind.CONNECTED)
        await until(call, Kind.QUIET)
        await person.ended()
        assert not call.is_over
        call.hang_up()
        await call.ended()

    play(story)


def test_a_muted_participant_hears_and_is_not_heard() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        box.network.phones[PERSON] = Phone(caller=[Listen(), Say("caller-hello"), HangUp()])
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(3000), Say("caller-menu"), *PATIENT])
        await until(call, Kind.CONNECTED)
        person = await _invite(box, muted=True)
        await person.ended()
        assert call.heard == b""
        assert [one.name for one in find_spoken(person.heard)] == ["caller-menu"]
        call.hang_up()
        await call.ended()

    play(story)


def test_a_kicked_participant_goes_on_with_his_own_document() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        app.documents["/after"] = "<Response><Say>Thank you for calling. Goodbye.</Say></Response>"
        box.network.phones[PERSON] = Phone(caller=PATIENT)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await until(call, Kind.CONNECTED)
        person = await _invite(box)
        await until(person, Kind.CONNECTED)
        await rest(box, lambda twilio: twilio.conferences(_sid(box)).participants(call.sid).delete())
        assert await call.ended(5) == "completed"
        assert call.heard == clip("agent-goodbye").ulaw
        await rest(box, lambda twilio: twilio.conferences(_sid(box)).participants(person.sid).delete())
        assert await person.ended(5) == "completed"
        await box.network.quiet()
        reasons = [form.get("ReasonParticipantLeft") for form in asked(app, "/conference")]
        assert reasons.count("participant_updated_via_api") == 2
        assert asked(app, "/conference")[-1]["ReasonConferenceEnded"] == "last-participant-kicked"

    play(story)


def test_a_redirected_participant_leaves_the_conference() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents("endConferenceOnExit='true'"))
        box.network.phones[PERSON] = Phone(caller=PATIENT)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await until(call, Kind.CONNECTED)
        person = await _invite(box)
        await until(person, Kind.CONNECTED)
        bye = "<Response><Say>Thank you for calling. Goodbye.</Say></Response>"
        await rest(box, lambda twilio: twilio.calls(call.sid).update(twiml=bye))
        assert await person.ended(5) == "completed"
        assert await call.ended(5) == "completed"
        assert call.heard == clip("agent-goodbye").ulaw
        assert asked(app, "/after") == []

    play(story)


@pytest.mark.parametrize(("outcome", "status"), [("busy", "busy"), ("no-answer", "no-answer")])
def test_somebody_invited_who_does_not_come_is_no_participant(outcome: str, status: str) -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        box.network.phones[PERSON] = Phone(outcome=outcome)  # type: ignore[arg-type]  # from the table
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await until(call, Kind.CONNECTED)
        person = await _invite(box, timeout=5, status_callback=f"{app.base}/status")
        assert await person.ended() == status
        assert asked(app, "/status")[-1]["CallStatus"] == status
        left = await rest(box, lambda twilio: twilio.conferences(_sid(box)).participants.list())
        assert [one.call_sid for one in left] == [call.sid]
        await box.network.quiet()
        assert asked(app, "/conference")[-1]["ReasonParticipantLeft"] == "participant_add_failed"
        call.hang_up()
        await call.ended()

    play(story)


def test_hanging_up_on_somebody_who_still_rings_cancels_his_call() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents())
        box.network.phones[PERSON] = Phone(ring_ms=30_000)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await until(call, Kind.CONNECTED)
        person = await _invite(box)
        await until(person, Kind.RINGING)
        await rest(box, lambda twilio: twilio.calls(person.sid).update(status="canceled"))
        assert await person.ended(5) == "canceled"
        call.hang_up()
        await call.ended()

    play(story)


def test_a_label_is_used_once_and_a_conference_that_is_over_takes_nobody() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_documents("participantLabel='guest'"))
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        await until(call, Kind.CONNECTED)
        with pytest.raises(TwilioRestException) as twice:
            await _invite(box, label="guest")
        (conference,) = box.account.conferences.values()
        call.hang_up()
        await call.ended()
        with pytest.raises(TwilioRestException) as over:
            await _invite(box, room=conference.sid)
        assert (twice.value.code, over.value.code) == (16025, 20404)
        assert await box.network.called(BISTRO) is call

    play(story)


def test_one_voice_passes_as_it_is_and_two_are_added() -> None:
    hello, menu = clip("caller-hello").ulaw[:160], clip("caller-menu").ulaw[8000:8160]
    assert mixed([hello]) is hello
    assert mixed([menu, SILENCE * 160]) == menu
    assert mixed([menu, menu]) != menu


def test_a_room_carries_three_voices_to_everybody_else() -> None:
    lines = [Line([Say(name)]) for name in ("caller-yes", "caller-no", "caller-menu")]
    seats = [Seat(line) for line in lines]
    room = Room()
    for seat in seats:
        room.enter(seat)
    for end_ms in range(20, 3000, 20):
        for line, seat in zip(lines, seats, strict=True):
            seat.settle(end_ms)
            seat.ticked(line.tick(), end_ms)
    yes, no, menu = (len(clip(name).ulaw) for name in ("caller-yes", "caller-no", "caller-menu"))
    heard = [len(line.heard.placed()) for line in lines]
    assert heard[0] >= max(no, menu)
    assert heard[1] >= max(yes, menu)
    assert max(yes, no) <= heard[2] < menu


def test_the_first_who_may_start_a_conference_starts_it() -> None:
    told: list[str] = []
    room = ConferenceRoom(Conference("AC", ROOM), lambda event, _: told.append(event))
    for number, starts in enumerate((False, False, True)):
        record = Participant("AC", room.record.sid, f"CA{number}", start_on_enter=starts)
        room.enter(Member(record, Seat(Line([])), None))
    assert told == ["participant-join"] * 3 + ["conference-start"]
