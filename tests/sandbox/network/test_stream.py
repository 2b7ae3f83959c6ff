"""Where a stream may lead, and what goes wrong with it on purpose."""

from __future__ import annotations

from itertools import pairwise

import pytest
from starlette.requests import Request
from starlette.responses import Response
from twilio.request_validator import RequestValidator

from sandbox import HangUp, Sandbox, Say, Step, StreamFaults, Wait
from sandbox.network.stream import StreamError, stream_address
from sandbox.network.webhooks import Tunnels
from sandbox.speech import clip
from tests.sandbox.network.app import BISTRO, GUEST, App, Socket, play

NO_TUNNELS = Tunnels({})
PUBLIC = "https://voice.example"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ws://voice.example/stream", 31922),
        ("https://voice.example/stream", 31922),
        ("/stream", 31923),
        ("wss:///stream", 31923),
    ],
)
def test_a_stream_leads_to_a_secure_socket_only(url: str, code: int) -> None:
    with pytest.raises(StreamError) as caught:
        stream_address(url, NO_TUNNELS)
    assert caught.value.code == code


def test_plain_sockets_are_for_this_machine() -> None:
    assert stream_address("ws://127.0.0.1:8080/stream/a", NO_TUNNELS) == (
        "ws://127.0.0.1:8080/stream/a",
        None,
    )


def test_a_query_string_is_dropped_and_told_of() -> None:
    url, oddity = stream_address("wss://voice.example/stream?call=1", NO_TUNNELS)
    assert url == "wss://voice.example/stream"
    assert oddity is not None


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
