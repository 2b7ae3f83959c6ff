"""A stream through a tunnel, and what goes wrong with one on purpose: real sockets, sixteen times faster."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from starlette.requests import Request
from starlette.responses import Response
from twilio.request_validator import RequestValidator

from sandbox import HangUp, Kind, Sandbox, Say, Step, StreamFaults, Wait
from sandbox.speech import clip
from tests.e2e.sandbox.network.app import BISTRO, GUEST, App, Socket, play

PUBLIC = "https://voice.example"


def test_a_tunnel_carries_requests_and_sockets_signed_for_the_public_url() -> None:
    sockets: list[tuple[str, str]] = []

    async def agent(socket: Socket) -> None:
        await socket.until("start")
        await socket.close()

    async def story(box: Sandbox, app: App) -> None:
        def voice(request: Request) -> Response:
            sockets.append((request.headers["host"], request.headers["x-twilio-signature"]))
            body = '<Response><Connect><Stream url="wss://voice.example/stream"/></Connect></Response>'
            return Response(body, media_type="text/xml")

        app.documents = {"/voice": voice}
        box.account.edit(BISTRO, voice_url=f"{PUBLIC}/voice", status_callback="")
        box.network.tunnels[PUBLIC] = app.base
        await box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)]).ended()
        ((host, signature),) = sockets
        assert host == "voice.example"
        assert RequestValidator(box.auth_token).validate(f"{PUBLIC}/voice", app.asked[0].form, signature)
        assert len(app.sockets) == 1
        assert box.alerts == []

    play(story, App(on_stream=agent))


async def _listen(socket: Socket) -> None:
    await socket.until("stop")


def _stream_only(request: Request) -> Response:
    body = f'<Response><Connect><Stream url="ws://{request.url.netloc}/stream"/></Connect></Response>'
    return Response(body, media_type="text/xml")


def _media_times(socket: Socket) -> list[int]:
    media = [message["media"] for message in socket.messages if message["event"] == "media"]
    return [int(one["timestamp"]) for one in media if isinstance(one, dict)]


def test_audio_comes_every_20_ms_without_a_fault() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": _stream_only, "/status": "<Response/>"}
        await box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(4000), HangUp()]).ended()
        times = _media_times(app.sockets[0])
        assert len(times) > 20
        assert {after - before for before, after in pairwise(times)} == {20}

    play(story, App(on_stream=_listen))


def test_a_gap_loses_the_callers_audio_but_not_the_call() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": _stream_only, "/status": "<Response/>"}
        caller: list[Step] = [Say("caller-menu"), HangUp()]
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=caller, faults=StreamFaults(gap_ms=(300, 600)))
        await call.ended()
        times = _media_times(app.sockets[0])
        assert not [time for time in times if 300 <= time < 600]
        assert clip("caller-menu").ulaw in call.spoken
        assert clip("caller-menu").ulaw not in app.sockets[0].heard()

    play(story, App(on_stream=_listen))


def test_a_frozen_stream_sends_no_more_and_no_stop() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": _stream_only, "/status": "<Response/>"}
        faults = StreamFaults(freeze_after_ms=500)
        await box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(4000)], faults=faults).ended()
        socket = app.sockets[0]
        assert max(_media_times(socket)) < 1000
        assert "stop" not in socket.events()

    play(story, App(on_stream=_listen))


def test_jitter_changes_neither_the_order_nor_the_audio() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": _stream_only, "/status": "<Response/>"}
        caller: list[Step] = [Wait(4000), Say("caller-yes"), HangUp()]
        await box.network.dial(
            from_=GUEST, to=BISTRO, caller=caller, faults=StreamFaults(jitter_ms=4)
        ).ended()
        times = _media_times(app.sockets[0])
        assert times == sorted(times)
        assert clip("caller-yes").ulaw in app.sockets[0].heard()

    play(story, App(on_stream=_listen))


def test_jitter_delays_messages_and_does_not_slow_the_caller_down() -> None:
    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": _stream_only, "/status": "<Response/>"}
        began = asyncio.get_running_loop().time()
        caller: list[Step] = [Wait(1500), HangUp()]
        await box.network.dial(
            from_=GUEST, to=BISTRO, caller=caller, faults=StreamFaults(jitter_ms=200)
        ).ended()
        assert asyncio.get_running_loop().time() - began < 3.5  # one after the other they would take 7.5 s
        assert max(_media_times(app.sockets[0])) > 1000  # what is under way at the end is lost

    play(story, App(on_stream=_listen))


@pytest.mark.parametrize(
    ("faults", "last", "reason"),
    [
        (StreamFaults(close_after_ms=500), "start", "closed by the phone's side"),
        (StreamFaults(stop_after_ms=500), "stop", "closed by the app"),
    ],
)
def test_a_stream_closed_or_stopped_alone_leads_to_its_action(
    faults: StreamFaults, last: str, reason: str
) -> None:
    async def until_stop(socket: Socket) -> None:
        await socket.until("stop")
        await socket.close()

    async def story(box: Sandbox, app: App) -> None:
        def voice(request: Request) -> Response:
            stream = f'<Stream url="ws://{request.url.netloc}/stream"/>'
            body = f'<Response><Connect action="/after">{stream}</Connect></Response>'
            return Response(body, media_type="text/xml")

        app.documents = {"/voice": voice, "/after": "<Response/>", "/status": "<Response/>"}
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)], faults=faults)
        assert await call.ended() == "completed"
        assert app.sockets[0].events()[-1] == last
        assert call.happened(Kind.STREAM_CLOSED)[0].detail == reason
        assert app.paths() == ["/voice", "/after", "/status"]
        assert app.asked[1].form["CallStatus"] == "in-progress"

    play(story, App(on_stream=until_stop))


def test_a_slow_reader_takes_the_servers_messages_late() -> None:
    async def agent(socket: Socket) -> None:
        await socket.until("start")
        for name in "abcdef":
            await socket.mark(name)
        for _ in range(6):
            await socket.until("mark")
        await socket.close()

    async def story(box: Sandbox, app: App) -> None:
        app.documents = {"/voice": _stream_only, "/status": "<Response/>"}
        faults = StreamFaults(read_delay_ms=30)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(90_000)], faults=faults)
        await call.ended()
        closed, opened = (call.happened(kind)[0] for kind in (Kind.STREAM_CLOSED, Kind.STREAM_OPENED))
        assert closed.at_ms - opened.at_ms >= 6 * 30

    play(story, App(on_stream=agent))


def test_only_the_first_streams_of_a_call_are_broken_on_demand() -> None:
    async def until_stop(socket: Socket) -> None:
        await socket.until("stop")

    async def story(box: Sandbox, app: App) -> None:
        def voice(request: Request) -> Response:
            stream = f'<Stream url="ws://{request.url.netloc}/stream"/>'
            body = f'<Response><Connect action="/voice">{stream}</Connect></Response>'
            return Response(body, media_type="text/xml")

        app.documents = {"/voice": voice, "/status": "<Response/>"}
        faults = StreamFaults(drop_after_ms=200, streams=2)
        call = box.network.dial(from_=GUEST, to=BISTRO, caller=[Wait(4000)], faults=faults)
        assert await call.ended() == "completed"
        assert [socket.events()[-1] for socket in app.sockets] == ["start", "start", "stop"]

    play(story, App(on_stream=until_stop))
