"""Requests that did not come from Twilio, and ones that nobody should send: refused, and nothing starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.e2e.world import CALLER, FRONT_DESK, World, play


def form(world: World) -> dict[str, str]:
    """The parameters of an incoming call."""
    return {
        "CallSid": "CA" + "1" * 32,
        "AccountSid": world.box.account_sid,
        "From": CALLER,
        "To": FRONT_DESK,
        "CallStatus": "ringing",
        "Direction": "inbound",
    }


async def post(world: World, path: str, data: dict[str, str], signature: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=world.base, timeout=5) as client:
        return await client.post(path, data=data, headers={"X-Twilio-Signature": signature})


def signed(world: World, path: str, data: dict[str, str]) -> str:
    """What Twilio would sign this request with."""
    validator = RequestValidator(world.box.auth_token)
    signature: str = validator.compute_signature(f"{world.base}{path}", data)
    return signature


async def status_of_a_body_of(world: World, size: int) -> int:
    """Announce a body of so many bytes, send the first of them, and return the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    try:
        head = "POST /voice/front-desk HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: Zm9yZ2Vk\r\n"
        writer.write(f"{head}Content-Length: {size}\r\n\r\nPadding=x".encode())
        async with asyncio.timeout(5):
            return int((await reader.readline()).split()[1])
    finally:
        writer.close()


async def nothing_happened(world: World) -> bool:
    return not world.box.model.sessions and not await world.calls()


def test_a_forged_signature_is_refused_and_opens_no_model(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving():
            data = form(world)
            assert (await post(world, "/voice/front-desk", data, "Zm9yZ2Vk")).status_code == 403
            assert (await post(world, "/voice/nobody", data, "Zm9yZ2Vk")).status_code == 403
            genuine = signed(world, "/voice/front-desk", data)
            changed = {**data, "From": "+14155550999"}
            assert (await post(world, "/voice/front-desk", changed, genuine)).status_code == 403
            assert await nothing_happened(world)
            assert (await post(world, "/voice/front-desk", data, genuine)).status_code == 200

    play(tmp_path, story)


def test_a_forged_media_stream_is_refused_before_the_upgrade(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving():
            for headers in ({}, {"X-Twilio-Signature": "Zm9yZ2Vk"}):
                try:
                    async with connect(
                        f"ws://127.0.0.1:{world.port}/stream/guess", additional_headers=headers
                    ):
                        raise AssertionError("the handshake went through")
                except InvalidStatus as refused:
                    assert refused.response.status_code == 403
            assert await nothing_happened(world)

    play(tmp_path, story)


def test_an_unknown_agent_is_not_found_and_an_oversized_body_is_cut_off(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving():
            data = form(world)
            unknown = await post(world, "/voice/nobody", data, signed(world, "/voice/nobody", data))
            assert unknown.status_code == 404
            assert await status_of_a_body_of(world, 1_000_000) == 413
            assert await nothing_happened(world)

    play(tmp_path, story)


def test_the_records_are_for_this_machine_only_until_a_token_is_set(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving(), httpx2.AsyncClient(base_url=world.base, timeout=5) as client:
            assert (await client.get("/api/calls")).status_code == 200
            through_a_proxy = await client.get("/api/calls", headers={"X-Forwarded-For": "203.0.113.9"})
            assert through_a_proxy.status_code == 403
            other_name = await client.get("/api/calls", headers={"Host": "agents.example.com"})
            assert other_name.status_code == 403
        async with (
            world.serving(environment={"TM_API_TOKEN": "let-me-in"}),
            httpx2.AsyncClient(base_url=world.base, timeout=5) as client,
        ):
            assert (await client.get("/api/calls")).status_code == 401
            token = {"Authorization": "Bearer let-me-in"}
            assert (await client.get("/api/calls", headers=token)).status_code == 200
            assert (await client.get("/healthz")).status_code == 200

    play(tmp_path, story)


def test_serve_says_what_it_lacks_instead_of_starting(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        keyless = await world.tm("serve", environment={"OPENAI_API_KEY": None})
        assert keyless.code == 1
        assert "OPENAI_API_KEY" in keyless.err
        world.declare(broken="kind: Agent\nname: b\ninstrutions: hi\n")
        misspelt = await world.tm("serve")
        assert misspelt.code == 1
        assert "broken.yaml:3:1" in misspelt.out + misspelt.err
        assert "instructions" in misspelt.out + misspelt.err

    play(tmp_path, story)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with world.serving():
            second = await world.tm("serve", "--port", str(world.port))
            assert second.code == 1
            assert str(world.port) in second.err

    play(tmp_path, story)
