"""The sandbox as a whole: one port that is Twilio and the model, and a phone network behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.account import Account, Alert
from sandbox.account.routes import RestApi
from sandbox.seed import Seed
from sandbox.server import LoopbackServer


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox. Use it as `async with Sandbox.start(seed) as box`."""

    url: str
    account: Account
    openai_key: str

    @property
    def openai_url(self) -> str:
        """The model's base URL, for OPENAI_BASE_URL."""
        return f"{self.url}/v1"

    @property
    def account_sid(self) -> str:
        """The account's SID, for TWILIO_ACCOUNT_SID."""
        return self.account.sid

    @property
    def auth_token(self) -> str:
        """The account's token, for TWILIO_AUTH_TOKEN."""
        return self.account.auth_token

    @property
    def alerts(self) -> list[Alert]:
        """What Twilio's debugger would show."""
        return self.account.alerts

    @classmethod
    @asynccontextmanager
    async def start(
        cls, seed: Seed | None = None, *, host: str = "127.0.0.1", port: int = 0, state: Path | None = None
    ) -> AsyncIterator[Sandbox]:
        """Listen on `host` and `port` (0 for any free one) until the block ends.

        Raises SandboxError when the address is taken.
        """
        seed = seed or Seed()
        account = seed.account()
        api = RestApi(account)
        server = LoopbackServer(Starlette(routes=[Mount("/", app=api)]), host, port)
        bound = await server.start()
        try:
            yield cls(f"http://{host}:{bound}", account, seed.openai_key)
        finally:
            await server.stop()
