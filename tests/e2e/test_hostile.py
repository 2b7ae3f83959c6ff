"""What nobody should do to a running node, done to it: it goes on, and every call has one honest record."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
from pathlib import Path

import httpx2
import pytest
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox.network import Kind, Wait
from tests.e2e.test_strangers import form, post, signed
from tests.e2e.world import CALLER, FRONT_DESK, World, play, until

LISTENING = "0A"  # Linux: of a socket in /proc/net/tcp


async def webhook(world: World, path: str, **parameters: str) -> httpx2.Response:
    """Post a webhook as Twilio does."""
    data = {**form(world), **parameters}
    return await post(world, path, data, signed(world, path, data))


async def open_stream(world: World, call_sid: str) -> ClientConnection:
    """Announce a call and open its stream as Twilio does, but for `start`."""
    answer = await webhook(world, "/voice/front-desk", CallSid=call_sid)
    found = re.search(r'<Stream url="([^"]+)"', answer.text)
    assert found is not None, answer.text
    signature = RequestValidator(world.box.auth_token).compute_signature(found[1], {})
    return await connect(found[1], additional_headers={"X-Twilio-Signature": signature}, ping_interval=None)


def start(call_sid: str) -> str:
    media_format = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    about = {"streamSid": "MZ1", "callSid": call_sid, "tracks": ["inbound"], "mediaFormat": media_format}
    return json.dumps({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": about})


def tear(stream: ClientConnection) -> None:
    """Reset the TCP connection without a word."""
    raw: socket.socket = stream.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.transport.abort()


NONSENSE: tuple[str | bytes, ...] = (
    "nonsense",
    b"\x00" * 100,
    '{"event": "x", "more": ' + "[" * 30_000,
    "x" * 70_000,
)


def open_connections(pid: int, port: int) -> int:
    """Return how many connections to its own port a process has not let go of, as Linux counts them."""
    held = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since
            held.add(str(file.readlink()))
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    ours = [row for row in rows if int(row[1].partition(":")[2], 16) == port and row[3] != LISTENING]
    return sum(f"socket:[{row[9]}]" in held for row in ours)


def test_a_stream_of_nonsense_or_one_that_is_torn_ends_in_one_record_and_leaves_nothing_open(
    tmp_path: Path,
) -> None:
    async def story(world: World) -> None:
        async with world.serving() as server:

            async def all_closed() -> bool:
                return open_connections(server.pid, world.port) == 0

            for number, message in enumerate(NONSENSE):
                stream = await open_stream(world, f"CA{number}")
                assert open_connections(server.pid, world.port)
                await stream.send(message)
                tear(stream)
            stream = await open_stream(world, "CAtalking")
            await stream.send(start("CAtalking"))
            await stream.recv()
            tear(stream)
            # Twilio is waited for in all of them, which brings nobody back.
            for number in range(len(NONSENSE)):
                record = await world.record_of(f"CA{number}", seconds=25)
                assert record["reject_reason"] == "stream_timeout"
            assert (await world.record_of("CAtalking", seconds=25))["end_reason"] == "media_error"
            await until(all_closed, what="the end of every connection")
            for session in world.box.model.sessions:
                await asyncio.wait_for(session.ended.wait(), 5)

    if not Path("/proc/self/net/tcp").exists():
        pytest.skip("needs /proc to see what is open")
    play(tmp_path, story)


def test_a_call_that_ends_in_five_ways_at_once_ends_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving(), httpx2.AsyncClient(base_url=world.base, timeout=5) as client:
            for number in range(8):
                sid = f"CA{number}"
                stream = await open_stream(world, sid)
                await stream.send(start(sid))
                await asyncio.sleep(number * 0.005)
                await asyncio.gather(
                    stream.send(json.dumps({"event": "stop", "streamSid": "MZ1", "stop": {}})),
                    stream.close(),
                    webhook(world, "/voice/front-desk/after", CallSid=sid, CallStatus="completed"),
                    webhook(
                        world,
                        "/voice/front-desk/status",
                        CallSid=sid,
                        CallStatus="completed",
                        CallDuration="1",
                    ),
                    client.post(f"/api/calls/{sid}/hangup"),
                    return_exceptions=True,
                )
                record = await world.record_of(sid)
                assert record["end_reason"] in {"caller_hangup", "cancelled"}
                assert record["duration_seconds"] == 1

    play(tmp_path, story)


def test_a_token_opens_one_stream_and_none_after_the_end(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving():
            stream = await open_stream(world, "CA1")
            path = stream.request.path if stream.request else ""
            await stream.send(start("CA1"))
            for _ in ("while it lasts", "after its end"):
                signature = RequestValidator(world.box.auth_token).compute_signature(
                    f"ws://127.0.0.1:{world.port}{path}", {}
                )
                with pytest.raises(InvalidStatus, match="403"):
                    await connect(
                        f"ws://127.0.0.1:{world.port}{path}",
                        additional_headers={"X-Twilio-Signature": signature},
                    )
                await webhook(world, "/voice/front-desk/status", CallSid="CA1", CallStatus="completed")
            with pytest.raises(ConnectionClosed):
                while True:
                    await stream.recv()

    play(tmp_path, story)


def test_a_second_stop_signal_ends_the_call_and_its_caller_still_hears_the_fallback_message(
    tmp_path: Path,
) -> None:
    async def story(world: World) -> None:
        await world.tm("apply", "--yes")
        async with world.serving() as server:
            call = world.box.network.dial(from_=CALLER, to=FRONT_DESK, caller=(Wait(20_000),))
            await asyncio.sleep(2)
            server.terminate()
            await asyncio.sleep(0.5)
            server.terminate()
            assert await asyncio.wait_for(server.wait(), 10) == 0
            await call.ended(20)
        assert any("/after" in event.detail for event in call.happened(Kind.REQUESTED))
        unanswered = [alert for alert in world.box.alerts if "/after" in str(alert)]
        assert unanswered == []
        async with world.serving():
            assert (await world.record_of(call.sid))["end_reason"] == "drained"

    play(tmp_path, story)


@pytest.mark.parametrize("command", ["serve", "calls"])
@pytest.mark.parametrize("wrong", ["nonsense", "sqlite:bad", "postgresql://u:secret@h:port/db"])
def test_a_wrong_database_address_is_an_error_for_people(tmp_path: Path, command: str, wrong: str) -> None:
    async def story(world: World) -> None:
        done = await world.tm(command, environment={"TM_DATABASE_URL": wrong})
        assert done.code == 1
        assert "TM_DATABASE_URL" in done.err
        assert "secret" not in done.out + done.err

    play(tmp_path, story)


def test_a_sender_who_goes_away_in_the_middle_of_a_request_is_no_error_of_ours(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving():
            for _ in range(3):
                _, writer = await asyncio.open_connection("127.0.0.1", world.port)
                head = "POST /voice/front-desk HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\n"
                writer.write(f"{head}Content-Length: 100\r\n\r\nCallSid=".encode())
                await writer.drain()
                writer.close()
                await writer.wait_closed()
            assert (await world.get("/healthz")).status_code == 200
        assert "ERROR" not in world.server_log()

    play(tmp_path, story)
