"""A node as a test stands it up: declarations in a folder, a model in memory, Twilio's signed requests."""

from __future__ import annotations

import asyncio
import functools
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from twilio.request_validator import RequestValidator

from runtime.app import create_app
from runtime.messages.voice_notes import Transcribe
from runtime.model.connection import ConnectModel
from runtime.node import Node
from runtime.settings import Settings
from runtime.store.database import migrate, open_engine
from schemas import Fleet, require_fleet
from tests.runtime.fake_text_model import FakeTextModel
from tests.runtime.fake_twilio import FakeTwilio
from tests.runtime.fakes import FakeModel, Phone

PUBLIC_URL = "https://agents.example.com"
TOKEN = "0123456789abcdef0123456789abcdef"
FRONT_DESK = "+14155550123"
CALLER = "+14155550190"
ENVIRONMENT = {
    "TM_PUBLIC_URL": PUBLIC_URL,
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": TOKEN,
}
AGENT = f"""\
kind: Agent
name: front-desk
numbers: {FRONT_DESK}
greeting: Good evening.
instructions: Take reservations.
fallback_message: Please call again later.
"""


def fleet_of(folder: Path, declarations: str) -> Fleet:
    """Load a fleet from one file's text."""
    agents = folder / "agents.d"
    agents.mkdir(exist_ok=True)
    (agents / "fleet.yaml").write_text(declarations)
    return require_fleet(agents, ENVIRONMENT)


@functools.cache
def empty_database() -> bytes:
    """A migrated database file: migrating one for each test would take half of their time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "calls.sqlite3"
        engine = open_engine(f"sqlite:///{file}")
        migrate(engine)
        engine.dispose()
        return file.read_bytes()


@dataclass
class Office:
    """A running node, its application, its model, and what Twilio does to it."""

    node: Node
    app: Starlette
    model: FakeModel
    client: httpx2.AsyncClient
    twilio: FakeTwilio
    text: FakeTextModel

    async def webhook(
        self,
        path: str = "/voice/front-desk",
        *,
        token: str = TOKEN,
        base: str = PUBLIC_URL,
        **parameters: str,
    ) -> httpx2.Response:
        """POST a webhook as Twilio does, signed."""
        form = {"CallSid": "CA1", "From": CALLER, "To": FRONT_DESK, "CallStatus": "ringing", **parameters}
        signature = RequestValidator(token).compute_signature(f"{base}{path}", form)
        return await self.client.post(path, data=form, headers={"X-Twilio-Signature": signature})

    async def phone(self, answer: httpx2.Response, *, call_sid: str = "CA1") -> Phone:
        """Return the phone whose stream the answer asks for; the stream opens with `async with`."""
        found = re.search(r'<Stream url="([^"]+)"', answer.text)
        assert found is not None, answer.text
        url = found[1]
        signature = RequestValidator(TOKEN).compute_signature(url, {})
        return Phone(self.app, url, {"X-Twilio-Signature": signature}, call_sid=call_sid)

    async def record(self, name: str = "CA1") -> Mapping[str, Any]:
        """The record of a call through the API, as somebody on this machine."""
        answer = await self.client.get(f"/api/calls/{name}")
        assert answer.status_code == 200, answer.text
        record: Mapping[str, Any] = answer.json()
        return record

    async def over(self) -> None:
        """Wait until no call is live."""
        assert await self.node.calls.drained(120)


@asynccontextmanager
async def open_office(
    folder: Path,
    declarations: str = AGENT,
    *,
    api_token: str | None = None,
    node_url: str | None = None,
    name: str = "test",
    connect: ConnectModel | None = None,
    tool_transport: httpx2.AsyncBaseTransport | None = None,
    transcribe: Transcribe | None = None,
) -> AsyncIterator[Office]:
    """Run a node on the declarations, in the running loop's time; nodes of one folder share its database.

    All calls have the office's one model unless there is something else to `connect` them.
    """
    model, twilio, text = FakeModel(), FakeTwilio(), FakeTextModel()
    if not (folder / "calls.sqlite3").exists():
        (folder / "calls.sqlite3").write_bytes(empty_database())
    settings = Settings(
        openai_api_key="sk-test",
        database_url=f"sqlite:///{folder / 'calls.sqlite3'}",
        api_token=api_token,
        node_url=node_url,
        state_dir=folder / "state",
    )
    clock = asyncio.get_running_loop().time
    node = Node(
        fleet_of(folder, declarations),
        settings,
        name=name,
        connect=connect or model,
        clock=clock,
        epoch=clock,
        twilio_transport=twilio.transport(),
        tool_transport=tool_transport,
        ask_text=text,
        transcribe=transcribe,
    )
    app = create_app(node)
    transport = httpx2.ASGITransport(app, client=("127.0.0.1", 40000))
    async with node.running(), httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Office(node, app, model, client, twilio, text)
