"""Somebody hangs up in every state of a transfer: every call ends, and nobody is left ringing or alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from sandbox import Kind, Phone, PhoneCall, Press, Sandbox, Step, Wait
from tests.e2e.sandbox.network.app import BISTRO, GUEST, App, play
from tests.e2e.sandbox.network.office import EMPTY, PERSON, rest, until

ROOM = "transfer-1"
PATIENT: tuple[Step, ...] = (Wait(90_000),)
ACCEPTS: tuple[Step, ...] = (Wait(2000), Press("1"), Wait(90_000))

DOCUMENTS = {
    "/voice": '<Response><Dial action="/after"><Number url="/brief">+14155550177</Number></Dial></Response>',
    "/brief": '<Response><Gather numDigits="1" timeout="60" action="/accepted">'
    "<Say>Hello</Say></Gather><Hangup/></Response>",
    "/accepted": EMPTY,
    "/conference": f'<Response><Dial action="/after"><Conference endConferenceOnExit="true">{ROOM}'
    "</Conference></Dial></Response>",
    "/after": EMPTY,
    "/status": EMPTY,
}

# Of each state: the caller's document, the person's phone, and what the person's call has seen by then.
STATES: Mapping[str, tuple[str, Phone, Kind]] = {
    "ringing": ("/voice", Phone(ring_ms=30_000), Kind.RINGING),
    "brief": ("/voice", Phone(caller=PATIENT), Kind.HEARS),
    "invited": ("/conference", Phone(ring_ms=30_000), Kind.RINGING),
    "conference": ("/conference", Phone(caller=PATIENT), Kind.CONNECTED),
}


async def _reached(box: Sandbox, app: App, state: str) -> tuple[PhoneCall, PhoneCall]:
    """Bring a caller and a person into a state, and return their calls."""
    document, phone, kind = STATES[state]
    box.account.edit(BISTRO, voice_url=f"{app.base}{document}")
    box.network.phones[PERSON] = phone
    caller = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
    if document == "/conference":
        await until(caller, Kind.CONNECTED)
        await rest(
            box,
            lambda twilio: twilio.conferences(ROOM).participants.create(
                from_=BISTRO, to=PERSON, end_conference_on_exit=True
            ),
        )
    person = await box.network.called(PERSON)
    await until(person, kind)
    return caller, person


async def _everybody_gone(box: Sandbox) -> None:
    for call in box.network.calls.values():
        await call.ended(5)
    await box.network.quiet()
    assert not any(call.live for call in box.account.calls.values())
    assert not any(conference.live for conference in box.account.conferences.values())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("who", ["caller", "person", "both"])
def test_whoever_hangs_up_nobody_is_left_behind(state: str, who: str) -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(DOCUMENTS)
        caller, person = await _reached(box, app, state)
        if who in {"caller", "both"}:
            caller.hang_up()
        if who in {"person", "both"}:
            person.hang_up()
        # Twilio cancels those whom a Dial rings; whom the API has called in, the API must call off.
        if state == "invited" and who == "caller":
            await caller.ended(5)
            assert not person.is_over
            person.hang_up()
        # A person who does not come leaves the caller in the conference, until somebody takes him out.
        if state == "invited" and who == "person":
            await person.ended(5)
            assert not caller.is_over
            caller.hang_up()
        await _everybody_gone(box)

    play(story)


@pytest.mark.parametrize("delay_ms", [0, 1, 3, 10, 30, 100])
def test_a_hang_up_at_any_moment_of_the_acceptance_ends_everything(delay_ms: int) -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(DOCUMENTS)
        box.network.phones[PERSON] = Phone(caller=ACCEPTS)
        caller = box.network.dial(from_=GUEST, to=BISTRO, caller=PATIENT)
        person = await box.network.called(PERSON)
        await until(person, Kind.PRESSED)
        await asyncio.sleep(delay_ms / 1000)
        caller.hang_up()
        assert await caller.ended(5) == "completed"
        assert await person.ended(5) == "completed"
        await _everybody_gone(box)

    play(story)
