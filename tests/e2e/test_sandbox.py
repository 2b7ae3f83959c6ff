"""`tm sandbox` as a process: the account that agents.d describes, and that it keeps in a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from tests.e2e.world import FRONT_DESK, FRONT_DESK_YAML, START_SECONDS, World, play

SERVICE_SID = "MG" + "1" * 32
SERVICE = f"/v1/Services/{SERVICE_SID}"
INBOUND = "https://voice.example/whatsapp/front-desk"
WITH_WHATSAPP = f"""\
{FRONT_DESK_YAML}
whatsapp: {{sender: {FRONT_DESK}, messaging_service: {SERVICE_SID}}}
"""


@asynccontextmanager
async def sandbox(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Run `tm sandbox`; the client speaks to messaging.twilio.com with the variables that it prints."""
    process = await world.start_tm("sandbox", "--port", "0", "--state", "account.json")
    assert process.stdout is not None
    exports: dict[str, str] = {}
    try:
        while "OPENAI_BASE_URL" not in exports:
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
            name, _, value = line.decode().removeprefix("export ").strip().partition("=")
            exports[name] = value
        async with httpx2.AsyncClient(
            base_url=exports["TM_TWILIO_API_URL"],
            auth=(exports["TWILIO_ACCOUNT_SID"], exports["TWILIO_AUTH_TOKEN"]),
            headers={"X-Twilio-Host": "messaging.twilio.com"},
        ) as client:
            yield client
    finally:
        process.terminate()
        await process.communicate()


def test_it_owns_what_agents_d_declares_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        async with sandbox(world) as client:
            senders = await client.get("/v2/Channels/Senders", params={"Channel": "whatsapp"})
            assert [one["sender_id"] for one in senders.json()["senders"]] == [f"whatsapp:{FRONT_DESK}"]
            written = await client.post(SERVICE, data={"InboundRequestUrl": INBOUND})
            assert written.status_code == httpx2.codes.OK
        async with sandbox(world) as client:
            assert (await client.get(SERVICE)).json()["inbound_request_url"] == INBOUND

    play(tmp_path, story, front_desk=WITH_WHATSAPP)
