"""Recordings of calls: ordered by the API, by a document, with a call, and as messages."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from twilio.base.exceptions import TwilioRestException

from sandbox import HangUp, Kind, Listen, Phone, PhoneCall, Press, Sandbox, Say, Step, Wait
from sandbox.account.formats import API_VERSION
from sandbox.speech import clip
from sandbox.speech.ulaw import from_pcm, to_pcm
from tests.e2e.sandbox.network.app import BISTRO, GUEST, App, play
from tests.e2e.sandbox.network.office import EMPTY, PERSON, asked, rest, until

TALK = (
    "<Response><Say>Hello. How can I help you?</Say>"
    '<Pause length="9"/><Say>Thank you for calling. Goodbye.</Say></Response>'
)


async def _media(box: Sandbox, sid: str) -> tuple[list[bytes], int]:
    """Return the channels of a recording as µ-law, and its length in whole seconds."""
    path = f"/{API_VERSION}/Accounts/{box.account_sid}/Recordings/{sid}.wav"
    async with httpx2.AsyncClient(base_url=box.url) as client:
        answer = await client.get(path, auth=(box.account_sid, box.auth_token))
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (8000, 2)
        channels, seconds = file.getnchannels(), round(file.getnframes() / 8000)
        pcm = file.readframes(-1)
    width = 2 * channels
    cut = [
        b"".join(pcm[at + 2 * one : at + 2 * one + 2] for at in range(0, len(pcm), width))
        for one in range(channels)
    ]
    return [from_pcm(one) for one in cut], seconds


def _kept(name: str) -> bytes:
    """Return the middle of a clip as a recording keeps it: µ-law has two zeros, PCM has one."""
    return from_pcm(to_pcm(clip(name).ulaw[1600:-800]))


def test_a_dual_recording_has_the_person_on_the_first_channel_and_the_agent_on_the_second() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": TALK, "/status": EMPTY, "/recorded": EMPTY}
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(7000), Say("caller-menu"), Wait(90_000)])
        await until(call, Kind.ANSWERED)
        order = {
            "recording_channels": "dual",
            "recording_status_callback": f"{app.base}/recorded",
            "recording_status_callback_event": ["in-progress", "completed"],
        }
        made = await rest(box, lambda twilio: twilio.calls(call.sid).recordings.create(**order))
        assert (made.status, made.channels, made.source) == ("in-progress", 2, "StartCallRecordingAPI")
        await call.ended()
        await box.network.quiet()
        begun, ended = asked(app, "/recorded")
        assert (begun["RecordingStatus"], ended["RecordingStatus"]) == ("in-progress", "completed")
        assert ended["RecordingUrl"].endswith(f"/Recordings/{made.sid}")
        assert ended["RecordingChannels"] == "2"
        (person, agent), seconds = await _media(box, made.sid)
        assert _kept("caller-menu") in person
        assert _kept("agent-goodbye") in agent
        assert int(ended["RecordingDuration"]) == seconds
        (listed,) = await rest(box, lambda twilio: twilio.recordings.list(call_sid=call.sid))
        assert (listed.sid, listed.status, listed.duration) == (made.sid, "completed", str(seconds))

    play(story)


def test_a_recording_is_paused_resumed_and_stopped() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": '<Response><Pause/><Say>Hi</Say><Pause length="60"/></Response>'}
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)])
        await until(call, Kind.ANSWERED)
        made = await rest(box, lambda twilio: twilio.calls(call.sid).recordings.create())

        def to(status: str, **more: str) -> Callable[[], Awaitable[object]]:
            recording = "Twilio.CURRENT"
            return lambda: rest(
                box, lambda twilio: twilio.calls(call.sid).recordings(recording).update(status=status, **more)
            )

        await to("paused", pause_behavior="skip")()
        assert box.account.recordings[made.sid].status == "paused"
        await to("in-progress")()
        await to("stopped")()
        assert box.account.recordings[made.sid].status == "completed"
        with pytest.raises(TwilioRestException):
            await to("stopped")()
        call.hang_up()
        await call.ended()
        with pytest.raises(TwilioRestException) as late:
            await rest(box, lambda twilio: twilio.calls(call.sid).recordings.create())
        assert late.value.code == 21220
        await rest(box, lambda twilio: twilio.recordings(made.sid).delete())
        assert await rest(box, lambda twilio: twilio.recordings.list()) == []

    play(story)


def test_a_document_starts_a_recording_that_goes_on_beside_what_follows() -> None:
    async def story(box: Sandbox, app: App) -> None:
        callback = f"{app.base}/recorded"
        start = f'<Start><Recording recordingStatusCallback="{callback}"/></Start>'
        app.documents = {"/voice": TALK.replace("<Response>", f"<Response>{start}"), "/recorded": EMPTY}
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)])
        await call.ended()
        await box.network.quiet()
        (told,) = asked(app, "/recorded")
        assert (told["RecordingSource"], told["RecordingChannels"]) == ("StartCallRecordingTwiML", "2")
        (_, agent), _ = await _media(box, told["RecordingSid"])
        assert _kept("agent-hello") in agent

    play(story)


def test_a_call_may_be_recorded_from_its_answer() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/hello": TALK, "/recorded": EMPTY}
        box.network.phones[PERSON] = Phone(caller=[Wait(90_000)])
        order = {"record": True, "recording_status_callback": f"{app.base}/recorded"}
        made = await rest(
            box,
            lambda twilio: twilio.calls.create(to=PERSON, from_=BISTRO, url=f"{app.base}/hello", **order),
        )
        await box.network.calls[made.sid].ended()
        await box.network.quiet()
        (told,) = asked(app, "/recorded")
        assert (told["RecordingSource"], told["RecordingChannels"]) == ("OutboundAPI", "1")
        (both,), _ = await _media(box, told["RecordingSid"])
        assert _kept("agent-hello") in both

    play(story)


def test_a_message_is_taken_after_the_beep() -> None:
    async def story(box: Sandbox, app: App) -> None:
        record = '<Record action="/taken" timeout="2" finishOnKey="#"/>'
        app.documents = {"/voice": f"<Response>{record}</Response>", "/taken": EMPTY, "/status": EMPTY}
        caller: list[Step] = [Listen(until_quiet_ms=200), Say("caller-menu"), Press("#"), Wait(90_000)]
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=caller)
        await call.ended()
        (taken,) = asked(app, "/taken")
        assert taken["Digits"] == "#"
        assert int(taken["RecordingDuration"]) >= 1
        (message,), _ = await _media(box, taken["RecordingSid"])
        assert _kept("caller-menu") in message

    play(story)


def test_a_caller_who_hangs_up_during_the_message_still_leaves_it() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": '<Response><Record action="/taken"/></Response>', "/taken": EMPTY}
        caller: list[Step] = [Listen(until_quiet_ms=200), Say("caller-menu"), HangUp()]
        call: PhoneCall = box.network.dial(from_=GUEST, to=BISTRO, caller=caller)
        await call.ended()
        (taken,) = asked(app, "/taken")
        assert (taken["Digits"], taken["CallStatus"]) == ("hangup", "completed")
        assert taken["RecordingUrl"]

    play(story)


def test_media_need_the_accounts_credentials() -> None:
    async def story(box: Sandbox, _: App) -> None:
        path = f"{box.url}/{API_VERSION}/Accounts/{box.account_sid}/Recordings/RE{'0' * 32}.wav"
        wrong = base64.b64encode(b"AC:wrong").decode()
        async with httpx2.AsyncClient() as client:
            refused = await client.get(path, headers={"Authorization": f"Basic {wrong}"})
        assert refused.status_code == 401

    play(story)
