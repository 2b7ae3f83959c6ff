"""Whole calls over real sockets, on a clock that runs sixteen times as fast."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from twilio.rest import Client

from sandbox import HangUp, Kind, Listen, NumberSeed, Phone, Press, Sandbox, Say, StreamFaults, Wait
from sandbox.account.formats import stable_sid
from sandbox.speech import clip
from tests.e2e.sandbox.network.app import BISTRO, GUEST, App, Socket, play
from tests.sandbox.account.api import OverLoopback

TRUNK = stable_sid("TK", "office")
STREAM = (
    '<Response><Connect{0}><Stream url="ws://{{host}}/stream">'
    '<Parameter name="k" value="v"/></Stream></Connect></Response>'
)
EMPTY = "<Response/>"


def _stream_document(action: str = "") -> dict[str, object]:
    def document(request: Request) -> Response:
        body = STREAM.format(f' action="{action}"' if action else "").format(host=request.url.netloc)
        return Response(body, media_type="text/xml")

    return {"/voice": document, "/status": EMPTY, "/after": EMPTY}


def _codes(box: Sandbox) -> list[int]:
    return [alert.code for alert in box.alerts]


def test_a_call_is_answered_spoken_to_and_reported() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {
            "/voice": "<Response><Say>Hello. How can I help you?</Say></Response>",
            "/status": EMPTY,
        }
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)])
        assert await call.ended() == "completed"
        voice, status = app.asked
        assert all(one.signed for one in app.asked)
        assert (voice.form["CallStatus"], voice.form["From"], voice.form["To"]) == ("ringing", GUEST, BISTRO)
        assert voice.form["Direction"] == "inbound"
        assert voice.headers["i-twilio-idempotency-token"]
        assert (status.form["CallStatus"], status.form["SequenceNumber"]) == ("completed", "0")
        assert int(status.form["CallDuration"]) == call.call.duration_seconds >= 1
        assert call.heard == clip("agent-hello").ulaw
        assert box.alerts == []

    play(story)


def test_a_stream_carries_both_voices_byte_for_byte() -> None:
    async def agent(socket: Socket) -> None:
        await socket.until("start")
        await socket.say(clip("agent-ask-day").ulaw)
        await socket.mark("said")
        await socket.until("mark")
        await socket.until("stop")

    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_stream_document("/after"))  # type: ignore[arg-type]  # bodies and functions
        call = box.network.dial(
            from_=GUEST, to=BISTRO, caller=[Listen(), Say("caller-menu"), Press("1"), HangUp()]
        )
        await call.ended()
        (socket,) = app.sockets
        assert app.stream_signed == [True]
        assert call.heard == clip("agent-ask-day").ulaw
        assert clip("caller-menu").ulaw in socket.heard()
        assert clip("caller-menu").ulaw in call.spoken
        assert socket.events() == ["connected", "start", "mark", "dtmf", "stop"]
        numbers = [int(str(message["sequenceNumber"])) for message in socket.messages[1:]]
        assert numbers == list(range(1, len(numbers) + 1))
        assert app.paths() == ["/voice", "/after", "/status"]
        assert app.asked[1].form["CallStatus"] == "completed"
        kinds = [event.kind for event in call.events]
        assert (
            kinds.index(Kind.HEARS)
            < kinds.index(Kind.QUIET)
            < kinds.index(Kind.SAYS)
            < kinds.index(Kind.HUNG_UP)
        )

    play(story, App(on_stream=agent))


def test_a_clear_stops_the_voice_and_returns_the_marks() -> None:
    async def agent(socket: Socket) -> None:
        await socket.until("start")
        await socket.say(clip("agent-menu").ulaw)
        await socket.mark("end")
        await socket.until("media")
        await asyncio.sleep(0.1)
        await socket.clear()
        await socket.until("mark")
        await socket.close()

    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_stream_document())  # type: ignore[arg-type]  # bodies and functions
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)])
        await call.ended()
        assert clip("agent-menu").ulaw.startswith(call.heard)
        assert 0 < len(call.heard) < len(clip("agent-menu").ulaw)
        assert call.happened(Kind.CLEARED)

    play(story, App(on_stream=agent))


def test_when_the_app_closes_the_stream_its_action_controls_the_call() -> None:
    async def agent(socket: Socket) -> None:
        await socket.until("start")
        await socket.close()

    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_stream_document("/after"))  # type: ignore[arg-type]  # bodies and functions
        app.documents["/after"] = "<Response><Say>Thank you for calling. Goodbye.</Say></Response>"
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)])
        await call.ended()
        assert app.asked[1].form["CallStatus"] == "in-progress"
        assert call.heard == clip("agent-goodbye").ulaw

    play(story, App(on_stream=agent))


def test_bad_messages_are_alerts_once_each_and_the_stream_goes_on() -> None:
    async def agent(socket: Socket) -> None:
        await socket.until("start")
        for _ in range(3):
            await socket.send({"event": "media", "media": {"payload": "AA==", "track": "outbound"}})
            await socket.send({"event": "dance"})
        await socket.mark("still here")
        await socket.until("mark")
        await socket.close()

    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_stream_document())  # type: ignore[arg-type]  # bodies and functions
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)])
        await call.ended()
        assert _codes(box) == [31951]

    play(story, App(on_stream=agent))


def test_a_torn_stream_leads_to_the_action_without_a_stop() -> None:
    async def agent(socket: Socket) -> None:
        await socket.until("stop")

    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_stream_document("/after"))  # type: ignore[arg-type]  # bodies and functions
        faults = StreamFaults(drop_after_ms=500)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)], faults=faults)
        await call.ended()
        assert "stop" not in app.sockets[0].events()
        assert app.asked[1].path == "/after"
        assert _codes(box) == [31921]

    play(story, App(on_stream=agent))


def test_a_refused_handshake_is_an_alert_and_the_call_goes_on() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents.update(_stream_document("/after"))  # type: ignore[arg-type]  # bodies and functions
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)])
        await call.ended()
        assert _codes(box) == [31920]
        assert app.paths() == ["/voice", "/after", "/status"]

    play(story)


def test_a_rejected_call_is_busy_and_never_answered() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": '<Response><Reject reason="busy"/></Response>', "/status": EMPTY}
        call = box.network.dial(from_=GUEST, to=BISTRO)
        assert await call.ended() == "busy"
        assert call.answered_at_ms is None
        assert app.asked[-1].form["CallStatus"] == "busy"
        assert app.asked[-1].form["CallDuration"] == "0"

    play(story)


def test_a_failing_document_leads_to_the_fallback() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/fallback": "<Response><Reject/></Response>", "/status": EMPTY}
        box.account.edit(BISTRO, voice_fallback_url=f"{app.base}/fallback")
        call = box.network.dial(from_=GUEST, to=BISTRO)
        assert await call.ended() == "no-answer"
        assert app.asked[1].form["ErrorCode"] == "11200"
        assert app.asked[1].form["ErrorUrl"] == f"{app.base}/voice?tm=1"
        assert _codes(box) == [11200]

    play(story)


def test_an_app_that_is_not_there_is_an_application_error() -> None:
    async def story(box: Sandbox, _: App) -> None:
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)])
        assert await call.ended() == "completed"
        assert _codes(box) == [11205]
        assert call.heard

    play(story, number=NumberSeed(BISTRO, voice_url="http://127.0.0.1:9/voice"))


def test_redirects_are_followed_and_signed_again() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {
            "/voice": lambda _: RedirectResponse("/moved?a=1", 307),
            "/moved": EMPTY,
            "/status": EMPTY,
        }
        await box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)]).ended()
        assert app.paths() == ["/voice", "/moved", "/status"]
        assert all(one.signed for one in app.asked)

    play(story)


def test_a_response_without_content_type_or_too_large_is_a_failure() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": lambda _: Response(b"<Response/>"), "/status": EMPTY}
        await box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)]).ended()
        app.documents["/voice"] = f"<Response><!-- {'x' * 70_000} --></Response>"
        await box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)]).ended()
        assert _codes(box) == [11200, 11750]

    play(story)


def test_a_number_without_voice_url_or_on_a_trunk_cannot_be_called() -> None:
    async def story(box: Sandbox, app: App) -> None:
        box.account.edit(BISTRO, trunk_sid=TRUNK)
        on_trunk = box.network.dial(from_=GUEST, to=BISTRO)
        box.account.edit(BISTRO, trunk_sid=None, voice_url="")
        blank = box.network.dial(from_=GUEST, to=BISTRO)
        unknown = box.network.dial(from_=GUEST, to="+14155550000")
        assert [await call.ended() for call in (on_trunk, blank, unknown)] == ["failed"] * 3
        assert app.asked == []
        assert box.alerts == []

    play(story)


def test_a_caller_who_hangs_up_while_it_rings_was_not_answered() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": '<Response><Pause length="20"/></Response>', "/status": EMPTY}
        call = box.network.dial(from_=GUEST, to=BISTRO)
        await asyncio.sleep(0.1)
        call.hang_up()
        assert await call.ended() == "no-answer"

    play(story)


def test_the_api_calls_a_phone_and_hears_how_it_went() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {
            "/hello": "<Response><Say>Hello. How can I help you?</Say></Response>",
            "/progress": EMPTY,
        }
        box.network.phones[GUEST] = Phone(caller=[Wait(90_000)])
        sid = await asyncio.to_thread(_create_call, box, app)
        call = box.network.calls[sid]
        assert await call.ended() == "completed"
        progress = [one.form for one in app.asked if one.path == "/progress"]
        assert [form["CallStatus"] for form in progress] == [
            "initiated",
            "ringing",
            "in-progress",
            "completed",
        ]
        assert [form["SequenceNumber"] for form in progress] == ["0", "1", "2", "3"]
        assert call.heard == clip("agent-hello").ulaw

    play(story)


def test_the_api_ends_a_live_call() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": '<Response><Say>Hi</Say><Pause length="60"/></Response>', "/status": EMPTY}
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(60_000)])
        async for event in call.follow():
            if event.kind is Kind.ANSWERED:
                break
        await asyncio.to_thread(lambda: _library(box).calls(call.sid).update(status="completed"))
        assert await call.ended() == "completed"
        assert call.happened(Kind.HUNG_UP)[0].detail == "api"

    play(story)


def test_a_live_call_can_be_redirected() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": '<Response><Say>Hi</Say><Pause length="60"/></Response>', "/status": EMPTY}
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(60_000)])
        async for event in call.follow():
            if event.kind is Kind.QUIET:
                break
        twiml = "<Response><Say>Thank you for calling. Goodbye.</Say></Response>"
        await asyncio.to_thread(lambda: _library(box).calls(call.sid).update(twiml=twiml))
        assert await call.ended() == "completed"
        assert call.heard.endswith(clip("agent-goodbye").ulaw)

    play(story)


def test_a_phone_that_is_busy_or_silent_does_not_answer() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/hello": EMPTY, "/progress": EMPTY}
        box.network.phones[GUEST] = Phone(outcome="busy", ring_ms=10)
        busy = await asyncio.to_thread(_create_call, box, app)
        assert await box.network.calls[busy].ended() == "busy"
        box.network.phones[GUEST] = Phone(outcome="no-answer", ring_ms=10)
        silent = await asyncio.to_thread(_create_call, box, app)
        assert await box.network.calls[silent].ended() == "no-answer"
        assert "/hello" not in app.paths()

    play(story)


def _library(box: Sandbox) -> Client:
    return Client(box.account_sid, box.auth_token, http_client=OverLoopback(box.url), environment={})


def _create_call(box: Sandbox, app: App) -> str:
    sid: str = (
        _library(box)
        .calls.create(
            to=GUEST,
            from_=BISTRO,
            url=f"{app.base}/hello",
            status_callback=f"{app.base}/progress",
            status_callback_event=["initiated", "ringing", "answered", "completed"],
        )
        .sid
    )
    return sid
